// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// A number of bytes as a person writes it: `512`, `64KiB`, `16MiB`, `1MB`.
struct ByteSize: ExpressibleByArgument, Hashable {
    let byteCount: Int

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let unit = argument.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let number = Int(digits), let factor = Self.factors[unit] else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        byteCount = product
    }

    private static let factors = [
        "": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000,
        "k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30,
    ]
}

/// A time as a person writes it: `50us`, `500ms`, `5`, `5s`, `2m`, `1h`; 0 means no limit.
struct TimeLimit: ExpressibleByArgument, Hashable, CustomStringConvertible {
    /// Nil means no limit.
    let duration: Duration?

    let description: String

    init?(argument: String) {
        let number = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let value = Double(number), let factor = Self.factors[String(argument.dropFirst(number.count))],
            value * factor <= 1e9
        else { return nil }
        duration = value == 0 ? nil : .seconds(value * factor)
        description = argument
    }

    init(seconds: Int) {
        duration = .seconds(seconds)
        description = "\(seconds)s"
    }

    init(milliseconds: Int) {
        duration = .milliseconds(milliseconds)
        description = "\(milliseconds)ms"
    }

    /// For calls that need a time: about thirty years is equivalent to for ever.
    var orForEver: Duration { duration ?? .seconds(1_000_000_000) }

    private static let factors = [
        "": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "m": 60.0, "min": 60.0, "h": 3600.0,
    ]
}

/// `1234567` as `1,234,567`.
func grouped(_ number: Int) -> String {
    let digits = Array(String(number))
    return digits.indices.map { index in
        let behind = digits.count - index
        return index > 0 && behind.isMultiple(of: 3) ? ",\(digits[index])" : "\(digits[index])"
    }.joined()
}

/// `1 message`, `1,234 messages`.
func counted(_ number: Int, _ what: String) -> String { counted(number, what, what + "s") }

/// The same for a word with an irregular plural: `1 reply`, `2 replies`.
func counted(_ number: Int, _ one: String, _ several: String) -> String {
    "\(grouped(number)) \(number == 1 ? one : several)"
}

/// Bytes with a decimal unit and one decimal place: `71.2 MB`.
func readable(byteCount: Int) -> String {
    let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)]
    guard let (unit, factor) = units.first(where: { Double(byteCount) >= $0.1 }) else { return "\(byteCount) B" }
    return "\(decimal(Double(byteCount) / factor)) \(unit)"
}

/// A number without its fraction, limited to the range of an Int with a margin.
func whole(_ number: Double) -> Int { number.isNaN ? 0 : Int(max(-1e17, min(1e17, number))) }

/// One decimal place.
func decimal(_ number: Double) -> String {
    let tenths = whole((number * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
}
