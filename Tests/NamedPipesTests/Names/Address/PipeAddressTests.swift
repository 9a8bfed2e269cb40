// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@Suite struct `Addresses by path` {
    @Test func `1 · a path of 107 bytes is an address`() throws {
        let path = "/" + String(repeating: "a", count: 106)
        #expect(try PipeAddress.path(path).path == path)
    }

    @Test func `1 · a path of 108 bytes names the limit and is never shortened`() {
        let path = "/" + String(repeating: "a", count: 107)
        #expect(throws: PipeError.invalidAddress(.tooLong(byteCount: 108, limit: 107))) { try PipeAddress.path(path) }
    }

    @Test func `1 · the limit counts bytes and not characters`() {
        let path = "/" + String(repeating: "é", count: 54)
        #expect(throws: PipeError.invalidAddress(.tooLong(byteCount: 109, limit: 107))) { try PipeAddress.path(path) }
    }

    @Test func `2 · nothing is not an address`() {
        #expect(throws: PipeError.invalidAddress(.empty)) { try PipeAddress.path("") }
        #expect(throws: PipeError.invalidAddress(.empty)) { try PipeAddress.abstract("") }
        #expect(throws: PipeError.invalidAddress(.empty)) { try PipeAddress.runtime("") }
        #expect(throws: PipeError.invalidAddress(.empty)) { try PipeAddress.dotNet("") }
        #expect(throws: PipeError.invalidAddress(.empty)) { try PipeAddress.unique(prefix: "") }
        #expect(throws: PipeError.invalidAddress(.empty)) { try PipeAddress(parsing: "") }
        #expect(throws: PipeError.invalidAddress(.empty)) { try PipeAddress(parsing: "@") }
        #expect(throws: PipeError.invalidAddress(.empty)) { try PipeAddress(parsing: "dotnet:") }
        #expect(throws: PipeError.invalidAddress(.atBroker)) { try PipeAddress(parsing: "nats://broker/echo") }
    }

    @Test func `2 · NUL is refused everywhere`() {
        #expect(throws: PipeError.invalidAddress(.containsNUL)) { try PipeAddress.path("/run/a\0b") }
        #expect(throws: PipeError.invalidAddress(.containsNUL)) { try PipeAddress.abstract("a\0b") }
        #expect(throws: PipeError.invalidAddress(.containsNUL)) { try PipeAddress.dotNet("a\0b") }
    }

    @Test(arguments: ["run/x", "./x", "x", "~/x"])
    func `2 · a relative path is refused`(_ path: String) {
        #expect(throws: PipeError.invalidAddress(.notAbsolute(path: path))) { try PipeAddress.path(path) }
    }

    @Test(arguments: ["/", "//x", "/run//x", "/run/x/", "/run/./x", "/run/../x", "/run/.", "/run/x/.."])
    func `2 · a path with another spelling of the same place is refused`(_ path: String) {
        #expect(throws: PipeError.invalidAddress(.notNormalized(path: path))) { try PipeAddress.path(path) }
    }

    @Test(arguments: ["/x", "/.x", "/run/..x", "/run/.../x", "/run/a b", #"/run/a\b"#, "/run/ü", "/run/\u{301}x"])
    func `unusual paths are taken as they are`(_ path: String) throws {
        let address = try PipeAddress.path(path)
        #expect(address.path == path)
        #expect(address.kind == .file)
    }

    @Test func `two spellings of one letter are two addresses, as in the file system`() throws {
        let composed = try PipeAddress.path("/run/\u{e9}")
        let decomposed = try PipeAddress.path("/run/e\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, try PipeAddress.path("/run/\u{e9}")]).count == 2)
    }

    @Test func `an abstract name has no path and is not the path of the same letters`() throws {
        let abstract = try PipeAddress.abstract("/run/x")
        #expect(abstract.path == nil)
        #expect(abstract.kind == .abstract)
        #expect(try abstract != .path("/run/x"))
    }

    @Test func `1 · an abstract name has at most 107 bytes after its mark`() throws {
        _ = try PipeAddress.abstract(String(repeating: "a", count: 107))
        #expect(throws: PipeError.invalidAddress(.tooLong(byteCount: 108, limit: 107))) {
            try PipeAddress.abstract(String(repeating: "a", count: 108))
        }
    }
}

@Suite struct `Credentials` {
    @Test func `say in a log which user and process it is`() {
        let peer = PeerCredentials(userID: 1000, groupID: 100, processID: 4711)
        #expect(peer.description == "uid 1000, gid 100, pid 4711")
    }
}

@Suite struct `Permissions` {
    @Test func `have the documented modes`() {
        #expect(SocketPermissions.ownerOnly == .mode(0o600))
        #expect(SocketPermissions.everyone.mode == 0o666)
        #expect(SocketPermissions.group(7).mode == 0o660)
        #expect(SocketPermissions.group(7).groupID == 7)
        #expect(SocketPermissions.ownerOnly.groupID == nil)
    }

    @Test func `keep nine bits and always the owner's write bit`() {
        #expect(SocketPermissions.mode(0o7060).mode == 0o260)
    }
}
