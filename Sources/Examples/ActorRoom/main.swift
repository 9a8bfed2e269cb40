// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import NamedPipes

// A room to talk in, with any number of guests: `nc -U ADDRESS`, a line a message.
//
//     ActorRoom [ADDRESS]

let arguments = ProgramArguments(usage: "ActorRoom [ADDRESS]")
do {
    let address = try arguments.address(default: "room")
    let thread = try ReactorThread(name: "room") { _ in }
    let room = Room(on: thread.executor)
    // A task on another thread queries the room now and then; it sleeps on the room's reactor.
    let census = Task { @concurrent in
        while true {
            try await Task.sleep(for: .seconds(60), clock: room.executor.clock)
            report("\(await room.members.count) guests, \(await room.spokenLineCount) lines")
        }
    }
    try await serveUntilSignal(
        at: address, configuration: PipeServer.Configuration(framing: DelimiterFraming.newline), on: room.executor
    ) { connection in
        try await Visit(room: room, connection: connection).run()
    }
    census.cancel()
    _ = await census.result
    thread.stop()
    thread.join()
} catch {
    fail(error)
}
