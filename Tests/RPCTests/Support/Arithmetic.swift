// SPDX-License-Identifier: Apache-2.0
import NamedPipesRPC

struct Pair: Codable, Equatable {
    var left: Int
    var right: Int
}

struct Divided: Codable, Equatable {
    var quotient: Int
    var remainder: Int
}

struct OwnFailure: Error {}

extension JSONRPCMethods {
    /// The methods of the tests' server.
    static var arithmetic: JSONRPCMethods {
        var methods = JSONRPCMethods()
        methods.handle("add") { (pair: Pair, _) in pair.left + pair.right }
        methods.handle("sum") { (numbers: [Int], _) in numbers.reduce(0, +) }
        methods.handle("divide") { (pair: Pair, _) in
            guard pair.right != 0 else {
                throw JSONRPCError(.init(rawValue: 7), "division by zero", data: try JSONText(encoding: [pair.left]))
            }
            return Divided(quotient: pair.left / pair.right, remainder: pair.left % pair.right)
        }
        methods.handle("ping") { _ in "pong" }
        methods.handle("nothing") { _ in }
        methods.handle("fail") { (_: JSONRPCCall) -> Int in throw OwnFailure() }
        return methods
    }
}
