// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// Keeps a message beyond the callback that received it. A large message that was read into memory of its own is
    /// not copied: what is kept shares that memory.
    public func keep(_ message: Span<UInt8>) -> PipeMessage {
        guard message.count >= ReactorBuffers.inPlaceByteCount else { return PipeMessage(copying: message) }
        return unsafe message.withUnsafeBytes { body in
            guard case .memory(let owner) = unsafe endpoint.buffers.place(of: body) else {
                return PipeMessage(copying: message)
            }
            return unsafe PipeMessage(body, in: owner)
        }
    }
}
