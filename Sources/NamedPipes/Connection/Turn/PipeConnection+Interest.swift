// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Keeps the readiness that epoll reports in step with what the connection needs.

extension PipeConnection {
    /// Makes epoll watch for input exactly while input is wanted. Unwanted input would be reported again and again.
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

    /// Whether input is read only to be discarded: while our last messages wait, because a peer whose own messages find
    /// no room may not read ours.
    var discardsInput: Bool {
        lifecycle.state == .closing && pendingByteCount > 0 && !lifecycle.hasInputEnded
    }

    /// Makes epoll watch for the hang-up of the peer, after the end of the input, while the owner may still answer.
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
