// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// Announces a server or a pool, and stops it when a signal or the end of standard input asks for it. On the main
/// thread's reactor.
final class Attendant {
    /// Ends a server within a time; zero for at once.
    typealias Stop = (_ grace: Duration) -> Void

    private let reactor: Reactor
    private let log: ServerLog
    private let stop: Stop
    private var signals: Signals?
    private var inputWatch: DescriptorWatch?

    init(_ reactor: Reactor, _ log: ServerLog, stop: @escaping Stop) {
        self.reactor = reactor
        self.log = log
        self.stop = stop
    }

    /// Begins to wait for what stops the server.
    func attend(_ options: ServerOptions) throws {
        let grace = options.grace.orForEver
        signals = try Signals(reactor) { [unowned self] count in
            log.tellManager(.stopping)
            stop(count == 1 ? grace : .zero)
        }
        if options.untilInputEnds { try watchInput(grace: grace) }
    }

    /// Tells operator and manager that clients can connect.
    func announce(_ address: String, _ announce: ServerSession.Announcement) throws(Failure) {
        try log.announce(address, announce)
    }

    private func watchInput(grace: Duration) throws(SystemError) {
        inputWatch = try reactor.watch(STDIN_FILENO, for: .reading) { [unowned self] in
            do throws(SystemError) {
                guard try readSome(STDIN_FILENO, atMost: 4096)?.isEmpty == true else { return }
                inputWatch?.cancel()
                stop(grace)
            } catch {
                inputWatch?.cancel()
                log.note(Failure(ofInput: error))
                stop(.zero)
            }
        }
    }
}
