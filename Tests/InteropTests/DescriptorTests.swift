// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@Suite(.serialized)
struct `Descriptors between languages` {
    @Test(.requires("python3")) func `go to Python's send_fds and recv_fds and come back`() throws {
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "interop")
        var configuration = PipeServer.Configuration()
        configuration.connection.framing = DescriptorFraming()
        configuration.connection.descriptors = .accepted()
        let echo = DescriptorEcho()
        let server = try PipeServer(
            listeningOn: address, configuration: configuration, reactor: reactor, delegate: echo)
        let peer = try ForeignPeer("descriptor_client.py", ["\(address)"])
        let ticks = reactor.schedule(after: .zero, repeating: .milliseconds(10)) {}
        _ = reactor.run(timeout: .seconds(60)) { peer.hasExited }
        ticks.cancel()
        #expect(echo.problems == [])
        peer.expectSuccess(printing: "7 files came back")
        server.stop()
        reactor.stop()
        reactor.run()
    }
}

/// Sends each message back with its descriptors.
private final class DescriptorEcho: PipeServerDelegate {
    private(set) var problems: [PipeError] = []

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        do throws(PipeError) { _ = try connection.send(message) } catch { problems.append(error) }
    }

    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        var outgoing = OutgoingDescriptors()
        outgoing.append(allOf: &descriptors)
        do throws(PipeError) {
            try connection.send(message, descriptors: &outgoing)
        } catch {
            problems.append(error)
        }
    }
}
