// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `Raw bytes` {
    @Test func `whatever arrived is one message`() {
        let outcome = RawFraming().outcome(of: Array("hello"), cutAt: [2])
        #expect(outcome == Outcome(messages: [Array("he"), Array("llo")]))
        #expect(RawFraming().maximumMessageByteCount == 65_536)
    }

    @Test func `no delivery exceeds the maximum`() {
        let outcome = RawFraming(maximumMessageByteCount: 2).outcome(of: Array("hello"))
        #expect(outcome.messages == [Array("he"), Array("ll"), Array("o")])
    }

    @Test func `messages are sent as they are, of any size, and empty ones as nothing`() throws {
        let framing = RawFraming(maximumMessageByteCount: 2)
        #expect(try framing.encoded(Array("hello"), [], Array("!")) == Array("hello!"))
        #expect(try framing.scan([]) == .incomplete(frameByteCount: nil, scannedByteCount: 0))
    }
}
