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

/// The traits, on by default, so that a clone builds everything. A package that embeds the core says `traits: []` and
/// resolves no other package.
let service = TargetDependencyCondition.when(traits: ["Service"])
let protobuf = TargetDependencyCondition.when(traits: ["Protobuf"])
let authkey = TargetDependencyCondition.when(traits: ["Authkey"])
let pipectl = TargetDependencyCondition.when(traits: ["Pipectl"])
let nats = TargetDependencyCondition.when(traits: ["NATS"])

/// All traits but NATS, which needs the system's libnats. `make` sets the variable where it finds that.
let defaultTraits: Set<String> =
    Context.environment["PIPES_NATS"] == nil
    ? ["Service", "Protobuf", "Authkey", "Pipectl"] : ["Service", "Protobuf", "Authkey", "Pipectl", "NATS"]

/// What `NamedPipesService` talks to, and with it its users.
let ecosystem: [Target.Dependency] = [
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: service),
    .product(name: "Logging", package: "swift-log", condition: service),
    .product(name: "Metrics", package: "swift-metrics", condition: service),
    .product(name: "Tracing", package: "swift-distributed-tracing", condition: service),
]

func library(_ name: String, _ dependencies: [Target.Dependency], _ more: [SwiftSetting] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings + more)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["PipeTestSupport"], exclude: exclude, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency], _ path: String, exclude: [String] = []) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: settings)
}

func example(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    program(name, ["NamedPipes", "NamedPipesProgram"] + dependencies, "Sources/Examples/\(name)", exclude: exclude)
}

