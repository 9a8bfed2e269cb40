// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

/// Taking the place of another program's server, and giving it back.
struct DisplacedNameTests {
    private let directory = Scratch()
    private let server: RawListener
    private let address: PipeAddress

    init() throws {
        address = try .path("\(directory.path)/name")
        server = try RawListener(at: address)
        setMode(0o640, of: address.text)
    }

    private func status(_ path: String) -> FileStatus? {
        do { return try FileStatus(of: path) } catch { return nil }
    }

    private var behind: String { "\(address.text).behind" }

    @Test func `the names are exchanged, with the same permissions, and exchanged back`() throws {
        let before = try #require(status(address.text))
        let (name, listener) = try DisplacedName.displace(address)
        #expect(name.isInPlace && name.behind.text == behind)
        #expect(status(behind)?.identity == before.identity)
        let now = try #require(status(address.text))
        #expect(now.identity != before.identity && now.mode == before.mode && now.owner == before.owner)
        // Clients of the name wait at the new socket, and those of the other one at the server's.
        let client = try RawPeer(connectingTo: address)
        #expect(server.accept() == nil)
        let other = try RawPeer(connectingTo: name.behind)
        #expect(server.accept() != nil)
        #expect(try name.restore() == .restored)
        #expect(status(address.text)?.identity == before.identity && status(behind) == nil)
        #expect(try name.restore() == .restored)
        withExtendedLifetime((listener, client, other)) {}
    }

    @Test func `the end of the value restores the name`() throws {
        let before = try #require(status(address.text))
        do {
            let displaced = try DisplacedName.displace(address)
            withExtendedLifetime(displaced) { #expect(status(behind)?.identity == before.identity) }
        }
        #expect(status(address.text)?.identity == before.identity && status(behind) == nil)
    }

    @Test func `nothing is changed where the name is no socket, or the other name is taken`() throws {
        let path = "\(directory.path)/other"
        let other = try PipeAddress.path(path)
        #expect(throws: PipeError.noServer(other)) { try DisplacedName.displace(other) }
        #expect(unsafe symlink(address.text, path) == 0)
        #expect(throws: PipeError.unusableLocation(path: path, .symbolicLink)) { try DisplacedName.displace(other) }
        #expect(unsafe unlink(path) == 0)
        makeFile(path)
        #expect(throws: PipeError.unusableLocation(path: path, .notASocket)) { try DisplacedName.displace(other) }
        makeFile(behind)
        let taken = try PipeAddress.path(behind)
        #expect(throws: PipeError.addressInUse(taken, holder: nil)) { try DisplacedName.displace(address) }
        #expect(status(path)?.kind == .regular && status(behind)?.kind == .regular)
    }

    @Test func `a name that leaves no room for the other one is refused`() throws {
        let name = String(repeating: "x", count: 101 - directory.path.utf8.count)
        let long = try PipeAddress.path("\(directory.path)/\(name)")
        #expect(throws: PipeError.invalidAddress(.tooLong(byteCount: 109, limit: 107))) {
            try DisplacedName.displace(long)
        }
    }

    @Test func `a live server that has lost the name gets it back`() throws {
        let before = try #require(status(address.text))
        let (name, listener) = try DisplacedName.displace(address)
        #expect(unsafe unlink(address.text) == 0)
        #expect(!name.isInPlace)
        #expect(try name.restore() == .restored)
        #expect(status(address.text)?.identity == before.identity && status(behind) == nil)
        withExtendedLifetime(listener) {}
    }

    @Test(arguments: [false, true]) func `a dead server that removed the name leaves none`(_ isKilled: Bool) throws {
        let (name, listener) = try DisplacedName.displace(address)
        if isKilled { server.crash() } else { server.stop() }
        #expect(try name.restore() == (isKilled ? .restored : .changedMeanwhile))
        // A killed one leaves its file, as ever.
        #expect((status(address.text) != nil) == isKilled && status(behind) == nil)
        withExtendedLifetime(listener) {}
    }

    @Test func `another server's name is left to it, and the live one stays beside it`() throws {
        let before = try #require(status(address.text))
        let (name, listener) = try DisplacedName.displace(address)
        #expect(unsafe unlink(address.text) == 0)
        let other = try RawListener(at: address)
        let identity = status(address.text)?.identity
        #expect(try name.restore() == .changedMeanwhile)
        #expect(status(address.text)?.identity == identity && status(behind)?.identity == before.identity)
        withExtendedLifetime((listener, other)) {}
        #expect(unsafe unlink(behind) == 0)
    }
}
