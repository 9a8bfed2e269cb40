// SPDX-License-Identifier: Apache-2.0
import NamedPipesRPC
import Testing

@Suite struct `The difference of two JSON values` {
    private func difference(_ actual: String, _ expected: String) throws -> String? {
        try JSONText(actual).difference(from: JSONText(expected))?.description
    }

    @Test(
        arguments: [
            (#"{"a":1,"b":2}"#, #"{ "b" : 2, "a" : 1 }"#), ("1.50", "15e-1"), ("0", "-0.0"),
            (#""\u00e9\n""#, #""é\u000a""#), (#"{"\u0061":[true,null]}"#, #"{"a":[true, null]}"#),
            (#"{"a":1,"a":2}"#, #"{"a":2}"#), ("1e99999999999999999999", "1e99999999999999999999"),
            ("[]", " [ ]\n"), ("\t{}", "{ }"),
        ])
    func `is none if only the writing differs`(actual: String, expected: String) throws {
        #expect(try difference(actual, expected) == nil)
    }

    @Test(
        arguments: [
            ("1", "2", "$ is 1, not 2"), ("true", "false", "$ is true, not false"), ("null", "0", "$ is null, not 0"),
            (#""a""#, #""b""#, #"$ is "a", not "b""#), (#""1""#, "1", #"$ is "1", not 1"#),
            (#"{"a":{"b":[0,1]}}"#, #"{"a":{"b":[0,2]}}"#, "$.a.b[1] is 1, not 2"),
            ("[1]", "[1,2]", "$[1] is missing, and is expected to be 2"),
            ("[1,2]", "[1]", "$[1] is 2, and is not expected"),
            ("{}", #"{"a":1}"#, "$.a is missing, and is expected to be 1"),
            (#"{"a":1}"#, "{}", "$.a is 1, and is not expected"),
            (#"{"x":1,"a":1}"#, #"{"b":1,"a":2}"#, "$.b is missing, and is expected to be 1"),
            (#"{"a-b":1}"#, #"{"a-b":2}"#, #"$["a-b"] is 1, not 2"#),
            ("[]", "{}", "$ is [], not {}"),
        ])
    func `is the first in the order of the expected value`(actual: String, expected: String, text: String) throws {
        #expect(try difference(actual, expected) == text)
    }
}
