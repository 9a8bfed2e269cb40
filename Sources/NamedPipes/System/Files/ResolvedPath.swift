// SPDX-License-Identifier: Apache-2.0
internal import Glibc

enum ResolvedPath {
    /// The absolute path of the file at a path, without links, `.` and `..` (`realpath(3)`); nil if there is no file,
    /// or if the path is not UTF-8.
    static func text(of path: [UInt8]) -> String? {
        let resolved = unsafe realpath((path + [0]).map(CChar.init(bitPattern:)), nil)
        guard let resolved = unsafe resolved else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(validatingCString: resolved)
    }
}
