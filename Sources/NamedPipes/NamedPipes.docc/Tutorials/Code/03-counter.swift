import NamedPipes

actor Counter {
    private var counts: [String: Int] = [:]

    func count(_ name: String) -> Int {
        counts[name, default: 0] += 1
        return counts[name, default: 0]
    }
}

let counter = Counter()
let configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
try await PipeServer.serve(
    at: .runtime("counter"), configuration: configuration
) { connection in
    for try await message in connection.messages {
        guard let name = String(copying: message) else { return }
        try await connection.send("\(name) \(await counter.count(name))")
    }
}
