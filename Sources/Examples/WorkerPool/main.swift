// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram

// A master that starts workers and hands them its clients: each worker is a process of its own, so one that crashes
// takes only its own clients along, and is started again. The clients' sockets travel as descriptors.
//
//     WorkerPool [ADDRESS [WORKERS]]

PipeProgram.run { program in
    let arguments = try program.arguments(
        usage: "WorkerPool [ADDRESS [WORKERS]]", atMost: 2, options: [Worker.option])
    let reactor = try Reactor()
    if arguments.values.first == Worker.option {
        try Worker.start(on: reactor)
        return try program.run(reactor)
    }
    let address = try arguments.address(default: "worker-pool")
    guard let count = Int(arguments.values.dropFirst().first ?? "2"), (1...64).contains(count) else {
        throw arguments.misuse
    }
    let master = Master()
    let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: master)
    master.startWorkers(count, on: reactor)
    try program.run(reactor, announcing: server)
}
