// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import NamedPipes

// A room in which all guests read what the others write.
//
//     Chat [ADDRESS]              opens the room
//     Chat ADDRESS NICKNAME       enters it; lines of standard input are said, `/nick NEW` takes another name

let arguments = ProgramArguments(usage: "Chat [ADDRESS [NICKNAME]]", atMost: 2)
do {
    let reactor = try Reactor()
    let address = try arguments.address(default: "chat")
    stopOnSignals(reactor.executor)
    if arguments.values.count > 1 {
        enterRoom(at: address, as: arguments.values[1], on: reactor)
    } else {
        try openRoom(at: address, on: reactor)
    }
    reactor.run()
} catch {
    fail(error)
}

func openRoom(at address: PipeAddress, on reactor: Reactor) throws {
    let room = Room()
    let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: room)
    room.server = server
    announce(server)
}

func enterRoom(at address: PipeAddress, as nickname: String, on reactor: Reactor) {
    let guest = Guest(nickname: nickname, reactor: reactor)
    PipeClient(address: address, reactor: reactor, delegate: guest).connect()
}
