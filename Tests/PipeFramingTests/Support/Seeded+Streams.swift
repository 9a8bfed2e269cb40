// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

extension Seeded {
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// Up to `count` ascending positions inside a stream.
    mutating func cuts(_ count: Int, in stream: [UInt8]) -> [Int] {
        (0..<count).map { _ in Int.random(in: 0...stream.count, using: &self) }.sorted()
    }
}
