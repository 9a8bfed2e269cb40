// SPDX-License-Identifier: Apache-2.0
import Glibc

private typealias TestOneInput = @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// libFuzzer's own main, with the test as an argument (FuzzerDriver.cpp).
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<Arguments>, _ test: TestOneInput
) -> Int32

/// The entry point that the package manager expects, named after the module. Without a target, it prints their names.
@_cdecl("PipesFuzz_main")
public func begin(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    if name.isEmpty {
        print(FuzzTargets.all.keys.sorted().joined(separator: "\n"))
        return 0
    }
    var (count, arguments) = unsafe (count, arguments)
    return unsafe runDriver(&count, &arguments, testOneInput)
}

/// What libFuzzer calls with each input: the target that the environment variable FUZZ_TARGET names. `make fuzz` runs
/// them all; see Tests/Programs/Fuzz/README.md.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var input = Input(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
    target(&input)
    return 0
}

private let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""

private let target: @Sendable (inout Input) -> Void = {
    guard let target = FuzzTargets.all[name] else { fail("no target \(name)") }
    return target
}()
