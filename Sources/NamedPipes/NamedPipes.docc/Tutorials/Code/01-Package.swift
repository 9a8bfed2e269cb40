// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "counter",
    dependencies: [
        .package(path: "../swift-named-pipes", traits: ["Service"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle",
            from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "counterd",
            dependencies: [
                .product(name: "NamedPipes", package: "swift-named-pipes"),
                .product(
                    name: "NamedPipesProgram", package: "swift-named-pipes"),
                .product(
                    name: "NamedPipesService", package: "swift-named-pipes"),
                .product(name: "Logging", package: "swift-log"),
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "count",
            dependencies: [
                .product(name: "NamedPipes", package: "swift-named-pipes"),
                .product(
                    name: "NamedPipesProgram", package: "swift-named-pipes"),
            ]),
    ])
