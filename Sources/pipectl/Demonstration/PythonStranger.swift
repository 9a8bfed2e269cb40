// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// A client in Python that uses only the standard library: `multiprocessing.connection` has the same framing.
final class PythonStranger: Stranger {
    let name = "python"
    private(set) var tally = Tally()
    private(set) var isReady = false
    private var process: ChildProcess?
    private var splitter = LineSplitter()
    private let lines: [[UInt8]]

    init(_ reactor: Reactor, _ address: PipeAddress, lines: [[UInt8]]) throws {
        self.lines = lines
        // Python marks an abstract address by its NUL; generated names are paths.
        let command = ["python3", "-c", Self.program, address.path ?? ""]
        process = try ChildProcess(reactor, command) { [unowned self] in read($0) }
    }

    var exitStatus: Int32? { process?.exitStatus }

    func start() {
        process?.write(Array(lines.joined(separator: [UInt8(ascii: "\n")])))
        process?.closeInput()
    }

    func finish() { process?.terminate() }

    /// First `ready`, then, now and then, its progress.
    private func read(_ bytes: ArraySlice<UInt8>) {
        for line in splitter.append(bytes) {
            isReady = true
            let numbers = line.split(separator: UInt8(ascii: " ")).compactMap {
                Int(String(decoding: $0, as: UTF8.self))
            }
            guard numbers.count == 4 else { continue }
            tally = Tally(
                sentCount: numbers[0], rightCount: numbers[1], wrongCount: numbers[2], byteCount: numbers[3])
        }
    }

    private static let program = """
        import signal, sys, time
        from multiprocessing.connection import Client

        going = True

        def finish(*_):
            global going
            going = False

        signal.signal(signal.SIGTERM, finish)
        connection = Client(sys.argv[1], family="AF_UNIX")
        print("ready", flush=True)
        lines = sys.stdin.buffer.read().split(b"\\n")
        sent = right = wrong = size = 0
        told = 0.0
        while going:
            line = lines[sent % len(lines)]
            connection.send_bytes(line)
            sent += 1
            if connection.recv_bytes() == line:
                right += 1
                size += len(line)
            else:
                wrong += 1
            if time.monotonic() - told > 0.1:
                told = time.monotonic()
                print(sent, right, wrong, size, flush=True)
        print(sent, right, wrong, size, flush=True)
        connection.close()
        """
}
