// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// What `NamedPipesService` talks to, and with it whoever uses it.
let ecosystem: [Target.Dependency] = [
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
    .product(name: "Tracing", package: "swift-distributed-tracing"),
]

func library(_ name: String, _ dependencies: [Target.Dependency], _ more: [SwiftSetting] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings + more)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies + ["PipeTestSupport"], swiftSettings: settings)
}

// What the fuzz targets run of the examples is a library there, without its `main`: a program cannot be linked to another.
let isFuzzed = Context.environment["PIPES_FUZZ"] != nil
let fuzzedExamples: Set = ["KeyValue", "LanguageServer"]

func example(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    if isFuzzed && fuzzedExamples.contains(name) {
        return .target(
            name: name, dependencies: ["NamedPipes", "ExampleSupport"] + dependencies, path: "Sources/Examples/\(name)",
            exclude: exclude + ["main.swift"], swiftSettings: settings)
    }
    return .executableTarget(
        name: name, dependencies: ["NamedPipes", "ExampleSupport"] + dependencies, path: "Sources/Examples/\(name)",
        exclude: exclude, swiftSettings: settings)
}

/// A suite; and, with SIMULATION set, a program that does many more seeds in the same time, because it is built with
/// optimisation. That takes `-enable-testing`, which no other release build has (.ci/simulation).
let simulation: Target =
    if Context.environment["SIMULATION"] == nil {
        .testTarget(
            name: "SimulationTests", dependencies: ["NamedPipes", "PipeTestSupport"], exclude: ["Program"],
            swiftSettings: settings)
    } else {
        .executableTarget(
            name: "simulate", dependencies: ["NamedPipes", "PipeTestSupport"], path: "Tests/SimulationTests",
            exclude: ["SimulationTests.swift"], swiftSettings: settings)
    }

// The sanitizers' builds are without what hands on to packages of others: that takes as long to build as all that is ours.
let hasAdapters = Context.environment["PIPES_SANITIZED"] == nil
let adapterDependencies: [Package.Dependency] =
    hasAdapters
    ? [
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),  // NamedPipesProtobuf
        // NamedPipesService
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
    ] : []

let package = Package(
    name: "swift-named-pipes",
    products: [
        .library(name: "NamedPipes", targets: ["NamedPipes"]),
        .library(name: "NamedPipesRPC", targets: ["NamedPipesRPC"]),
        .library(name: "NamedPipesProtobuf", targets: ["NamedPipesProtobuf"]),
        .library(name: "NamedPipesTesting", targets: ["NamedPipesTesting"]),
        .library(name: "NamedPipesService", targets: ["NamedPipesService"]),
        .executable(name: "pipectl", targets: ["pipectl"]),
    ],
    dependencies: [
        // Each for who uses that product; `NamedPipes` itself depends on no package.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")  // pipectl
    ] + adapterDependencies,
    targets: [
        .systemLibrary(name: "CLibevent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
        library("PipeReactor", ["CLibevent"]),
        // Lifetimes: a buffer hands out its bytes as a span that the compiler ties to it, rather than as a pointer.
        library("PipeFraming", [], [.enableExperimentalFeature("Lifetimes")]),
        library("NamedPipes", ["PipeReactor", "PipeFraming"]),
        // What every program does at its start and end: pipectl and the examples. No product yet.
        .systemLibrary(name: "CProgram"),
        library("NamedPipesProgram", ["CProgram", "NamedPipes"]),
        library("NamedPipesRPC", ["NamedPipes"]),
        library("NamedPipesProtobuf", ["NamedPipesRPC", .product(name: "SwiftProtobuf", package: "swift-protobuf")]),
        library("NamedPipesTesting", ["NamedPipesRPC"]),
        library("NamedPipesService", ["NamedPipesRPC"] + ecosystem),
        .executableTarget(
            name: "pipectl",
            dependencies: [
                "NamedPipes", "NamedPipesRPC", "NamedPipesProgram",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .target(
            name: "PipeTestSupport", dependencies: ["NamedPipesTesting"], path: "Tests/PipeTestSupport",
            swiftSettings: settings),
        // What the system-call torture runs: see Tests/Programs/Torture/README.md.
        .executableTarget(
            name: "TortureDriver", dependencies: ["NamedPipes", "PipeTestSupport"],
            path: "Tests/Programs/Torture/Driver",
            swiftSettings: settings),
        tests("PipeReactorTests", ["PipeReactor"]),
        tests("PipeFramingTests", ["PipeFraming"]),
        .executableTarget(
            name: "NameRacer", dependencies: ["NamedPipes"], path: "Tests/Programs/NameRacer", swiftSettings: settings),
        tests("NamedPipesTests", ["NamedPipes", "NameRacer", "pipectl"]),
        tests("AsyncTests", ["NamedPipes"]),
        tests("RPCTests", ["NamedPipesRPC"]),
        tests("ProtobufTests", ["NamedPipesProtobuf"]),
        .testTarget(
            name: "TestingTests", dependencies: ["NamedPipesTesting", "NamedPipesRPC"], swiftSettings: settings),
        tests(
            "ServiceTests",
            [
                "NamedPipesService", .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ]),
        tests("PipectlTests", ["pipectl", "NamedPipesRPC", "NamedPipesProgram"]),
        .target(
            name: "ExampleSupport", dependencies: ["NamedPipes", "NamedPipesProgram"], path: "Sources/Examples/Support",
            swiftSettings: settings),
        example("ActorRoom"),
        example("EchoServer"),
        example("Chat"),
        example("Metronome"),
        example("KeyValue"),
        example("LanguageServer", ["NamedPipesRPC"]),
        example("LogCollector", ["NamedPipesService"] + ecosystem, exclude: ["systemd"]),
        .testTarget(
            name: "InteropTests", dependencies: ["NamedPipes", "NamedPipesRPC", "NamedPipesProtobuf"],
            exclude: ["Peers"], swiftSettings: settings),
        tests(
            "ExampleTests",
            [
                "NamedPipes", "NamedPipesRPC", "NamedPipesTesting", "ActorRoom", "EchoServer", "Chat", "Metronome",
                "KeyValue", "LanguageServer", "LogCollector", "pipectl",
            ]),
        simulation,
        // What the hostile suite (Tests/Programs/Hostile) attacks, and what stays up for the soak.
        .executableTarget(
            name: "hostile-target", dependencies: ["NamedPipes", "NamedPipesRPC"],
            path: "Tests/Programs/Hostile/Target",
            swiftSettings: settings),
    ]
)

if !hasAdapters {
    let adapters: Set = ["NamedPipesProtobuf", "NamedPipesService", "ProtobufTests", "ServiceTests", "LogCollector"]
    package.products.removeAll { adapters.contains($0.name) }
    package.targets.removeAll { adapters.contains($0.name) }
    for target in package.targets {
        target.dependencies.removeAll { dependency in
            if case .byNameItem(let name, _) = dependency { adapters.contains(name) } else { false }
        }
        switch target.name {
        case "InteropTests": target.exclude.append("ProtobufTests.swift")
        case "ExampleTests": target.exclude += ["LogCollectorTests.swift", "LogCollectorUnitTests.swift"]
        default: break
        }
    }
}

// libFuzzer's runtime is linked to this one only; see Tests/Programs/Fuzz/README.md.
if isFuzzed {
    package.targets.append(
        .executableTarget(
            name: "PipesFuzz",
            dependencies: ["NamedPipesRPC", "NamedPipesTesting", "PipeTestSupport", "KeyValue", "LanguageServer"],
            path: "Tests/Programs/Fuzz/Targets", swiftSettings: settings))
}
