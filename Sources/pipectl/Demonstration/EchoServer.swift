// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import NamedPipes

/// `pipectl echo` as a separate process, with a generated name.
final class EchoServer {
    let framing: String
    private var process: ChildProcess?
    private var splitter = LineSplitter()

    /// Known once it listens.
    private(set) var address: PipeAddress?
    /// The last line that it printed: its summary.
    private(set) var summary: String?

    init(_ reactor: Reactor, framing: String) throws {
        self.framing = framing
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        // It stops when its standard input ends, and thus also when this process ends, however that happens.
        let command = [program, "echo", "--framing", framing, "--until-input-ends"]
        process = try ChildProcess(reactor, command) { [unowned self] in read($0) }
    }

    var exitStatus: Int32? { process?.exitStatus }

    func stop() { process?.terminate() }

    private func read(_ bytes: ArraySlice<UInt8>) {
        for line in splitter.append(bytes) {
            let line = String(decoding: line, as: UTF8.self)
            let mark = "listening on "
            if line.hasPrefix(mark) { address = try? PipeAddress(parsing: String(line.dropFirst(mark.count))) }
            summary = line
        }
    }
}
