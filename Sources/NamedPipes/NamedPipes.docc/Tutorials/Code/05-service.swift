import Logging
import NamedPipes
import NamedPipesProgram
import NamedPipesService
import ServiceLifecycle

actor Counter {
    private var counts: [String: Int] = [:]

    func count(_ name: String) -> Int {
        counts[name, default: 0] += 1
        return counts[name, default: 0]
    }
}

await PipeProgram.run { program in
    let logger = Logger(label: "counterd")
    let counter = Counter()
    let configuration = PipeService.Configuration(
        framing: DelimiterFraming.newline)
    let service = PipeService(
        at: try .inherited(or: .runtime("counter")),
        configuration: configuration, logger: logger
    ) { connection in
        for try await message in connection.messages {
            guard let name = String(copying: message) else { return }
            let count = await counter.count(name)
            try await connection.send("\(name) \(count)")
        }
    }
    let group = ServiceGroup(services: [service], logger: logger)
    try await program.withStopHandler {
        try await group.run()
    } onStop: {
        await group.triggerGracefulShutdown()
    }
}
