import NamedPipes
import NamedPipesProgram

actor Counter {
    private var counts: [String: Int] = [:]

    func count(_ name: String) -> Int {
        counts[name, default: 0] += 1
        return counts[name, default: 0]
    }
}

await PipeProgram.run { program in
    let counter = Counter()
    let configuration = PipeServer.Configuration(
        framing: DelimiterFraming.newline)
    try await program.serve(
        at: .runtime("counter"), configuration: configuration
    ) { connection in
        for try await message in connection.messages {
            guard let name = String(copying: message) else { return }
            let count = await counter.count(name)
            try await connection.send("\(name) \(count)")
        }
    }
}
