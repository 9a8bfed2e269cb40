// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram

// A room to talk in, with any number of guests: `nc -U ADDRESS`, a line a message.
//
//     ActorRoom [ADDRESS]

await PipeProgram.run { program in
    let address = try program.arguments(usage: "ActorRoom [ADDRESS]").address(default: "room")
    let thread = try ReactorThread(name: "room") { _ in }
    defer {
        thread.stop()
        thread.join()
    }
    let room = Room(on: thread.executor)
    // A task on another thread queries the room now and then; it sleeps on the room's reactor.
    let census = Task { @concurrent in
        while true {
            try await Task.sleep(for: .seconds(60), clock: room.executor.clock)
            PipeProgram.report("\(await room.members.count) guests, \(await room.spokenLineCount) lines")
        }
    }
    try await program.serve(
        at: address, configuration: PipeServer.Configuration(framing: DelimiterFraming.newline), on: room.executor
    ) { connection in
        try await Visit(room: room, connection: connection).run()
    }
    census.cancel()
    _ = await census.result
}
