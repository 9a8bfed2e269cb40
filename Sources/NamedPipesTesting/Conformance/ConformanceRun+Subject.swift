// SPDX-License-Identifier: Apache-2.0

extension ConformanceRun {
    /// The owner of the delegate.
    enum Subject {
        case server(PipeServer)
        case client(PipeClient)
        case pool(PipeServerPool)

        /// The framing of its connections.
        func framing(of options: DelegateConformance) -> any MessageFraming {
            switch self {
            case .server, .pool: options.serverConfiguration.connection.framing
            case .client: options.clientConfiguration.connection.framing
            }
        }

        func stop(draining: Bool) {
            switch self {
            case .server(let server): if draining { server.stop(gracePeriod: .seconds(5)) } else { server.stop() }
            case .pool(let pool): pool.beginStopping(gracePeriod: draining ? .seconds(5) : .zero)
            case .client(let client): client.disconnect()
            }
        }
    }
}
