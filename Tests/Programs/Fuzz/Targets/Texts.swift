// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

/// Any text is an address that the kernel takes, or a typed error; and an address is safe to print.
func readAddress(_ input: inout Input) {
    let choice = input.number(below: 5)
    let text = input.text()
    do throws(PipeError) {
        check(try address(text, choice))
    } catch {
        guard case .invalidAddress = error else { fail("\(error)") }
        requirePrintable("\(error)")
    }
}

private func address(_ text: String, _ choice: Int) throws(PipeError) -> PipeAddress {
    switch choice {
    case 0: try .path(text)
    case 1: try .abstract(text)
    case 2: try .runtime(text)
    case 3: try .dotNet(text)
    default: try PipeAddress(parsing: text)
    }
}

private func check(_ address: PipeAddress) {
    let description = address.description
    requirePrintable(description)
    if let path = address.path {
        require(path.utf8.first == UInt8(ascii: "/"), "a relative path")
        require((2...107).contains(path.utf8.count), "a path of \(path.utf8.count) bytes")
        require(!path.utf8.contains(0), "a NUL in a path")
        let names = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        require(names.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }, "not normalized")
    } else {
        require(description.utf8.first == UInt8(ascii: "@"), "an abstract name without its mark")
    }
    // Only text that had to be shown in another way does not come back.
    guard !description.contains("\\u{") else { return }
    do throws(PipeError) {
        let again = try PipeAddress(parsing: description)
        require(again == address, "\(again) instead of \(address)")
    } catch {
        fail("\(description) does not come back: \(error)")
    }
}

private func requirePrintable(_ text: String) {
    let isPrintable = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    require(isPrintable, "control characters are shown")
}

/// Any text names a framing or does not; each framing that is named works.
func readFramingName(_ input: inout Input) {
    let limit = input.limit()
    guard let framing = NamedFraming.parse(input.text(), maximumMessageByteCount: limit) else { return }
    require(framing.maximumMessageByteCount <= limit || limit == 0, "a larger limit than was asked for")
    guard framing.maximumMessageByteCount > 0 else { return }
    // No message contains its delimiter.
    let delimiter = (framing as? DelimiterFraming)?.delimiter ?? []
    guard let byte = (UInt8.min...UInt8.max).first(where: { !delimiter.contains($0) }) else { return }
    let outcome = framing.outcome(of: frames(of: [[byte]], framing))
    require(outcome == Outcome(messages: [[byte]]), "one byte")
}

/// Any three texts announce sockets or do not; announced sockets are consecutive, named, and for this process.
func readListenEnvironment(_ input: inout Input) {
    let isSet = input.number(below: 8)
    let texts = input.text().split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    let text = { (index: Int) in isSet & 1 << index != 0 && index < texts.count ? texts[index] : nil }
    let environment = ListenEnvironment(pid: text(0), fds: text(1), names: text(2))
    do throws(InvalidListenEnvironment) {
        let sockets = try environment.sockets(for: 4711)
        guard !sockets.isEmpty else { return }
        require(environment.pid.flatMap { Int($0) } == 4711, "sockets of somebody else")
        require(environment.fds.flatMap { Int($0) } == sockets.count, "\(sockets.count) sockets")
        require(sockets.enumerated().allSatisfy { $1.descriptor == 3 + $0 }, "not consecutive")
        let names = sockets.map(\.name)
        require(environment.names.map { $0 == names.joined(separator: ":") } ?? true, "other names")
        require(environment.names != nil || names.allSatisfy { $0 == "unknown" }, "made-up names")
        names.forEach(requirePrintable)
    } catch {
        requirePrintable("\(error)")
    }
}
