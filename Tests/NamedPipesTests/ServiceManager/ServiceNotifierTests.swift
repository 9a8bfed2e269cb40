// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import NamedPipes

@Suite struct `A service notifier` {
    private let scratch = Scratch()

    private func message(at manager: borrowing ForeignSocket) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(manager.descriptor, &bytes, bytes.count, 0)
        return count >= 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }

    @Test func `tells a manager at a path, in one message`() throws {
        let manager = ForeignSocket(at: try scratch.address(), SOCK_DGRAM, listening: false)
        let notifier = try #require(ServiceNotifier(variable: scratch.path("pipe")))
        try notifier.notify(.ready, .status("fine\nREADY=0"))
        try notifier.notify(.stopping)
        #expect(message(at: manager) == "READY=1\nSTATUS=fine READY=0")
        #expect(message(at: manager) == "STOPPING=1")
        #expect(message(at: manager) == nil)
    }

    @Test func `tells a manager at an abstract name`() throws {
        let name = "notify-test-\(UInt64.random(in: .min ... .max))"
        let manager = ForeignSocket(at: try .abstract(name), SOCK_DGRAM, listening: false)
        try #require(ServiceNotifier(variable: "@\(name)")).notify(.ready)
        #expect(message(at: manager) == "READY=1")
    }

    @Test(arguments: ["", "relative", "vsock:2:1234", "@", "/", "/a/../b"])
    func `does not take anything else for a manager`(_ text: String) {
        #expect(ServiceNotifier(variable: text) == nil)
    }

    @Test func `reports a manager that does not listen`() throws {
        let notifier = try #require(ServiceNotifier(variable: scratch.path("nobody")))
        #expect(throws: PipeError.system(SystemError(call: "sendto", code: ENOENT))) { try notifier.notify(.ready) }
    }
}
