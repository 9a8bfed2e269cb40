// SPDX-License-Identifier: Apache-2.0

/// A client that is another program which uses the same wire format.
protocol Stranger: AnyObject {
    /// The name in the table: `python`.
    var name: String { get }
    var tally: Tally { get }
    /// Whether it is ready to start.
    var isReady: Bool { get }
    /// The exit status; nil while it runs.
    var exitStatus: Int32? { get }

    func start()
    /// Lets it finish the messages that are on their way, and end.
    func finish()
}
