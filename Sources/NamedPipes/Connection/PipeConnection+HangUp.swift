// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

extension PipeConnection {
    /// Whether nobody is at the other end any more, asked of the kernel (poll(2)): also where the connection itself
    /// cannot know yet, because it does not read until its owner has dealt with what has come.
    package var hasLostPeer: Bool {
        lifecycle.state == .closed || (transport.map(\.hangUp) ?? Socket.hangUp(descriptor)) != nil
    }
}
