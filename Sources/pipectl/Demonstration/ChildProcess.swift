// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// A program that we started, with its standard input and output on the reactor. Both are one socket, whose other end
/// is here, because writing to a socket without a reader can be told not to raise SIGPIPE.
///
/// The child ends with this object: if it still runs, it is killed, by its process ID, which is reserved until we have
/// collected it.
final class ChildProcess {
    private let reactor: Reactor
    private let descriptor: Int32
    private(set) var processID: pid_t?
    private var outputWatch: DescriptorWatch?
    private var inputWatch: DescriptorWatch?
    private var unwritten: ArraySlice<UInt8> = []
    private var isInputEnding = false
    private var buffer: [UInt8] = Array(repeating: 0, count: 64 << 10)

    /// The exit status (128 and more: the signal that ended it); nil while it runs.
    private(set) var exitStatus: Int32?

    /// - Parameters:
    ///   - command: the program, which is searched for in `PATH`, and its arguments.
    ///   - onOutput: receives its standard output as it arrives. Its standard error is ours.
    init(_ reactor: Reactor, _ command: [String], onOutput: @escaping (ArraySlice<UInt8>) -> Void) throws {
        self.reactor = reactor
        let (ours, theirs) = try makeSocketPair()
        descriptor = ours
        defer { close(theirs) }
        processID = try spawn(command, stream: theirs)
        outputWatch = try reactor.watch(ours, for: .reading) { [unowned self] in readSome(onOutput) }
    }

    deinit {
        inputWatch?.cancel()
        outputWatch?.cancel()
        close(descriptor)
        if let processID {
            kill(processID, SIGKILL)
            _ = waitpid(processID, nil, 0)
        }
    }

    /// Asks it to stop (SIGTERM).
    func terminate() { signal(SIGTERM) }

    /// `kill(2)`, while it runs.
    func signal(_ number: Int32) {
        if let processID { kill(processID, number) }
    }

    /// Writes to its standard input, as fast as it reads.
    func write(_ bytes: [UInt8]) {
        unwritten += bytes
        writeSome()
    }

    /// Ends its standard input, after the bytes that are still to be written.
    func closeInput() {
        isInputEnding = true
        writeSome()
    }

    private func writeSome() {
        while !unwritten.isEmpty {
            let count = unsafe unwritten.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count < 0, errno == EAGAIN { return awaitRoom() }
            if count < 0, errno != EINTR { unwritten.removeAll() }
            unwritten = unwritten.dropFirst(max(count, 0))
        }
        inputWatch?.cancel()
        inputWatch = nil
        if isInputEnding { shutdown(descriptor, Int32(SHUT_WR)) }
    }

    private func awaitRoom() {
        guard inputWatch == nil else { return }
        do {
            inputWatch = try reactor.watch(descriptor, for: .writing) { [unowned self] in writeSome() }
        } catch {
            // As after a failed write.
            unwritten.removeAll()
            writeSome()
        }
    }

    private func readSome(_ handler: (ArraySlice<UInt8>) -> Void) {
        let count = unsafe read(descriptor, &buffer, buffer.count)
        if count > 0 { return handler(buffer[..<count]) }
        guard count == 0 || errno != EINTR else { return }
        outputWatch?.cancel()
        collect()
    }

    /// Its output has ended, so it is about to end, too.
    private func collect() {
        guard let processID else { return }
        var status: Int32 = 0
        guard unsafe waitpid(processID, &status, WNOHANG) == processID else {
            reactor.schedule(after: .milliseconds(2)) { [weak self] in self?.collect() }
            return
        }
        self.processID = nil
        let signal = status & 0x7F
        exitStatus = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}

/// Two ends that no other child inherits, however many threads start children.
private func makeSocketPair() throws(SystemError) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemError(call: "socketpair", code: errno) }
    return (ends[0], ends[1])
}

/// Starts a program with the signals, limits and environment that we inherited, whatever we have changed.
private func spawn(_ command: [String], stream: Int32) throws -> pid_t {
    guard let name = command.first, let path = executablePath(of: name) else {
        throw SystemError(call: "execve \(command.first ?? "")", code: ENOENT)
    }
    let program = ChildProgram(path: path, arguments: command.map { Array($0.utf8) })
    return try program.start(input: stream, output: stream)
}
