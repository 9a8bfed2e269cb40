// SPDX-License-Identifier: Apache-2.0
#if Service
import NamedPipes
import NamedPipesProgram

/// The command line.
struct Options {
    let address: PipeAddress
    let file: RotatingFile.Policy

    static let usage = "LogCollector [ADDRESS [FILE [BYTES [COUNT]]]]"

    init(_ arguments: ProgramArguments) throws {
        var rest = arguments.values[...]
        func number(atLeast least: Int, default value: Int) throws -> Int {
            guard let text = rest.popFirst() else { return value }
            guard let number = Int(text), number >= least else { throw arguments.misuse }
            return number
        }
        address = try PipeAddress(parsing: rest.popFirst() ?? "log-collector")
        let path = rest.popFirst() ?? "collected.log"
        let byteLimit = try number(atLeast: 1, default: 16 << 20)
        file = RotatingFile.Policy(path: path, byteLimit: byteLimit, count: try number(atLeast: 1, default: 5))
    }
}
#endif
