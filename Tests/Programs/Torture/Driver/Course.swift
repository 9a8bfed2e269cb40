// SPDX-License-Identifier: Apache-2.0

/// The parts of the library that an exchange passes through, beside the ordinary ones.
enum Course: String, CaseIterable {
    case plain
    /// As on kernels that let descriptors through: one more client sends some.
    case guarded
    /// Another server of this process, on a thread of its own, has the name and hands it over.
    case takeover
    /// The name has grown old, is deleted in the middle, and published again.
    case republish
    /// The listener belongs to a service manager.
    case inherited
}
