// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc

/// The arguments of this process, as bytes: a file's name, a message or a command need not be UTF-8.
///
/// Swift's `CommandLine.arguments` reads them from /proc/self/cmdline, which is not mounted everywhere, and replaces
/// bytes that are not UTF-8 by U+FFFD, so that the program gets other bytes than were given.
///
/// Parsers of command lines need text, though. In ``texts``, each byte that is not UTF-8 is one scalar, U+10FF80 to
/// U+10FFFF for bytes 80 to FF; ``bytes(of:)`` converts a text, or a part of one, back to bytes. If an argument already
/// contains a scalar of that range, its four bytes are encoded separately, so that every argument survives the round
/// trip.
package struct Arguments: Sendable {
    /// The arguments of main(3), the program's own name first.
    package let bytes: [[UInt8]]

    /// - Parameter bytes: the program's own name first.
    package init(_ bytes: [[UInt8]]) { self.bytes = bytes }

    /// From the stack, or, if other code has changed the environment before, from /proc/self/cmdline.
    static var ofProcess: Arguments {
        var count: Int32 = 0
        guard let arguments = unsafe program_arguments(&count) else {
            // Separated by NULs, and the last argument ends with one as well.
            return Arguments(
                commandLine().split(separator: 0, omittingEmptySubsequences: false).dropLast().map(Array.init))
        }
        return Arguments(
            (0..<Int(count)).compactMap { index in
                unsafe arguments[index].map { text in
                    unsafe UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
                }
            })
    }

    private static func commandLine() -> [UInt8] {
        // None at all if they cannot be read completely: half of them would be another command.
        do { return try readFile("/proc/self/cmdline") } catch { return [] }
    }

    /// The arguments without the program's name, in the form that ``bytes(of:)`` converts back.
    package var texts: [String] { bytes.dropFirst().map(Self.text) }

    /// Bytes as text, without loss: see above.
    package static func text(of bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: isByte) {
            return text
        }
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            if let (scalar, length) = decodedScalar(at: rest), !isByte(scalar) {
                text.unicodeScalars.append(scalar)
                rest = rest.dropFirst(length)
            } else {
                text.unicodeScalars.append(scalar(of: first))
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// The bytes of a text from ``texts``, or of a part of one.
    package static func bytes(of text: String) -> [UInt8] {
        guard text.unicodeScalars.contains(where: isByte) else { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in
            isByte(scalar) ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
        }
    }

    /// The original text; nil if it is not UTF-8, and thus only bytes.
    package static func plainText(_ text: String) -> String? { String(validating: bytes(of: text), as: UTF8.self) }

    private static let byteRange: ClosedRange<UInt32> = 0x10_FF80...0x10_FFFF

    private static func isByte(_ scalar: Unicode.Scalar) -> Bool { byteRange.contains(scalar.value) }

    private static func scalar(of byte: UInt8) -> Unicode.Scalar {
        // ASCII is UTF-8, so it never gets here.
        Unicode.Scalar(byteRange.lowerBound - 0x80 + UInt32(byte)) ?? "\u{FFFD}"
    }

    /// The scalar that begins here, and its number of bytes; nil if these are not UTF-8.
    private static func decodedScalar(at bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
        var decoder = UTF8()
        var iterator = bytes.prefix(4).makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
        return (scalar, UTF8.width(scalar))
    }
}
