// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// What is between the subject of a run and its peers: memory, or what carries connections in its place.
package protocol ConformanceNetwork: AnyObject {
    /// The loop of everything on it, in virtual time.
    var reactor: Reactor { get }

    /// Makes the server under test.
    func makeServer(
        at name: String, configuration: PipeServer.Configuration, delegate: any PipeServerDelegate
    ) throws -> PipeServer

    /// Connects to the server, and returns the peer's end.
    func makeEnd(to address: PipeAddress) throws -> any ConformanceEnd

    /// Lets time pass, and runs the loop until nothing is left to do then.
    ///
    /// - Returns: false if the loop never came to rest, or the reactor was stopped.
    func rest(after duration: Duration) -> Bool

    /// Stops the reactor, and with it everything on it.
    func end()
}

/// A peer's end of a connection: a stream of bytes as a socket has it; see `PipeTransport`.
package protocol ConformanceEnd: AnyObject {
    var isClosed: Bool { get }

    /// Whether the connection has closed the stream.
    var isPeerGone: Bool { get }

    /// Called in a later turn whenever something has changed.
    var whenChanged: () -> Void { get set }

    /// Recognizes the connection at the other end; nil if there can be none any more.
    var recognizer: ((PipeConnection) -> Bool)? { get }

    func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int?

    func receive(atMost count: Int) throws(SystemError) -> ReadOutcome<ArraySlice<UInt8>>

    func finishSending()

    func close()
}

extension MemoryNetwork: ConformanceNetwork {
    package func makeEnd(to address: PipeAddress) throws -> any ConformanceEnd { try dial(address) }

    package func rest(after duration: Duration) -> Bool { clock.advance(by: duration) }
}

extension MemoryEnd: ConformanceEnd {
    var recognizer: ((PipeConnection) -> Bool)? { other.map { other in { other.serves($0) } } }
}
