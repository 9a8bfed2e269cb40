// SPDX-License-Identifier: Apache-2.0

/// A client that is not ours: a program that speaks the same bytes.
protocol Stranger: AnyObject {
    /// For the table: `python`.
    var name: String { get }
    var tally: Tally { get }
    /// Whether it can be told to start.
    var isReady: Bool { get }
    /// The exit status; nil while it runs.
    var exitStatus: Int32? { get }

    func start()
    /// Has it finish what is on its way, and end.
    func finish()
}
