// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram

// A room in which all guests read what the others write.
//
//     Chat [ADDRESS]              opens the room
//     Chat ADDRESS NICKNAME       enters it; lines of standard input are said, `/nick NEW` takes another name

PipeProgram.run { program in
    let arguments = try program.arguments(usage: "Chat [ADDRESS [NICKNAME]]", atMost: 2)
    let address = try arguments.address(default: "chat")
    let reactor = try Reactor()
    if arguments.values.count > 1 {
        let guest = Guest(nickname: arguments.values[1], reactor: reactor)
        PipeClient(address: address, reactor: reactor, delegate: guest).connect()
        try program.run(reactor)
    } else {
        let room = Room()
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: room)
        room.server = server
        try program.run(reactor, announcing: server)
    }
}
