// SPDX-License-Identifier: Apache-2.0
internal import CProgram

/// The kind of file system that a path is on, as statfs(2) numbers them.
///
/// - Returns: the number, such as 0x794C7630 for an overlay; 0 if it is unknown.
package func fileSystemKind(of path: String) -> Int { unsafe program_file_system_kind(path) }
