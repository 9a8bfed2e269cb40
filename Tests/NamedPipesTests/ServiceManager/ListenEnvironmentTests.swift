// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

/// The environment of a service manager, as texts.
@Suite struct `A listen environment` {
    private func sockets(_ pid: String?, _ fds: String?, _ names: String? = nil) throws -> [ListenEnvironment.Socket] {
        try ListenEnvironment(pid: pid, fds: fds, names: names).sockets(for: 4711)
    }

    @Test func `15 · numbers descriptors from 3 on, with their names`() throws {
        let found = try sockets("4711", "3", "web:ctl:web")
        #expect(found.map(\.descriptor) == [3, 4, 5])
        #expect(found.map(\.name) == ["web", "ctl", "web"])
        #expect(try sockets("4711", "2").map(\.name) == ["unknown", "unknown"])
        #expect(try sockets("4711", "1", "").map(\.name) == [""])
        #expect(try sockets("4711", "0", "") == [])
    }

    @Test(
        arguments: [
            (nil, "1"), (nil, nil), ("4712", "1"), ("1", "1"), ("4712", "nonsense"), ("4711", nil),
        ] as [(String?, String?)])
    func `15 · is ignored if it is for another process`(_ pid: String?, _ fds: String?) throws {
        #expect(try sockets(pid, fds) == [])
    }

    @Test(arguments: ["", "0", "-1", "+4711", " 4711", "4711 ", "4711x", "0x1267", "99999999999", "４７１１", "\0"])
    func `15 · with an invalid process ID is refused`(_ pid: String) {
        #expect(throws: InvalidListenEnvironment.processID) { try sockets(pid, "1") }
    }

    @Test(arguments: ["", "-1", "+1", " 1", "1 ", "1.0", "1e3", "one", "1048577", "2147483647", "99999999999999999999"])
    func `15 · with an invalid count is refused`(_ fds: String) {
        #expect(throws: InvalidListenEnvironment.count) { try sockets("4711", fds) }
    }

    @Test(arguments: ["", "a", "a:b:c", "a:b\u{1B}", "a:ü", "a:\n", ":::"])
    func `15 · with other names than descriptors is refused`(_ names: String) {
        #expect(throws: InvalidListenEnvironment.names) { try sockets("4711", "2", names) }
    }

    @Test func `15 · with a name that is too long is refused`() throws {
        let longest = String(repeating: "n", count: 255)
        #expect(try sockets("4711", "1", longest).map(\.name) == [longest])
        #expect(throws: InvalidListenEnvironment.names) { try sockets("4711", "1", longest + "n") }
    }
}
