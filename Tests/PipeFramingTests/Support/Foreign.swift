// SPDX-License-Identifier: Apache-2.0
@testable import PipeFraming

/// What the bytes of a length look like that is refused; nil if they look like nothing else.
func foreign(_ length: [UInt8], limit: Int = 16 << 20) -> ForeignHeader? {
    ForeignHeader(length: length.span, limit: limit, isBigEndian: true)
}

/// The same of a text.
func foreign(_ text: String) -> ForeignHeader? { foreign(Array(text.utf8)) }
