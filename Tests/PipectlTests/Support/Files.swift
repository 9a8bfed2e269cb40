// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// The identity of a file, and its permissions; nil if there is none.
func fileStatus(_ path: String) -> stat? {
    var status = stat()
    return unsafe lstat(path, &status) == 0 ? status : nil
}

func renameFile(_ path: String, to other: String) throws(SystemError) {
    guard unsafe rename(path, other) == 0 else { throw SystemError(call: "rename", code: errno) }
}

/// Makes a symbolic link at the path.
func linkFile(_ path: String, to target: String) throws(SystemError) {
    guard unsafe symlink(target, path) == 0 else { throw SystemError(call: "symlink", code: errno) }
}

func removeFile(_ path: String) throws(SystemError) {
    guard unsafe unlink(path) == 0 else { throw SystemError(call: "unlink", code: errno) }
}
