// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// Keeps a message beyond the callback that it was given to. A large one is not copied: it stays in the memory that
    /// it was read into.
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
