// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

@testable import pipectl

/// HOSTILE 54. The wall clock belongs to the whole machine, and a time namespace has none of its own. So a preloaded
/// library answers every question for the wall clock with a time that is a year off, alternately before and after.
/// Questions for the monotonic clock go through. Code that asks the wrong clock would be early by a year, or never
/// done.
@Suite(.timeLimit(.minutes(5)), .enabled(if: JumpingClock.isToBeHad, "needs a C compiler"))
struct `54 · a wall clock that jumps by a year at every look` {
    let reactor: Reactor
    let clock: JumpingClock

    init() throws {
        reactor = try Reactor()
        clock = try JumpingClock()
    }

    @Test func `is there: a program that asks it is told two years that are not this one`() throws {
        let years = "date +%Y; LD_PRELOAD= date +%Y; date +%Y"
        let lines = try clock.output(of: "\(clock.assignment) /bin/sh -c '\(years)'", reactor)
        let numbers = lines.compactMap { Int($0) }
        try #require(numbers.count == 3)
        #expect(numbers[0] != numbers[1] && numbers[2] != numbers[1])
    }

    @Test func `makes no deadline early, and none late`() throws {
        let start = SuspendingClock.now
        let tool = try Tool(
            reactor, ["connect", freshName(), "--wait", "--timeout", "700ms"], redirection: "</dev/null",
            assignment: clock.assignment)
        #expect(tool.waitForExit() == ExitStatus.timedOut.rawValue)
        // A late one would come in a year.
        #expect(SuspendingClock.now - start >= .milliseconds(700))
    }

    @Test func `neither drops nor delays a message, at either end`() throws {
        let name = freshName()
        let server = try Tool(reactor, ["echo", name, "--grace", "20s"], assignment: clock.assignment)
        server.waitFor("listening on ")
        let client = try Tool(
            reactor, ["send", name, "--reply", "--timeout", "20s", "one", "two", "three"], assignment: clock.assignment)
        #expect(client.waitForExit() == 0)
        #expect(["one", "two", "three"].allSatisfy(client.lines.contains))
        server.terminate()
        #expect(server.waitForExit() == 0)
    }
}

/// The preloaded library, made for one test.
final class JumpingClock {
    private let directory: URL
    private var library: String { directory.appending(path: "clock.so").path }

    static let isToBeHad = compiler != nil

    private static let compiler: String? = ["/usr/bin/cc", "/usr/bin/clang", "/usr/local/bin/cc"].first {
        unsafe access($0, X_OK) == 0
    }

    init() throws {
        directory = URL(filePath: "/tmp/pipe-clock-\(UInt64.random(in: .min ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        let source = directory.appending(path: "clock.c").path
        try Self.source.write(toFile: source, atomically: false, encoding: .utf8)
        let reactor = try Reactor()
        let command = "\(Self.compiler ?? "cc") -O2 -shared -fPIC -o \(library) \(source) -ldl"
        let said = try output(of: command + " && echo made", reactor)
        try #require(said == ["made"])
        reactor.stop()
        reactor.run()
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// In front of a shell's command. AddressSanitizer insists on being first.
    var assignment: String {
        "LD_PRELOAD=\(library):$LD_PRELOAD ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0"
    }

    /// The lines that a shell's command prints.
    func output(of command: String, _ reactor: Reactor) throws -> [String] {
        var bytes: [UInt8] = []
        let child = try ChildProcess(reactor, ["/bin/sh", "-c", command + " 2>&1"]) { bytes += $0 }
        reactor.run(timeout: deadline) { child.exitStatus != nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdatomic.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        static atomic_int looks;

        static long jump(void) { return (atomic_fetch_add(&looks, 1) % 2 ? -1 : 1) * 31600000L; }

        int clock_gettime(clockid_t clock, struct timespec *time) {
            int result = syscall(SYS_clock_gettime, clock, time);
            int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
            if (result == 0 && is_wall) time->tv_sec += jump();
            return result;
        }

        int gettimeofday(struct timeval *restrict time, void *restrict zone) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            time->tv_sec = now.tv_sec;
            time->tv_usec = now.tv_nsec / 1000;
            return 0;
        }

        time_t time(time_t *result) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (result) *result = now.tv_sec;
            return now.tv_sec;
        }
        """
}
