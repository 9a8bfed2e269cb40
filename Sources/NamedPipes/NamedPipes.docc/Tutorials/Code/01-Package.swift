// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "counter",
    dependencies: [.package(path: "../swift-named-pipes", traits: ["Service"])],
    targets: [
        .executableTarget(
            name: "counterd",
            dependencies: [
                .product(name: "NamedPipes", package: "swift-named-pipes"),
                .product(name: "NamedPipesService", package: "swift-named-pipes"),
            ]),
        .executableTarget(
            name: "count", dependencies: [.product(name: "NamedPipes", package: "swift-named-pipes")]),
    ])
