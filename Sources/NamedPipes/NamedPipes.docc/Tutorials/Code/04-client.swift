import NamedPipes
import NamedPipesProgram

await PipeProgram.run { program in
    let names = try program.arguments(usage: "count NAME...", atMost: 100)
    var configuration = PipeClient.Configuration(
        framing: DelimiterFraming.newline)
    configuration.waitsForServer = true
    try await PipeClient.withConnection(
        to: .runtime("counter"), configuration: configuration
    ) { connection in
        for name in names.values { try await connection.send(name) }
        await connection.finishSending()
        for try await answer in connection.messages {
            print(String(copying: answer) ?? "?")
        }
    }
}
