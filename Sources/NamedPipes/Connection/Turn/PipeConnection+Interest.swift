// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Which readiness epoll reports, kept in step with what the connection wants.

extension PipeConnection {
    /// Has epoll watch for input exactly while it is wanted. Input that is there and not wanted would be reported
    /// without end.
    func watchInput() {
        let isWanted = lifecycle.isReceiving ? !flow.isPaused : discardsInput
        guard isWanted != interest.watchesInput else { return }
        guard isWanted else {
            interest.ignoreInput()
            stream.unwatchInput()
            return
        }
        do {
            try stream.watchInput()
            interest.watchInput()
        } catch {
            end(.system(error))
            report()
        }
    }

    /// Whether the peer's input is read only so that the peer can go on: while our last messages wait to be taken, a
    /// peer that has no room left for its own does not take them.
    var discardsInput: Bool {
        lifecycle.state == .closing && pendingByteCount > 0 && !lifecycle.hasInputEnded
    }

    /// The input has ended, and the owner may answer later: has epoll watch for the peer's hang-up meanwhile.
    func watchForHangUp() {
        stream.unwatchInput()
        interest.watchForHangUp()
        do {
            try stream.awaitHangUp(self, endpoint.reactor)
        } catch {
            end(.system(error))
        }
    }
}
