// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `Ten thousand clients` {
    @Test func `64 · that lose their server come back at random distances, soon and all of them`() async {
        await #expect(processExitsWith: .success) { try loseTheServerOfTenThousand() }
    }
}

private func loseTheServerOfTenThousand() throws {
    let count = 10_000
    raiseDescriptorLimit()
    // Each client would wait for its server with an inotify instance, as long as there are any.
    let instances = InotifyInstances(all: true)
    defer { withExtendedLifetime(instances) {} }
    try withLoop { loop in
        let directory = try FreshDirectory()
        let address = try directory.address()
        let path = try #require(address.path)
        var server = Child([siblingProgram("pipectl"), "listen", path])
        var configuration = PipeClient.Configuration()
        configuration.connectTimeout = Loop.patience
        configuration.waitsForServer = true
        configuration.reconnection = PipeClient.Reconnection()
        let recorder = loop.recorder()
        for _ in 0..<count { _ = loop.client(configuration, to: address, recorder) }
        try #require(loop.run { recorder.openCount == count })

        _ = kill(server.process, SIGKILL)
        server.wait()
        try #require(loop.run { recorder.reasons.count == count })
        let start = ContinuousClock.now
        server = Child([siblingProgram("pipectl"), "listen", path])
        try #require(loop.run { recorder.openCount == 2 * count })
        let time = ContinuousClock.now - start
        #expect(recorder.failures == [])
        // Two seconds on an idle machine. How much longer it takes beside other tests, in a debug build, depends on the
        // machine.
        print("64 · \(count) clients were back \(time) after their server was started again")

        // The first delays lie anywhere between half of 50 ms and all of it: no fifth of that range has more than its
        // share.
        let delays = recorder.states.compactMap { if case .waitingToReconnect(let delay) = $0 { delay } else { nil } }
        let first = delays.filter { $0 <= .milliseconds(50) }
        #expect(first.count >= count)
        for fifth in 0..<5 {
            let from = Duration.milliseconds(25 + 5 * fifth)
            let share = first.count { $0 >= from && $0 < from + .milliseconds(5) }
            #expect((first.count * 17 / 100...first.count * 23 / 100).contains(share))
        }
        _ = kill(server.process, SIGKILL)
        server.wait()
    }
}

private func raiseDescriptorLimit() {
    var limit = rlimit()
    _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
}
