// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The admission of clients to several servers on several threads: the limits hold for all of them together.
///
/// The decisions are those of ``Admission``. A client takes its place at the moment of the decision, so that the limits
/// are exact whichever threads decide at once; the place is given back when the client is refused after all, or when
/// its connection has ended. Both happen once for each connection and never for a message, so a lock is cheap enough.
final class SharedAdmission: Sendable {
    private struct Places {
        var admission: Admission
        var takenCount = 0
    }

    private let places: Mutex<Places>

    init(_ admission: Admission) { places = Mutex(Places(admission: admission)) }

    /// Decides by another configuration from now on; see ``Admission/follow(_:descriptorLimit:)``.
    func follow(_ configuration: PipeServer.Configuration, descriptorLimit: Int) {
        places.withLock { $0.admission.follow(configuration, descriptorLimit: descriptorLimit) }
    }

    /// The number of places that are taken.
    var takenCount: Int { places.withLock { $0.takenCount } }

    /// Takes a place for a client.
    ///
    /// - Parameters:
    ///   - peer: the client's credentials.
    ///   - now: the time, for the limits of users' rates.
    ///   - groups: the client's supplementary groups, evaluated only if they matter.
    /// - Returns: the reason to refuse the client; nil if it has its place, which the caller gives back.
    func takePlace<Failure: Error>(
        for peer: PeerCredentials, now: SuspendingClock.Instant, groups: () throws(Failure) -> [UInt32]
    ) throws(Failure) -> ConnectionRefusal? {
        // Without the lock: it may have to ask the kernel.
        let rules = places.withLock { $0.admission.rules }
        guard try rules.admits(peer, groups: groups) else { return .policy }
        return places.withLock { places in
            let refusal = places.admission.limitRefusal(of: peer, openCount: places.takenCount, now: now)
            guard refusal == nil else { return refusal }
            places.takenCount += 1
            places.admission.didOpen(peer)
            return nil
        }
    }

    /// Gives a place back, from any thread: once for each that was taken.
    func giveBackPlace(of peer: PeerCredentials) {
        places.withLock { places in
            places.takenCount -= 1
            places.admission.didClose(peer)
            assert(places.takenCount >= 0, "more places were given back than were taken")
        }
    }
}
