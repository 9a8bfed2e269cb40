// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `The name of a pool` {
    private let scratch = Scratch()

    @Test(arguments: [1, 2] as [ReactorCount])
    func `goes over to a successor; the clients of the predecessor are served to their end`(reactors: ReactorCount)
        throws
    {
        try withLoop { loop in
            let address = try scratch.address()
            let first = try EchoPool(at: address, reactors: reactors)
            let early = try loop.rawClients(4, to: address)
            try #require(loop.echo(early))
            let second = try EchoPool(at: address, reactors: reactors) {
                $0.existingServer = .takeOver
                $0.takeOverTimeout = Loop.patience
            }
            // A connect fails at no moment.
            let late = try loop.rawClients(4, to: address)
            try #require(loop.echo(late))
            try #require(loop.poll { first.log.losses == [.takenOver(processID: getpid())] })
            try #require(loop.poll { first.log.report != nil })
            let stopped = first.log.now
            #expect(stopped.stopCount == reactors.value && stopped.reasons.count == stopped.ids.count)
            #expect(second.log.now.events.count == 1)
            #expect(loop.echo(late, "still here"))
            second.end()
            #expect(!scratch.names.contains("pipe"))
        }
    }

    @Test func `is published again while clients are dealt`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let echo = try EchoPool(at: address, reactors: 2) { $0.nameLoss = .republish }
            for round in 0..<3 {
                let clients = try loop.rawClients(4, to: address)
                let waiting = try loop.rawClients(2, to: address)
                try #require(loop.echo(clients))
                #expect(unsafe unlink(scratch.path("pipe")) == 0)
                try #require(loop.poll { echo.log.losses.count == round + 1 && echo.log.hasRegainedName })
                try #require(loop.poll { connecting(to: address) == 0 })
                #expect(loop.echo(clients + waiting, "still here"))
            }
            #expect(echo.log.losses == [.removed, .removed, .removed])
        }
    }

    @Test func `of an inherited listener stays after the end, and clients wait there`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let kept = ForeignSocket(at: address)
            func listener() throws -> InheritedListener {
                let copy = fcntl(kept.descriptor, F_DUPFD_CLOEXEC, 3)
                let sockets = [ListenEnvironment.Socket(descriptor: copy, name: "web")]
                return try #require(try InheritedListener.listeners(at: sockets).first)
            }
            let early = try loop.rawClients(3, to: address)
            let first = try EchoPool(inheriting: try listener(), reactors: 2)
            try #require(loop.echo(early))
            first.end()
            let waiting = try loop.rawClients(3, to: address)
            let second = try EchoPool(inheriting: try listener(), reactors: 2)
            #expect(loop.echo(waiting))
            second.end()
            #expect(scratch.names == ["pipe"])
        }
    }
}
