// SPDX-License-Identifier: Apache-2.0
//
// A server and four clients in one process, which exchange numbered messages both ways, stop, and check the result, to
// be run while a preloaded shim makes system calls fail:
//
//     LD_PRELOAD=…/shim.so TORTURE_PROBABILITY=60 TORTURE_SEED=1 \
//         TortureDriver /path/of/a/socket [guarded|takeover|republish|inherited]
//
// It prints one line of JSON. See Tests/Programs/Torture/README.md.
import Glibc
import NamedPipes
import PipeTestSupport

let arguments = CommandLine.arguments.dropFirst()
guard let address = arguments.first, let course = Course(rawValue: arguments.dropFirst().first ?? "plain") else {
    print("usage: TortureDriver ADDRESS [\(Course.allCases.map(\.rawValue).joined(separator: "|"))]")
    exit(64)
}

if course == .inherited { Manager.handOver() }
let before = openDescriptors()
var verdict = Exchange.run(at: address, as: course)
var left = openDescriptors()
for descriptor in before { left.firstIndex(of: descriptor).map { _ = left.remove(at: $0) } }
verdict.violations += left.map { "left open: \($0)" }
print(verdict.json)
