// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

/// The other end of a connection over two descriptors, without the library.
final class PlainPair {
    private(set) var received: [UInt8] = []
    private(set) var isAtEnd = false
    private var input: Int32
    private var output: Int32

    /// The library's end.
    let ours: (input: Int32, output: Int32)

    init(_ kind: StreamKind = .pipes) throws {
        let (toUs, fromUs) = (try Channel(kind), try Channel(kind))
        ours = (toUs.output, fromUs.input)
        (input, output) = (fromUs.output, toUs.input)
        for number in [input, output] { _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }
    }

    func accepted() throws -> AcceptedConnection { try AcceptedConnection(reading: ours.input, writing: ours.output) }

    deinit {
        closeInput()
        closeOutput()
    }

    /// One write of everything, for tests that know that there is room.
    func writeAll(_ bytes: [UInt8]) {
        let count = unsafe Glibc.write(output, bytes, bytes.count)
        #expect(count == bytes.count)
    }

    /// Reads everything that has arrived.
    func readAll() {
        var space = [UInt8](repeating: 0, count: 1 << 16)
        while input >= 0 {
            let count = unsafe read(input, &space, space.count)
            if count == 0 { isAtEnd = true }
            guard count > 0 else { return }
            received += space[..<count]
        }
    }

    /// Reads everything, and says whether that many bytes have arrived by now.
    func hasReceived(_ byteCount: Int) -> Bool {
        readAll()
        return received.count >= byteCount
    }

    /// Reads everything, and says whether that was the last.
    func hasReachedEnd() -> Bool {
        readAll()
        return isAtEnd
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    func closeOutput() {
        if output >= 0 { close(output) }
        output = -1
    }
}
