// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import NamedPipes

/// What another user sees and may do. Needs root to become that user.
@Suite(.enabled(if: strangerPrefix != nil && hasPython, "needs root, setpriv and python3")) struct `Another user` {
    private let scratch = Scratch(mode: 0o755)

    private func connectAsForeignUser() throws -> Int32 {
        let prefix = try #require(strangerPrefix)
        let program = """
            import socket, sys
            try: socket.socket(socket.AF_UNIX).connect('\(scratch.path("pipe"))')
            except OSError as error: sys.exit(error.errno)
            """
        return Child(prefix + [python, "-S", "-c", program]).wait()
    }

    @Test func `16 · is refused by the kernel at the default permissions`() throws {
        let name = try publish(scratch.address())
        #expect(try connectAsForeignUser() == EACCES)
        withExtendedLifetime(name) {}
    }

    @Test func `16 · is admitted at the permissions for everyone, and for its group`() throws {
        for permissions in [SocketPermissions.everyone, .group(65534)] {
            let name = try publish(scratch.address(), permissions)
            #expect(try connectAsForeignUser() == 0)
            name.close()
        }
    }

    @Test func `11 · never sees a wider mode and never gets a connection, in many starts without umask`() throws {
        // The full count: NAMED_PIPES_OBSERVED_STARTS=10000.
        let starts = unsafe getenv("NAMED_PIPES_OBSERVED_STARTS").flatMap { unsafe Int(String(cString: $0)) } ?? 500
        #expect(unsafe mkfifo(scratch.path("ready"), 0o622) == 0)
        setMode(0o622, of: scratch.path("ready"))
        let ready = unsafe open(scratch.path("ready"), O_RDWR | O_NONBLOCK | O_CLOEXEC)
        defer { _ = close(ready) }
        // Looks at the name and at the temporary one until a file tells it to stop.
        let program = """
            import os, socket, stat, sys
            directory, looks = '\(scratch.path)', 0
            while not os.path.exists(directory + '/stop'):
                for name in ('pipe', '.pipe.tmp'):
                    try:
                        mode = os.lstat(directory + '/' + name).st_mode
                        looks += 1
                        if mode & 0o177: sys.exit(1)
                        socket.socket(socket.AF_UNIX).connect(directory + '/' + name)
                        sys.exit(2)
                    except OSError: pass
                if looks == 1: open(directory + '/ready', 'w').write('x')
            """
        let prefix = try #require(strangerPrefix)
        let first = try publish(scratch.address())
        let observer = Child(prefix + [python, "-S", "-c", program])
        var descriptor = pollfd(fd: ready, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&descriptor, 1, 10_000) == 1, "the observer does not look")
        first.close()
        let path = scratch.path
        withUmask(0) {
            do {
                for _ in 0..<starts { try publish(.path("\(path)/pipe")).close() }
            } catch {
                Issue.record(error)
            }
        }
        makeFile(scratch.path("stop"))
        #expect(observer.wait() == 0)
    }
}
