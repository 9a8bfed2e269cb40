// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

extension PipeConnection {
    /// Speaks over standard input and output, as language servers and the workers of other programs do.
    ///
    /// ```swift
    /// var configuration = PipeConnection.Configuration()
    /// configuration.framing = ContentLengthFraming()
    /// let stdio = try PipeConnection.standardStreams(configuration, reactor: reactor, delegate: delegate)
    /// reactor.run()
    /// ```
    ///
    /// The delegate receives the callbacks of a server's connection, the first from the loop. At the end of the input,
    /// ``PipeConnectionDelegate/connectionDidFinishReceiving(_:)`` is called, whose default closes the connection with
    /// ``DisconnectReason/closedByPeer``. The connection belongs to no server and no client: ``server`` and ``client``
    /// are nil.
    ///
    /// The streams belong to the connection from now on: see ``AcceptedConnection/standardStreams()``.
    ///
    /// - Parameters:
    ///   - configuration: the default is a 4-byte length framing.
    ///   - reactor: the loop that serves it, which retains the connection until its end.
    ///   - delegate: receives all callbacks; retained until the connection has ended.
    /// - Throws: as ``AcceptedConnection/standardStreams()``.
    @discardableResult
    public static func standardStreams(
        _ configuration: Configuration = Configuration(), reactor: Reactor, delegate: any PipeConnectionDelegate
    ) throws(PipeError) -> PipeConnection {
        serve(try .standardStreams(), configuration, reactor: reactor, delegate: delegate)
    }

    /// Serves a connection by itself, without a server and its admission.
    ///
    /// - Parameters:
    ///   - connection: the connection, such as one end of a `socketpair(2)`.
    ///   - configuration: the default is a 4-byte length framing.
    ///   - reactor: the loop that serves it, which retains the connection until its end.
    ///   - delegate: receives all callbacks, the first from the loop; retained until the connection has ended.
    @discardableResult
    public static func serve(
        _ connection: consuming AcceptedConnection, _ configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeConnectionDelegate
    ) -> PipeConnection {
        LoneConnection.begin(connection, configuration, reactor, delegate)
    }
}
