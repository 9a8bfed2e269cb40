// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import Glibc
import NamedPipes

/// The echo server that is compared with the others: this library as its documentation shows it. With `--reactors`, the
/// same delegate in a pool.
@main
enum PipesEcho {
    final class Echo: PipeServerDelegate {
        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            _ = try? connection.send(message)
        }
    }

    static func main() throws {
        let options = EchoOptions(supporting: [.poll, .sendBuffer, .reactors, .work, .hold, .idleThreads])
        raiseDescriptorLimit()
        for _ in 0..<(options[.idleThreads] ?? 0) { startIdleThread() }
        var reactorConfiguration = Reactor.Configuration()
        reactorConfiguration.busyPollingTime = .microseconds(options[.poll] ?? 0)
        var configuration = PipeServer.Configuration()
        configuration.connection.sendBufferByteCount = options[.sendBuffer]
        let (work, hold) = (options[.work], options[.hold])
        let makeDelegate: @Sendable () -> any PipeServerDelegate = {
            work == nil && hold == nil ? Echo() : BusyEcho(microseconds: work ?? 0, holdMilliseconds: hold ?? 0)
        }
        if let reactors = options[.reactors] {
            let pool = try PipeServerPool(
                listeningOn: .path(options.socket), reactors: ReactorCount(reactors), configuration: configuration,
                reactorConfiguration: reactorConfiguration
            ) { _ in makeDelegate() }
            return pool.join()
        }
        let reactor = try Reactor(configuration: reactorConfiguration)
        _ = try PipeServer(
            listeningOn: .path(options.socket), configuration: configuration, reactor: reactor, delegate: makeDelegate()
        )
        reactor.run()
    }

    private static func startIdleThread() {
        var thread = pthread_t()
        _ = unsafe pthread_create(&thread, nil, { _ in while true { pause() } }, nil)
    }
}
