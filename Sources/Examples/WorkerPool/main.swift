// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import NamedPipes

// A master that starts workers and hands them its clients: each worker is a process of its own, so one that crashes
// takes only its own clients along, and is started again. The clients' sockets travel as descriptors.
//
//     WorkerPool [ADDRESS [WORKERS]]

let arguments = ProgramArguments(usage: "WorkerPool [ADDRESS [WORKERS]]", atMost: 2, options: [Worker.option])
do {
    let reactor = try Reactor()
    stopOnSignals(reactor.executor)
    if arguments.values.first == Worker.option {
        try Worker.start(on: reactor)
        reactor.run()
        exitProgram(0)
    }
    let address = try arguments.address(default: "worker-pool")
    guard let count = Int(arguments.values.dropFirst().first ?? "2"), (1...64).contains(count) else {
        arguments.failWithUsage()
    }
    let master = Master()
    let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: master)
    master.startWorkers(count, on: reactor)
    announce(server)
    reactor.run()
} catch {
    fail(error)
}
