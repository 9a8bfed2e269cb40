import NamedPipes

let configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
try await PipeServer.serve(
    at: .runtime("counter"), configuration: configuration
) { connection in
    for try await message in connection.messages {
        try await connection.send(message)
    }
}
