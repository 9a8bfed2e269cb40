// SPDX-License-Identifier: Apache-2.0

/// The framing and limits of one connection, where they are not those of its endpoint; see
/// ``PipeConnection/upgrade(to:)``.
final class ConnectionTerms {
    let configuration: PipeConnection.Configuration
    let codec: FrameCodec
    let limits: EndpointLimits

    /// - Parameter byteShare: the share of the budget, which stays the endpoint's.
    init(_ configuration: PipeConnection.Configuration, byteShare: Int) {
        self.configuration = configuration
        codec = FrameCodec(configuration.framing)
        limits = EndpointLimits(configuration, byteShare: byteShare)
    }
}

// What the slow path reads. The fast path reads the endpoint's, because no upgraded connection takes it.
extension PipeConnection {
    /// The terms that this connection was upgraded to; nil for nearly all.
    var terms: ConnectionTerms? {
        @inline(__always) get { state.isUpgraded ? rareIfAny?.terms : nil }
    }

    // Both are lent, because a copy would retain the framing.
    var codec: FrameCodec {
        @inline(__always) _read {
            if let terms { yield terms.codec } else { yield endpoint.codec }
        }
    }

    var limits: EndpointLimits {
        @inline(__always) _read {
            if let terms { yield terms.limits } else { yield endpoint.limits }
        }
    }

    var closeTimeout: Duration { terms?.configuration.closeTimeout ?? endpoint.configuration.closeTimeout }
}
