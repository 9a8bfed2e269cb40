// SPDX-License-Identifier: Apache-2.0
#if Service
import ExampleSupport
import NamedPipes

/// The command line.
struct Options {
    let address: PipeAddress
    let file: RotatingFile.Policy

    static let usage = "LogCollector [ADDRESS [FILE [BYTES [COUNT]]]]"

    /// The argument is not a number, or too small.
    struct Misuse: Error {}

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        func number(atLeast least: Int, default value: Int) throws -> Int {
            guard let text = rest.popFirst() else { return value }
            guard let number = Int(text), number >= least else { throw Misuse() }
            return number
        }
        address = try PipeAddress(parsing: rest.popFirst() ?? "log-collector")
        let path = rest.popFirst() ?? "collected.log"
        let byteLimit = try number(atLeast: 1, default: 16 << 20)
        file = RotatingFile.Policy(path: path, byteLimit: byteLimit, count: try number(atLeast: 1, default: 5))
    }
}
#endif
