import NamedPipes

var configuration = PipeClient.Configuration(framing: DelimiterFraming.newline)
configuration.waitsForServer = true
try await PipeClient.withConnection(
    to: .runtime("counter"), configuration: configuration
) { connection in
    for name in CommandLine.arguments.dropFirst() {
        try await connection.send(name)
    }
    await connection.finishSending()
    for try await answer in connection.messages {
        print(String(copying: answer) ?? "?")
    }
}
