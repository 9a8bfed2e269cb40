// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The processors that this process may use.
enum Processors {
    /// Their number, at least 1: those of the affinity mask, which `taskset(1)` and cpusets narrow; on a very large
    /// machine, those that are online (`sysconf(3)`).
    static var count: Int { max(1, GNUCalls.usableProcessorCount() ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
