// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import NamedPipes

/// A directory of one test, removed with its contents at the end.
final class Scratch {
    let path: String

    init(mode: mode_t = 0o700) {
        var template = Array("/tmp/door-test-XXXXXX\0".utf8CString.dropLast())
        path = unsafe String(cString: mkdtemp(&template))
        setMode(mode, of: path)
    }

    deinit { Child.run("/bin/rm", "-rf", path) }

    func address(_ name: String = "pipe") throws -> PipeAddress { try .path(path(name)) }
    func path(_ name: String) -> String { "\(path)/\(name)" }

    /// The names in the directory, sorted.
    var names: [String] { namesIn(path) }
}

func namesIn(_ path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { _ = unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

func publish(
    _ address: PipeAddress, _ permissions: SocketPermissions = .ownerOnly, allowsInsecureDirectory: Bool = false,
    takeOverTimeout: Duration? = nil
) throws(PipeError) -> PublishedName {
    try .publish(
        address,
        NameClaim(
            permissions: permissions, backlog: 16, allowsInsecureDirectory: allowsInsecureDirectory,
            takeOverTimeout: takeOverTimeout))
}

func setMode(_ mode: mode_t, of path: String) { #expect(unsafe chmod(path, mode) == 0) }

func makeDirectory(_ path: String, mode: mode_t = 0o700) {
    #expect(unsafe mkdir(path, mode) == 0)
    setMode(mode, of: path)
}

func makeFile(_ path: String, text: String = "precious") {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    unsafe #expect(write(file, text, text.utf8.count) == text.utf8.count)
    _ = close(file)
}

func contents(of path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { _ = close(file) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = unsafe read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}

/// A socket that a foreign program made, without our recipe.
struct ForeignSocket: ~Copyable {
    let descriptor: Int32

    init(_ type: __socket_type = SOCK_STREAM) {
        descriptor = socket(AF_UNIX, Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    /// Binds, and listens unless told otherwise.
    init(at address: PipeAddress, _ type: __socket_type = SOCK_STREAM, listening: Bool = true) {
        self.init(type)
        let name = SocketAddress(address)
        #expect(unsafe name.withUnsafePointer { unsafe bind(descriptor, $0, $1) } == 0)
        if listening { #expect(listen(descriptor, 16) == 0) }
    }

    /// Connects; 0 or the errno.
    func connect(to address: SocketAddress) -> Int32 {
        unsafe address.withUnsafePointer { unsafe Glibc.connect(descriptor, $0, $1) } == 0 ? 0 : errno
    }

    deinit { _ = close(descriptor) }
}

/// The result of a client's connect: 0 or the errno.
func connecting(to address: PipeAddress, _ type: __socket_type = SOCK_STREAM) -> Int32 {
    ForeignSocket(type).connect(to: SocketAddress(address))
}

/// Accepts a waiting client, and hangs up; false if none waits.
func acceptsClient(_ listener: Int32) -> Bool {
    let accepted = accept(listener, nil, nil)
    return accepted >= 0 && close(accepted) == 0
}

/// Leaves a socket file behind, as a killed server does.
func leaveStaleSocket(at address: PipeAddress, _ type: __socket_type = SOCK_STREAM) {
    _ = ForeignSocket(at: address, type, listening: false)
    waitUntilDead(address)
}

/// Waits for children of other tests that have a copy of the socket, between their fork and their exec.
func waitUntilDead(_ address: PipeAddress) {
    // A file is found whatever the type; abstract names of different types do not see each other.
    let type = address.kind == .file ? SOCK_DGRAM : SOCK_STREAM
    while connecting(to: address, type) != ECONNREFUSED { sched_yield() }
}

/// Another program, for what one process cannot do: be another user, or be killed.
struct Child {
    let process: pid_t

    /// - Parameter stream: becomes its standard input and output, if there is one.
    init(_ arguments: [String], stream: Int32? = nil) {
        var process: pid_t = 0
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        if let stream {
            for number in [STDIN_FILENO, STDOUT_FILENO] {
                unsafe posix_spawn_file_actions_adddup2(&actions, stream, number)
            }
        }
        var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        #expect(unsafe posix_spawn(&process, arguments[0], &actions, nil, &pointers, environ) == 0)
        self.process = process
    }

    /// Waits for the end; the exit code, or the negative number of the signal.
    @discardableResult
    func wait() -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) == -1 && errno == EINTR {}
        return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
    }

    @discardableResult
    static func run(_ arguments: String...) -> Int32 { Child(arguments).wait() }
}

/// A program of this package, which is built beside the tests.
func siblingProgram(_ name: String) -> String {
    var target = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &target, target.count)
    let own = String(decoding: target.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    return own.lastIndex(of: "/").map { "\(own[..<$0])/\(name)" } ?? name
}

/// The user that tests become, as root, to see what others see; nil if that is not possible here.
var strangerPrefix: [String]? {
    guard geteuid() == 0, unsafe access("/usr/bin/setpriv", X_OK) == 0 else { return nil }
    return ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
}

let python = "/usr/bin/python3"
var hasPython: Bool { unsafe access(python, X_OK) == 0 }

/// Threads that do the same work at the same time.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let threads = (0..<count).map { number in ThreadHandle { body(number) } }
    for thread in threads { thread.join() }
}

/// A thread of the system, not of Swift's pool, so that it may block.
final class ThreadHandle: Sendable {
    private let thread: pthread_t

    init(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Box(body))
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            }, box.toOpaque())
        #expect(result == 0)
        self.thread = thread
    }

    func join() { pthread_join(thread, nil) }

    /// The thread will not be joined.
    func detach() { pthread_detach(thread) }

    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}

/// Lets threads go on when all have arrived.
final class Barrier: Sendable {
    private let arrived = Atomic<Int>(0)
    private let parties: Int

    init(parties: Int) { self.parties = parties }

    func wait() {
        let ticket = arrived.add(1, ordering: .acquiringAndReleasing).oldValue
        let goal = (ticket / parties + 1) * parties
        while arrived.load(ordering: .acquiring) < goal { sched_yield() }
    }
}

/// Runs with a umask of this thread alone (`unshare(2)`, CLONE_FS), so that other tests keep theirs.
func withUmask(_ mask: mode_t, _ body: @escaping @Sendable () -> Void) {
    onThreads(1) { _ in
        typealias Unshare = @convention(c) (Int32) -> Int32
        let unshare = unsafe unsafeBitCast(dlsym(dlopen(nil, RTLD_NOW), "unshare"), to: Unshare.self)
        #expect(unshare(0x200) == 0)
        _ = umask(mask)
        body()
    }
}
