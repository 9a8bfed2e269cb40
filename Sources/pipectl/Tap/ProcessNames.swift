// SPDX-License-Identifier: Apache-2.0

/// The names of the clients' programs, each asked for once.
struct ProcessNames {
    // By connection, because a process ID may belong to another program later.
    private var titles: [String: String] = [:]

    private static let limit = 1000

    /// `python3[4711]`; a dash if the process is unknown.
    mutating func title(of message: CapturedMessage) -> String {
        guard let process = message.processID else { return "-" }
        if let known = titles[message.connection] { return known }
        let title = "\(ProcessFacts.name(of: process) ?? "")[\(process)]"
        // Connections come and go; those that are still there are asked for again.
        if titles.count >= Self.limit { titles = [:] }
        titles[message.connection] = title
        return title
    }
}
