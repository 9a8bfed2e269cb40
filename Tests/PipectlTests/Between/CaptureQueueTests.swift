// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@testable import pipectl

/// The queue between the thread that passes bytes and the one that writes what was captured.
@Suite(.timeLimit(.minutes(5)))
struct CaptureQueueTests {
    private struct Full: Error {}

    /// A consumer that stops in its first call until it is let go, and keeps what it got.
    private final class Consumer: Sendable {
        let content = Mutex<(events: [CaptureEvent], lines: [String])>(([], []))
        private let entered: (reading: Int32, writing: Int32)
        private let gate: (reading: Int32, writing: Int32)

        init() throws {
            entered = try makePipe()
            gate = try makePipe()
        }

        deinit { for end in [entered.reading, entered.writing, gate.reading, gate.writing] { close(end) } }

        func stop() {
            var byte: UInt8 = 0
            _ = unsafe write(entered.writing, &byte, 1)
            _ = unsafe read(gate.reading, &byte, 1)
        }

        func waitUntilStopped() {
            var byte: UInt8 = 0
            _ = unsafe read(entered.reading, &byte, 1)
        }

        func letGo() {
            var byte: UInt8 = 0
            _ = unsafe write(gate.writing, &byte, 1)
        }
    }

    private func message(_ number: UInt64, of size: Int) -> CaptureEvent {
        .message(
            CapturedMessage(
                nanoseconds: 0, connection: "1.1", direction: .toServer, userID: nil, processID: nil, sequence: number,
                byteCount: size, bytes: letters(size)))
    }

    private func queue(
        _ consumer: Consumer, byteLimit: Int, failures: AsyncStream<any Error>.Continuation? = nil
    ) throws -> CaptureQueue {
        try CaptureQueue(byteLimit: byteLimit) { events in
            if events.isEmpty { return consumer.stop() }
            consumer.content.withLock { $0.events += events }
            if failures != nil { throw Full() }
        } report: { line in
            consumer.content.withLock { $0.lines.append(line) }
        } fail: {
            failures?.yield($0)
        }
    }

    @Test func `a consumer that stands still loses messages, which are counted in their place`() async throws {
        let consumer = try Consumer()
        let queue = try queue(consumer, byteLimit: 10_000)
        queue.append([])
        consumer.waitUntilStopped()
        // Each takes 1,800 and 200 bytes.
        for number in 0..<8 { queue.append([message(UInt64(number), of: 1800)]) }
        queue.report("there is no room for this line, either")
        consumer.letGo()
        queue.close()
        #expect(await queue.whenConsumed(patience: nil))
        let (events, lines) = consumer.content.withLock { $0 }
        #expect(events == (0..<5).map { message($0, of: 1800) } + [.lost(3)])
        #expect(lines.isEmpty)
    }

    @Test func `a message that is larger than the room is taken if nothing else waits`() async throws {
        let consumer = try Consumer()
        let queue = try queue(consumer, byteLimit: 1000)
        queue.append([])
        consumer.waitUntilStopped()
        queue.append([message(0, of: 5000)])
        queue.append([message(1, of: 1), message(2, of: 1)])
        consumer.letGo()
        queue.close()
        #expect(await queue.whenConsumed(patience: nil))
        #expect(consumer.content.withLock { $0.events } == [message(0, of: 5000), .lost(2)])
    }

    @Test func `what the consumer throws is told once, and nothing is taken any more`() async throws {
        let (failures, failure) = AsyncStream<any Error>.makeStream()
        let consumer = try Consumer()
        let queue = try queue(consumer, byteLimit: 10_000, failures: failure)
        queue.append([message(0, of: 1)])
        #expect(await failures.first { _ in true } is Full)
        queue.append([message(1, of: 1)])
        queue.close()
        #expect(await queue.whenConsumed(patience: nil))
        #expect(queue.failure is Full)
        #expect(consumer.content.withLock { $0.events } == [message(0, of: 1)])
    }

    @Test func `a consumer that does not return is left behind after the patience`() async throws {
        let consumer = try Consumer()
        let queue = try queue(consumer, byteLimit: 10_000)
        queue.append([])
        consumer.waitUntilStopped()
        queue.close()
        #expect(await !queue.whenConsumed(patience: .milliseconds(1)))
        consumer.letGo()
    }
}
