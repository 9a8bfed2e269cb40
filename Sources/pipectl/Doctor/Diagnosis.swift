// SPDX-License-Identifier: Apache-2.0

/// What was found out about the way to a server, in the order in which the kernel decides: a check that fails is the
/// last one.
struct Diagnosis: Encodable, Equatable {
    struct Check: Encodable, Equatable {
        let name: String
        let isPassed: Bool
        let finding: String
        /// What can be done, for a check that failed.
        let remedy: String?
    }

    let address: String
    private(set) var checks: [Check] = []
    /// Whether a client of this user can connect.
    private(set) var isReachable = true

    private enum CodingKeys: CodingKey { case address, checks, isReachable }

    init(of address: String) { self.address = address }

    mutating func pass(_ name: String, _ finding: String) {
        checks.append(Check(name: name, isPassed: true, finding: finding, remedy: nil))
    }

    /// Ends the diagnosis.
    mutating func fail(_ name: String, _ finding: String, remedy: String) {
        checks.append(Check(name: name, isPassed: false, finding: finding, remedy: remedy))
        isReachable = false
    }

    /// A line for each check, and one for the remedy.
    func text(_ style: TextStyle = .plain) -> String {
        let width = checks.map(\.name.count).max() ?? 0
        let lines = checks.map { check in
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            let verdict = check.isPassed ? style.paint("ok", .good) + "  " : style.paint("FAIL", .bad)
            let line = "  \(verdict)  \(name)  \(check.finding)\n"
            return line + (check.remedy.map { wrapped("remedy: \($0)", indent: 8) } ?? "")
        }
        return "\(address)\n\(lines.joined())"
    }
}
