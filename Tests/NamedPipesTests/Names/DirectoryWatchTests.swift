// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `Watching for a server` {
    private let scratch = Scratch()
    private let instances = InotifyInstances()

    @Test func `is not possible for an abstract name`() throws {
        #expect(try DirectoryWatch(for: .abstract("x")) == nil)
    }

    @Test func `sees a server appear`() throws {
        let watch = try #require(try DirectoryWatch(for: scratch.address()))
        #expect(!isReadable(watch))
        let name = try publish(scratch.address())
        #expect(isReadable(watch))
        #expect(try watch.drain())
        #expect(!isReadable(watch))
        withExtendedLifetime(name) {}
    }

    @Test func `sees a server take over a stale name`() throws {
        leaveStaleSocket(at: try scratch.address())
        let watch = try #require(try DirectoryWatch(for: scratch.address()))
        let name = try publish(scratch.address())
        #expect(isReadable(watch))
        #expect(try watch.drain())
        withExtendedLifetime(name) {}
    }

    @Test func `does not take other names for the server`() throws {
        let watch = try #require(try DirectoryWatch(for: scratch.address()))
        makeFile(scratch.path("other"))
        #expect(isReadable(watch))
        #expect(try !watch.drain())
        makeDirectory(scratch.path("pipe"))
        #expect(try !watch.drain())
    }

    @Test func `follows directories as they appear`() throws {
        let watch = try #require(try DirectoryWatch(for: scratch.address("a/b/pipe")))
        for directory in ["a", "a/b"] {
            makeDirectory(scratch.path(directory))
            #expect(isReadable(watch))
            #expect(try !watch.drain())
            #expect(!isReadable(watch))
        }
        let name = try publish(scratch.address("a/b/pipe"))
        #expect(isReadable(watch))
        #expect(try watch.drain())
        withExtendedLifetime(name) {}
    }

    @Test func `needs one look only when everything appears at once`() throws {
        let watch = try #require(try DirectoryWatch(for: scratch.address("a/b/pipe")))
        makeDirectory(scratch.path("a"))
        makeDirectory(scratch.path("a/b"))
        let name = try publish(scratch.address("a/b/pipe"))
        #expect(try watch.drain())
        withExtendedLifetime(name) {}
    }

    @Test func `moves up when its directory is removed, and down again`() throws {
        makeDirectory(scratch.path("a"))
        let watch = try #require(try DirectoryWatch(for: scratch.address("a/pipe")))
        #expect(unsafe rmdir(scratch.path("a")) == 0)
        #expect(isReadable(watch))
        #expect(try !watch.drain())
        makeDirectory(scratch.path("a"))
        #expect(isReadable(watch))
        #expect(try !watch.drain())
        let name = try publish(scratch.address("a/pipe"))
        #expect(isReadable(watch))
        #expect(try watch.drain())
        withExtendedLifetime(name) {}
    }

    @Test func `works when a directory is moved into place`() throws {
        let watch = try #require(try DirectoryWatch(for: scratch.address("a/pipe")))
        makeDirectory(scratch.path("b"))
        #expect(try !watch.drain())
        let name = try publish(scratch.address("b/pipe"))
        #expect(unsafe rename(scratch.path("b"), scratch.path("a")) == 0)
        #expect(try watch.drain())
        withExtendedLifetime(name) {}
    }

    @Test func `survives more events than the kernel keeps`() throws {
        let watch = try #require(try DirectoryWatch(for: scratch.address()))
        let limit = contents(of: "/proc/sys/fs/inotify/max_queued_events").flatMap { Int($0.dropLast()) } ?? 16384
        for number in 0...limit { makeFifo(scratch.path("\(number % 2)"), number) }
        let name = try publish(scratch.address())
        #expect(try watch.drain())
        #expect(!isReadable(watch))
        withExtendedLifetime(name) {}
    }

    /// One event each: with alternating names, because equal events in a row become one.
    private func makeFifo(_ path: String, _ number: Int) {
        if number < 2 { makeFile(path) }
        setMode(number % 4 < 2 ? 0o600 : 0o640, of: path)
    }

    private func isReadable(_ watch: DirectoryWatch) -> Bool {
        var descriptor = pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&descriptor, 1, 0) == 1
    }
}
