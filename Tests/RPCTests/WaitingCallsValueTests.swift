// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipesRPC

@Suite struct `80 · Calls that wait` {
    private static func call(_ serial: Int) -> IncomingCall {
        IncomingCall(
            serial: serial, kind: .refused(WrittenID(id: .number(Int64(serial)), text: .null), .requestCancelled))
    }

    @Test func `leave nothing behind when they are cancelled, whatever waits before them`() {
        var waiting = WaitingCalls()
        waiting.append(.single(Self.call(1)), messageByteCount: 10)
        for serial in 2...10_000 {
            waiting.append(.single(Self.call(serial)), messageByteCount: 10)
            #expect(waiting.take(serial)?.serial == serial)
        }
        #expect(waiting.entryCount < 200)
        #expect(waiting.callCount == 1)
        #expect(waiting.byteCount == 10 + WaitingCalls.callByteCount)
        #expect(waiting.takeFirst()?.all.map(\.serial) == [1])
        #expect(waiting.byteCount == 0 && waiting.takeFirst() == nil)
    }

    @Test func `keep their order when some are cancelled`() {
        var waiting = WaitingCalls()
        for serial in 1...1000 { waiting.append(.single(Self.call(serial)), messageByteCount: 1) }
        for serial in 1...1000 where serial % 3 > 0 { #expect(waiting.take(serial) != nil) }
        #expect(waiting.take(1) == nil)
        var order: [Int] = []
        while let calls = waiting.takeFirst() { order += calls.all.map(\.serial) }
        #expect(order == (1...1000).filter { $0 % 3 == 0 })
    }
}
