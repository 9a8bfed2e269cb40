import Logging
import NamedPipes
import NamedPipesService
import ServiceLifecycle

actor Counter {
    private var counts: [String: Int] = [:]

    func count(_ name: String) -> Int {
        counts[name, default: 0] += 1
        return counts[name, default: 0]
    }
}

let logger = Logger(label: "counterd")
let counter = Counter()
let configuration = PipeService.Configuration(framing: DelimiterFraming.newline)
let service = PipeService(
    at: try .inherited(or: .runtime("counter")), configuration: configuration,
    logger: logger
) { connection in
    for try await message in connection.messages {
        guard let name = String(copying: message) else { return }
        try await connection.send("\(name) \(await counter.count(name))")
    }
}
try await ServiceGroup(
    services: [service], gracefulShutdownSignals: [.sigterm, .sigint],
    logger: logger
).run()
