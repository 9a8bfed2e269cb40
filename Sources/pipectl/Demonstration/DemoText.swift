// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// The lines that the demonstration sends.
enum DemoText {
    /// The lines of a file; without one, those of the nearest `README.md`, or else of a poem.
    static func lines(of path: String?) throws -> [[UInt8]] {
        guard let path else { return nearestReadme().map(lines) ?? lines(of: Array(poem.utf8)) }
        guard let bytes = contents(of: path) else { throw Failure("no text can be read from \(printable(path))") }
        return lines(of: bytes)
    }

    /// Every line, including empty ones, which are messages as well.
    static func lines(of text: [UInt8]) -> [[UInt8]] {
        var splitter = LineSplitter()
        let lines = splitter.append(text[...])
        return lines + (splitter.finish().map { [$0] } ?? [])
    }

    private static func contents(of path: String) -> [UInt8]? {
        guard let data = try? Data(contentsOf: URL(filePath: path)), !data.isEmpty else { return nil }
        return Array(data)
    }

    /// Searches the current directory and those above it, then those above the program's own location.
    private static func nearestReadme() -> [UInt8]? {
        let files = FileManager.default
        let program = try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        for start in [files.currentDirectoryPath, program].compactMap(\.self) {
            var directory = URL(filePath: start)
            while directory.path != "/" {
                if let text = contents(of: directory.appending(path: "README.md").path) { return text }
                directory.deleteLastPathComponent()
            }
        }
        return nil
    }

    /// William Blake, "Auguries of Innocence".
    private static let poem = """
        To see a World in a Grain of Sand
        And a Heaven in a Wild Flower,
        Hold Infinity in the palm of your hand
        And Eternity in an hour.

        A Robin Red breast in a Cage
        Puts all Heaven in a Rage.
        A dove house fill’d with doves and pigeons
        Shudders Hell thro’ all its regions.
        """
}
