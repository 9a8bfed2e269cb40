// SPDX-License-Identifier: Apache-2.0

/// The reason why bytes are not an accepted JSON value.
@nonexhaustive
public enum JSONSyntaxError: Error, Hashable, Sendable {
    /// They are not UTF-8.
    case notUTF8

    /// The byte at this offset, counted from 0, is not valid there.
    case unexpectedByte(offset: Int)

    /// They end in the middle of the value.
    case unexpectedEnd

    /// Arrays and objects are nested more deeply than the limit.
    case tooDeep(limit: Int)
}
