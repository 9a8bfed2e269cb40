// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import PipeReactor

@Suite struct `Watching names` {
    private let scratch = Scratch()
    private let instances = InotifyInstances()

    @Test func `also happens on a timer, as long as there is something to watch`() throws {
        try withLoop { loop in
            let watcher = try FileWatcher(loop.reactor, secondsBetweenLooks: 1)
            var count = 0
            var watch: FileWatch? = try watcher.watch(scratch.path("."), followsLinks: true) { count += 1 }
            #expect(loop.run { count == 2 })
            #expect(try interval(of: watcher) == "it_interval: (1, 0)")
            withExtendedLifetime(watch) { watch = nil }
            #expect(try interval(of: watcher) == "it_interval: (0, 0)")
        }
    }

    /// In the format of proc(5).
    private func interval(of watcher: FileWatcher) throws -> Substring? {
        let path = "/proc/self/fdinfo/\(watcher.timer.rawDescriptor)"
        let file = try unsafe #require(fopen(path, "r"))
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1000)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        let lines = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix("it_interval") }
    }

    /// With a timer, each wait of the loop costs more, however far away the timer is.
    @Test func `sets no timer on the loop of a server in its ordinary state`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll(frame(pattern(100)))
            try #require(loop.run { raw.recorder.messageCount == 1 })
            loop.settle()
            #expect(loop.reactor.timers.elements.isEmpty)
        }
    }
}
