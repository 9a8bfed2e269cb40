// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `An endpoint's values` {
    @Test func `inline the default framing only`() throws {
        let usual = FrameCodec(LengthPrefixFraming())
        #expect(usual.plainMessageLimit == ReactorBuffers.inPlaceByteCount - 1)
        #expect(try usual.frameByteCount(of: [1, 2, 3].span) == 7)
        let other = FrameCodec(NetstringFraming())
        #expect(other.lengthPrefix == nil && other.plainMessageLimit == -1)
    }

    @Test func `encode a frame of the size that they announce`() throws {
        for framing in [LengthPrefixFraming(), DelimiterFraming([10]), ContentLengthFraming()] as [any MessageFraming] {
            let codec = FrameCodec(framing)
            for count in [0, 1, 100, 70_000] {
                let message = [UInt8](repeating: 7, count: count)
                var output = FrameBuffer()
                try codec.encode(message.span, into: &output)
                #expect(try codec.frameByteCount(of: message.span) == output.byteCount)
            }
        }
    }

    @Test func `let each connection hold no more than its share`() {
        var configuration = PipeConnection.Configuration()
        configuration.messagesPerTurn = 0
        #expect(EndpointLimits(configuration, byteShare: 5000).heldByteLimit == 5000)
        #expect(EndpointLimits(configuration, byteShare: nil).byteShare == .max)
        #expect(EndpointLimits(configuration, byteShare: nil).messagesPerTurn == 1)
        configuration.heldByteLimit = 10
        #expect(EndpointLimits(configuration, byteShare: 5000).heldByteLimit == 10)
    }

    @Test func `read in small pieces while a budget is tight`() {
        let admission = QueueAdmission(.init())
        let (roomy, tight) = (EndpointBudget(ByteLedger(), admission), EndpointBudget(ByteLedger(limit: 0), admission))
        #expect(roomy.readByteCount == ReactorBuffers.receiveByteCount)
        #expect(roomy.prepaidByteCount == admission.allowance)
        #expect(tight.readByteCount == ByteLedger.floor && tight.prepaidByteCount == -1)
    }
}