let package = Package(
    name: "swift-named-pipes",
    products: [
        .library(name: "NamedPipes", targets: ["NamedPipes"]),
        .library(name: "NamedPipesProgram", targets: ["NamedPipesProgram"]),
        .library(name: "NamedPipesRPC", targets: ["NamedPipesRPC"]),
        .library(name: "NamedPipesProtobuf", targets: ["NamedPipesProtobuf"]),
        .library(name: "NamedPipesAuthkey", targets: ["NamedPipesAuthkey"]),
        .library(name: "NamedPipesTesting", targets: ["NamedPipesTesting"]),
        .library(name: "NamedPipesNATS", targets: ["NamedPipesNATS"]),
        .library(name: "NamedPipesService", targets: ["NamedPipesService"]),
        .executable(name: "pipectl", targets: ["pipectl"]),
    ],
    traits: [
        .default(enabledTraits: defaultTraits),
        .trait(
            name: "Service", description: "NamedPipesService: swift-service-lifecycle, logging, metrics and tracing"),
        .trait(name: "Protobuf", description: "NamedPipesProtobuf: messages of swift-protobuf as JSON-RPC's values"),
        .trait(name: "Authkey", description: "NamedPipesAuthkey: Python's authkey handshake, on swift-crypto"),
        .trait(name: "Pipectl", description: "pipectl, the command-line tool: swift-argument-parser"),
        .trait(name: "NATS", description: "NamedPipesNATS: the same servers and clients beyond one machine; libnats"),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
    ],
    targets: [
        // MARK: The layers, lowest first
        .systemLibrary(name: "CLibevent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
        library("PipeReactor", ["CLibevent"]),
        // Lifetimes: a buffer hands out its bytes as a span that the compiler ties to it, rather than as a pointer.
        library("PipeFraming", [], [.enableExperimentalFeature("Lifetimes")]),
        library("NamedPipes", ["PipeReactor", "PipeFraming"]),
        library("NamedPipesRPC", ["NamedPipes"]),
        library(
            "NamedPipesProtobuf",
            ["NamedPipesRPC", .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: protobuf)]),
        library(
            "NamedPipesAuthkey",
            ["NamedPipes", .product(name: "Crypto", package: "swift-crypto", condition: authkey)]),
        library("NamedPipesTesting", ["NamedPipesRPC"]),
        library("NamedPipesService", ["NamedPipesRPC"] + ecosystem),
        .systemLibrary(name: "CNATS", pkgConfig: "libnats", providers: [.apt(["libnats-dev"])]),
        library("NamedPipesNATS", ["NamedPipesRPC", .target(name: "CNATS", condition: nats)]),

        .systemLibrary(name: "CProgram"),
        library("NamedPipesProgram", ["CProgram", "NamedPipes"]),

        // MARK: Programs
        .executableTarget(
            name: "pipectl",
            dependencies: [
                "NamedPipes", "NamedPipesRPC", "NamedPipesProgram", "NamedPipesNATS",
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: pipectl),
            ],
            exclude: ["Packaging"],
            swiftSettings: settings),
        example("ActorRoom"),
        example("EchoServer"),
        example("Chat"),
        example("ClusteredCounter", ["NamedPipesNATS"]),
        example("Metronome"),
        example("KeyValue"),
        example("LanguageServer", ["NamedPipesRPC"]),
        example("WorkerPool"),
        example("LogCollector", ["NamedPipesService"] + ecosystem, exclude: ["systemd"]),

        // MARK: Tests, and the programs that test (Tests/Programs)
        .target(
            name: "PipeTestSupport", dependencies: ["NamedPipesTesting"], path: "Tests/PipeTestSupport",
            swiftSettings: settings),
        .target(
            name: "BrokerTestSupport", dependencies: ["PipeTestSupport", "NamedPipesProgram"],
            path: "Tests/BrokerTestSupport", swiftSettings: settings),
        tests("PipeReactorTests", ["PipeReactor"]),
        tests("PipeFramingTests", ["PipeFraming"]),
        tests("NamedPipesTests", ["NamedPipes", "NameRacer", "pipectl"]),
        tests("AsyncTests", ["NamedPipes"]),
        tests("RPCTests", ["NamedPipesRPC"]),
        tests("ProtobufTests", ["NamedPipesProtobuf"]),
        .testTarget(name: "AuthkeyTests", dependencies: ["NamedPipesAuthkey"], swiftSettings: settings),
        .testTarget(
            name: "TestingTests", dependencies: ["NamedPipesTesting", "NamedPipesRPC"], swiftSettings: settings),
        tests(
            "ServiceTests",
            [
                "NamedPipesService",
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle", condition: service),
                .product(name: "InMemoryLogging", package: "swift-log", condition: service),
                .product(name: "MetricsTestKit", package: "swift-metrics", condition: service),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing", condition: service),
            ]),
        tests(
            "NATSTests", ["NamedPipesNATS", "BrokerTestSupport", "ClusteredCounter", "StreamWorker"], exclude: ["Peers"]
        ),
        tests(
            "PipectlTests", ["pipectl", "NamedPipesRPC", "NamedPipesProgram", "NamedPipesNATS", "BrokerTestSupport"]),
        .testTarget(
            name: "InteropTests",
            dependencies: ["NamedPipes", "NamedPipesRPC", "NamedPipesProtobuf", "NamedPipesAuthkey"],
            exclude: ["Peers"], swiftSettings: settings),
        tests(
            "ExampleTests",
            [
                "NamedPipes", "NamedPipesRPC", "NamedPipesTesting", "ActorRoom", "EchoServer", "Chat", "Metronome",
                "KeyValue", "LanguageServer", "LogCollector", "WorkerPool", "Ending", "pipectl",
            ]),
        tests("SimulationTests", ["NamedPipes"], exclude: ["Program"]),
        program("NameRacer", ["NamedPipes"], "Tests/Programs/NameRacer"),
        program("Ending", ["NamedPipes", "NamedPipesProgram"], "Tests/Programs/Ending"),
        program("StreamWorker", ["NamedPipes", "NamedPipesNATS"], "Tests/Programs/StreamWorker"),
        program("TortureDriver", ["NamedPipes", "PipeTestSupport"], "Tests/Programs/Torture/Driver"),
        program("hostile-target", ["NamedPipes", "NamedPipesRPC"], "Tests/Programs/Hostile/Target"),
    ]
)

// MARK: Variants, each for one script that sets its variable

@MainActor
func replace(_ name: String, by targets: Target...) {
    package.targets.removeAll { $0.name == name }
    package.targets += targets
}

// .ci/simulation: the suite as a program, which does many more seeds in the same time, because it is built with
// optimisation. That takes `-enable-testing`, which no other release build has.
if Context.environment["SIMULATION"] != nil {
    replace(
        "SimulationTests",
        by: program(
            "simulate", ["NamedPipes", "PipeTestSupport"], "Tests/SimulationTests", exclude: ["SimulationTests.swift"]))
}

// Tests/Programs/Fuzz: the fuzz targets, with libFuzzer's runtime. The examples that they run are libraries there,
// without their `main`, because a program cannot be linked to another.
if Context.environment["PIPES_FUZZ"] != nil {
    for name in ["KeyValue", "LanguageServer"] {
        replace(
            name,
            by: .target(
                name: name, dependencies: ["NamedPipes", "NamedPipesRPC", "NamedPipesProgram"],
                path: "Sources/Examples/\(name)", exclude: ["main.swift"], swiftSettings: settings))
    }
    package.targets.append(
        program(
            "PipesFuzz", ["NamedPipesRPC", "NamedPipesTesting", "PipeTestSupport", "KeyValue", "LanguageServer"],
            "Tests/Programs/Fuzz/Targets"))
}
