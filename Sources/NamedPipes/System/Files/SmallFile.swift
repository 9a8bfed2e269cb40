// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Files of a few lines, such as those in `/proc` (`proc(5)`).
enum SmallFile {
    /// The content, up to a limit; nil if it cannot be read.
    static func bytes(at path: String, upTo limit: Int = 4096) -> [UInt8]? {
        let opened = attemptCall("open") { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        guard let opened else { return nil }
        let file = OwnedDescriptor(taking: opened)
        return bytes(of: file, upTo: limit)
    }

    /// The content of an open file from its beginning, whatever its present offset.
    static func bytes(of file: borrowing OwnedDescriptor, upTo limit: Int) -> [UInt8]? {
        let descriptor = file.rawValue
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = attemptCall("pread") { unsafe pread(descriptor, &bytes, limit, 0) }
        return count.map { Array(bytes.prefix($0)) }
    }
}

extension Collection<UInt8> {
    /// The non-empty words between the given separators.
    func words(separatedBy separators: Set<UInt8> = [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t")])
        -> [String]
    {
        split { separators.contains($0) }.map { String(decoding: $0, as: UTF8.self) }
    }
}
