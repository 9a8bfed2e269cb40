// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// A separate package, so that users of the library do not download its benchmarks, or the libraries it is compared
// with.

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
        dependencies: [namedPipes, "EchoOptions", .product(name: "Benchmark", package: "benchmark")],
        path: "Benchmarks/\(name)",
        swiftSettings: settings,
        plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
}

func program(inC name: String, _ dependencies: [Target.Dependency] = [], linking libraries: [String] = []) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Sources/\(name)", cSettings: [.define("_GNU_SOURCE")],
        linkerSettings: libraries.map { .linkedLibrary($0) })
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + ["EchoOptions"], path: "Sources/\(name)", swiftSettings: settings)
}

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
]

/// `bench beyond` sets it: programs that need libnats.
let withNATS = Context.environment["PIPES_NATS"] != nil
let namedPipesNATS: Target.Dependency = .product(name: "NamedPipesNATS", package: "swift-named-pipes")
let natsPrograms: [Target] = [
    program("nats-echo", [namedPipes, namedPipesNATS]),
    program("nats-load", [namedPipes, namedPipesNATS]),
    program(inC: "c-nats", linking: ["nats"]),
]

/// `bench rpc` sets it: programs that need gRPC, which takes minutes to build.
let withGRPC = Context.environment["PIPES_GRPC"] != nil
let namedPipesRPC: Target.Dependency = .product(name: "NamedPipesRPC", package: "swift-named-pipes")
let grpc: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2"),
    .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
]
let grpcPackages: [Package.Dependency] = [
    .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
]
let grpcPrograms: [Target] = [
    program("grpc-echo", grpc),
    program("grpc-load", grpc + ["RPCLoad"]),
]

let package = Package(
    name: "named-pipes-benchmarks",
    dependencies: [
        .package(name: "swift-named-pipes", path: "..", traits: withNATS ? ["NATS"] : []),
        // Without traits: its counters of allocations would need libraries that the system may not have.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
        // Libraries that ours is compared with.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ] + (withGRPC ? grpcPackages : []),
    targets: [
        benchmarks("Framing"),
        benchmarks("RoundTrip"),
        benchmarks("Broadcast"),
        benchmarks("Connections"),
        benchmarks("Mailbox"),
        benchmarks("Timers"),
        // The loads, and the servers that are compared under them.
        program(inC: "c-load"),
        program("pipes-load", [namedPipes]),
        .target(name: "CEcho", path: "Sources/CEcho", cSettings: [.define("_GNU_SOURCE")]),
        program(inC: "c-epoll-echo", ["CEcho"]),
        program(inC: "c-libevent-echo", ["CEcho"], linking: ["event_core"]),
        program(inC: "c-bufferevent-echo", ["CEcho"], linking: ["event_core"]),
        program(inC: "libuv-echo", ["CEcho"], linking: ["uv"]),
        .target(name: "EchoOptions", path: "Sources/EchoOptions", swiftSettings: settings),
        program("pipes-echo", [namedPipes]),
        program("pipes-async-echo", [namedPipes]),
        .target(name: "RPCLoad", path: "Sources/RPCLoad", swiftSettings: settings),
        program("pipes-rpc-load", [namedPipes, namedPipesRPC, "RPCLoad"]),
        program("pipes-rpc-echo", [namedPipes, namedPipesRPC]),
        .target(
            name: "NIOFrames", dependencies: nio + ["EchoOptions"], path: "Sources/NIOFrames", swiftSettings: settings),
        program("nio-echo", nio + ["NIOFrames"]),
        program("nio-tuned-echo", nio + ["NIOFrames"]),
        program("nio-async-echo", nio + ["NIOFrames"]),
        program("flying-socks-echo", [.product(name: "FlyingSocks", package: "FlyingFox")]),
    ] + (withNATS ? natsPrograms : []) + (withGRPC ? grpcPrograms : [])
)
