// SPDX-License-Identifier: Apache-2.0

/// The result of a run, as one line of JSON.
struct Verdict {
    /// Failures that were reported as they should be: typed errors, early ends.
    var errors: [String] = []
    /// Events that must never happen, whatever system call failed.
    var violations: [String] = []
    /// Whether every message of every client arrived and was answered.
    var isComplete = false
    var receivedCount = 0
    var answeredCount = 0
    /// The number of connections that ended because they sent descriptors.
    var smuggledCount = 0

    /// Runs a body that may fail, and notes the error.
    mutating func attempt<Result>(_ what: String, _ body: () throws -> Result) -> Result? {
        do { return try body() } catch {
            errors.append("\(what): \(error)")
            return nil
        }
    }

    var json: String {
        """
        {"complete": \(isComplete), "received": \(receivedCount), "answered": \(answeredCount), \
        "smuggled": \(smuggledCount), \
        "errors": \(Self.list(errors)), "violations": \(Self.list(violations))}
        """
    }

    private static func list(_ texts: [String]) -> String { "[\(texts.map(quoted).joined(separator: ", "))]" }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case _ where scalar.value < 32: " "
            default: "\(scalar)"
            }
        }
        return "\"\(escaped.joined())\""
    }
}
