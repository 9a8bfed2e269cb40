// SPDX-License-Identifier: Apache-2.0
#if NATS
import NamedPipes
import Testing

@testable import NamedPipesNATS

@Suite struct `A piece` {
    @Test(arguments: Piece.Kind.allCases) func `survives being written and parsed`(kind: Piece.Kind) {
        let piece = Piece(kind, sequence: 0x0102_0304_0506_0708, consumedByteCount: .max - 1)
        var bytes: [UInt8] = []
        piece.append(to: &bytes)
        #expect(bytes.count == Piece.headerByteCount)
        #expect(Array(bytes[1...8]) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Piece(parsing: bytes.span) == piece)
    }

    @Test func `is nothing that is too short or of an unknown kind`() {
        var bytes: [UInt8] = []
        Piece(.data).append(to: &bytes)
        for count in 0..<bytes.count { #expect(Piece(parsing: Array(bytes[..<count]).span) == nil) }
        for kind in UInt8.min...(.max) where Piece.Kind(rawValue: kind) == nil {
            bytes[0] = kind
            #expect(Piece(parsing: bytes.span) == nil)
        }
    }
}

@Suite struct `The offer of a session` {
    @Test func `survives being written and parsed`() {
        var bytes: [UInt8] = []
        let offer = SessionOffer(window: 1 << 20, claim: "echo at a desk")
        offer.append(to: &bytes)
        #expect(SessionOffer(parsing: bytes.span) == offer)
    }

    @Test func `is nothing that is too short, of another version, or without a window`() {
        for bytes: [UInt8] in [[], [1], [1, 0, 0, 1], [2, 0, 0, 1, 0], [1, 0, 0, 0, 0]] {
            #expect(SessionOffer(parsing: bytes.span) == nil)
        }
        #expect(SessionOffer(parsing: ([1, 0, 0, 0, 1] as [UInt8]).span) == SessionOffer(window: 1, claim: ""))
    }

    @Test func `has a claim of at most 256 bytes, and shows what is no UTF-8 as such`() {
        var bytes: [UInt8] = []
        SessionOffer(window: 1, claim: String(repeating: "a", count: 1000)).append(to: &bytes)
        #expect(bytes.count == 5 + 256)
        bytes += Array(repeating: 98, count: 1000)
        #expect(SessionOffer(parsing: bytes.span)?.claim == String(repeating: "a", count: 256))
        #expect(SessionOffer(parsing: ([1, 0, 0, 0, 1, 0xFF] as [UInt8]).span)?.claim == "\u{FFFD}")
    }
}

@Suite struct `The token of a session` {
    private func token(_ subject: String) -> SessionToken? { SessionToken(endOf: Array(subject.utf8).span) }

    @Test func `is the end of a subject`() {
        for value: UInt128 in [0, 1, .max, 0xABCD << 64] {
            let token = SessionToken(value)
            #expect("\(token)".utf8.count == 32)
            #expect(self.token("_INBOX.pipes.x.\(token)") == token)
        }
    }

    @Test func `is none where a digit is missing, or is none`() {
        let digits = "\(SessionToken(.max))"
        #expect(token("") == nil)
        #expect(token("." + digits.dropFirst()) == nil)
        #expect(token("x" + digits.dropLast() + "g") == nil)
        #expect(token("x" + digits.uppercased()) == nil)
    }

    @Test func `is another each time`() {
        #expect(Set((0..<100).map { _ in SessionToken.random() }).count == 100)
    }
}
#endif
