// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeReactor
import Testing

@Suite struct `A system call` {
    @Test func `that fails is an error with its name, its code and the system's text`() {
        let error = #expect(throws: SystemError.self) { try systemCall("unlink") { unsafe unlink("/proc/nothing") } }
        #expect(error == SystemError(call: "unlink", code: ENOENT))
        #expect(error?.description == "unlink: No such file or directory (errno 2)")
        #expect("\(SystemError(call: "x", code: 0))" == "x: Success (errno 0)")
        #expect("\(SystemError(call: "x", code: 4095))" == "x: Unknown error 4095 (errno 4095)")
    }

    @Test func `that would block is nil, not an error`() throws {
        let pair = Pair.pipe()
        var byte: UInt8 = 0
        #expect(try nonBlockingCall("read") { unsafe read(pair.near.rawValue, &byte, 1) } == nil)
        put(pair.far.rawValue, 9)
        #expect(try nonBlockingCall("read") { unsafe read(pair.near.rawValue, &byte, 1) } == 1)
        #expect(byte == 9)
    }

    @Test func `that reads the end is zero`() throws {
        let ends = Ends(Pair.pipe())
        ends.closeFar()
        var byte: UInt8 = 0
        #expect(try nonBlockingCall("read") { unsafe read(ends.near, &byte, 1) } == 0)
    }

    @Test func `that reads a stream has three answers, and a failure is none of them`() throws {
        let ends = Ends(Pair.pipe())
        var byte: UInt8 = 0
        func answer() throws -> String {
            let outcome = try readCall("read") { unsafe read(ends.near, &byte, 1) }
            return "\(outcome) \(outcome.byteCount)"
        }
        #expect(try answer() == "wouldBlock 0")
        put(ends.far, 9)
        #expect(try answer() == "content(1) 1")
        ends.closeFar()
        #expect(try answer() == "end 0")
        let error = SystemError(call: "read", code: EIO)
        #expect(throws: error) {
            try readCall("read") {
                errno = EIO
                return -1
            }
        }
    }

    @Test func `whose failure changes nothing says whether it succeeded`() async {
        #expect(attemptCall("unlink") { unsafe unlink("/proc/nothing") } == nil)
        #expect(attemptCall("getpid") { getpid() } == getpid())
        let pair = Pair.pipe()
        var byte: UInt8 = 0
        // Where no other failure is possible, finding nothing to do is not a failure.
        #expect(infallibleCall("read") { unsafe read(pair.near.rawValue, &byte, 1) } == nil)
        await #expect(processExitsWith: .failure) { infallibleCall("unlink") { unsafe unlink("/proc/nothing") } }
    }

    @Test func `that was interrupted is made again, also where it may block`() throws {
        for mayBlock in [false, true] {
            var attempts = 0
            let call = { () -> Int32 in
                attempts += 1
                errno = attempts < 1000 ? EINTR : 0
                return attempts < 1000 ? -1 : 5
            }
            let result = mayBlock ? try nonBlockingCall("call", call) : try systemCall("call", call)
            #expect(result == 5 && attempts == 1000)
        }
    }

    @Test func `that only a bug of ours can fail ends the process`() async {
        await #expect(processExitsWith: .failure) { _ = try? systemCall("close") { close(-1) } }
        await #expect(processExitsWith: .failure) { _ = try? nonBlockingCall("close") { close(-1) } }
    }

    @Test func `57 returns its result although signals interrupt it all the time`() throws {
        withHarmlessSignal { signal in
            let ends = Ends(Pair.pipe(blocking: true))
            let attempts = Counter()
            let results = Log()
            let near = ends.near
            let reading = Worker {
                var byte: UInt8 = 0
                let count = try? systemCall("read") {
                    attempts.count()
                    return unsafe read(near, &byte, 1)
                }
                results.add("\(count ?? -1) \(byte)")
            }
            #expect(
                eventually {
                    reading.interrupt(with: signal)
                    return attempts.value > 100
                })
            put(ends.far, 7)
            reading.finish()
            #expect(results.entries == ["1 7"])
        }
    }
}

@Suite struct `An owned descriptor` {
    @Test func `is closed at its end, unless it was given up`() {
        let ends = Ends(Pair.sockets())
        #expect(put(ends.far))
        let number = ends.takeNear().release()
        #expect(put(ends.far))
        _ = OwnedDescriptor(taking: number)
        #expect(!put(ends.far))
    }

    @Test func `has a number that is not negative`() async {
        await #expect(processExitsWith: .failure) { _ = OwnedDescriptor(taking: -1) }
    }
}
