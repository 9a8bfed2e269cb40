// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes

extension CompletionKind {
    /// The names at which servers listen now, for a shell that completes the address of a client.
    static let liveAddresses = CompletionKind.custom { _, _, prefix in
        let pipes = (try? LivePipe.all(includingHidden: true)) ?? []
        return addresses(of: pipes.map(\.address), completing: prefix)
    }

    /// The framings that need no parameter.
    static let framings = CompletionKind.list(
        NamedFraming.names.filter { !$0.hasPrefix("delimiter") }.map { String($0.prefix { $0 != "[" }) })

    /// Those of the addresses that begin with a text. One in the runtime directory is a bare name, unless the text
    /// begins as its path does.
    static func addresses(of pipes: [String], completing prefix: String) -> [String] {
        let statistics = Set(pipes.map { $0 + ".stat" })
        return pipes.filter { !statistics.contains($0) }.map { address in
            guard !prefix.hasPrefix("/"), let name = address.split(separator: "/").last.map(String.init),
                let short = try? PipeAddress.runtime(name), short.path == address
            else { return address }
            return name
        }.filter { $0.hasPrefix(prefix) }
    }
}
