// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

@Suite struct `Memory of small messages for tasks` {
    private let loop: Loop
    private let buffers: ReactorBuffers

    init() throws {
        loop = try Loop()
        buffers = ReactorBuffers(loop.reactor)
    }

    @Test func `is used again once no message is in it`() throws {
        let piece = buffers.borrowPiece(atLeast: 100)
        piece.bytes.append(contentsOf: [1, 2, 3].span)
        let first = ObjectIdentifier(piece)
        buffers.recycle(piece: piece)
        // It is still in use here.
        #expect(ObjectIdentifier(buffers.borrowPiece(atLeast: 100)) != first)
        #expect(piece.bytes.byteCount == 3)
        _ = loop.end()
    }

    @Test func `is kept up to a size, and empty when it is used again`() throws {
        func use(_ byteCount: Int) -> Bool {
            weak var used: SharedBuffer?
            do {
                let piece = buffers.borrowPiece(atLeast: byteCount)
                #expect(piece.bytes.byteCount == 0 && piece.bytes.capacity >= byteCount)
                piece.bytes.append(contentsOf: [1, 2, 3].span)
                buffers.recycle(piece: piece)
                used = piece
            }
            return used != nil
        }
        #expect(use(100))
        #expect(use(1000))
        #expect(!use(5000))
        #expect(use(100))
        _ = loop.end()
    }
}
