// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// A package of its own, so that nobody who uses the library downloads what measures it.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let namedPipes: Target.Dependency = .product(name: "NamedPipes", package: "swift-named-pipes")

func benchmarks(_ name: String) -> Target {
    .executableTarget(
        name: name,
        dependencies: [namedPipes, .product(name: "Benchmark", package: "benchmark")],
        path: "Benchmarks/\(name)",
        swiftSettings: settings,
        plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
}

func measuringTool(_ name: String) -> Target {
    .executableTarget(name: name, path: "Sources/\(name)", cSettings: [.define("_GNU_SOURCE")])
}

let package = Package(
    name: "named-pipes-benchmarks",
    dependencies: [
        .package(name: "swift-named-pipes", path: ".."),
        // Without traits: its counters of allocations would need libraries that the system may not have.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        benchmarks("Framing"),
        benchmarks("RoundTrip"),
        benchmarks("Broadcast"),
        benchmarks("Connections"),
        benchmarks("Mailbox"),
        benchmarks("Timers"),
        // What `compare` runs: a load generator and the servers that it compares.
        measuringTool("c-load"),
        measuringTool("c-epoll-echo"),
        .executableTarget(
            name: "pipes-echo", dependencies: [namedPipes], path: "Sources/pipes-echo", swiftSettings: settings),
        .executableTarget(
            name: "pipes-load", dependencies: [namedPipes], path: "Sources/pipes-load", swiftSettings: settings),
    ]
)
