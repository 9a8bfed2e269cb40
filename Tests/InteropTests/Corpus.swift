// SPDX-License-Identifier: Apache-2.0

/// The messages that all foreign peers send, defined once more, in Swift. `Peers/README.md` has the definition.
enum Corpus {
    /// The output of every peer when each message of the corpus has come back.
    static let report = "ok 10022 messages 19784074 bytes 885331fe"

    /// The output of the line clients.
    static let lineReport = "ok 2007 messages 1556266 bytes f4b7c24b"

    static let messages = singles + pipelined

    private static let texts = [
        "Zażółć gęślą jaźń",
        "Привет, мир. Γειά σου, κόσμε.",
        "שלום עולם, مرحبا بالعالم",
        "नमस्ते दुनिया, สวัสดีชาวโลก",
        "你好，世界。こんにちは、世界。안녕하세요",
        "\u{1F469}\u{200D}\u{1F469}\u{200D}\u{1F467} \u{1F3F3}\u{FE0F}\u{200D}\u{1F308} \u{1F1F5}\u{1F1F1}",
        "e\u{301} n\u{303} \u{1E9B}\u{323} Z\u{351}\u{36B}\u{343}",
        "two\nlines\r\n, a tab\t, a NUL\0, a bell\u{7}",
    ]

    private static var singles: [[UInt8]] {
        let sizes = [0, 1, 65_535, 65_536, 65_537, 1_048_576, 16_777_215].map { pattern(0, $0) }
        let misleading: [[UInt8]] = [Array(repeating: 0, count: 4), Array(repeating: 0xFF, count: 12), Array(0...0xFF)]
        let noise = [4, 1_000, 9_999, 250_007].map { pattern(1_009 * $0, $0) }
        return sizes + texts.map { Array($0.utf8) } + misleading + noise
    }

    private static var pipelined: [[UInt8]] {
        (0..<10_000).map { pattern(31 * $0, 97 * $0 % 301) }
    }

    private static let block: [UInt8] = {
        var state: UInt32 = 0x4E50_3437
        return (0..<65_521).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
    }()

    private static func pattern(_ offset: Int, _ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var start = offset % block.count
        while result.count < count {
            let end = min(block.count, start + count - result.count)
            result += block[start..<end]
            start = 0
        }
        return result
    }
}
