// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

extension PipeConnection {
    /// Whether the peer has gone altogether, asked of the kernel (poll(2)): also where the connection itself
    /// cannot know yet, because it does not read until its owner has dealt with what has come. False where the kernel
    /// has no answer now.
    package var hasLostPeer: Bool {
        do {
            return try lifecycle.state == .closed || stream.hangUp() != nil
        } catch {
            return false
        }
    }
}
