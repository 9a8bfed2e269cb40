import NamedPipes
import NamedPipesProgram

await PipeProgram.run { program in
    let configuration = PipeServer.Configuration(
        framing: DelimiterFraming.newline)
    try await program.serve(
        at: .runtime("counter"), configuration: configuration
    ) { connection in
        for try await message in connection.messages {
            try await connection.send(message)
        }
    }
}
