// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Files that look unused for 40 days.
struct Age {
    private let paths: [String]
    private let time = Glibc.time(nil) - 40 * 86_400

    /// The socket's file, and the lock's beside it.
    init(ofName path: String) {
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        paths = [path, "\(path[..<slash]).\(path[slash...]).lock"]
    }

    func grow() {
        for path in paths {
            let times = [timeval](repeating: timeval(tv_sec: time, tv_usec: 0), count: 2)
            _ = unsafe lutimes(path, times)
        }
    }

    /// Whether the times have been set anew. A file that cannot be looked at is not waited for.
    var isOver: Bool {
        paths.allSatisfy { path in
            var status = stat()
            return unsafe lstat(path, &status) != 0 || status.st_mtim.tv_sec > time
        }
    }
}
