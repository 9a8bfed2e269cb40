// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc
package import NamedPipes

/// A program to be started. It inherits signal dispositions and resource limits from our parent, rather than those that
/// we have set. No signal is blocked in it. It has its own process group, so that the processes that it starts can be
/// ended with it.
///
/// Descriptors other than 0, 1 and 2 are closed in it.
package struct ChildProgram: Sendable {
    /// Its absolute path.
    package var path: String

    /// Its arguments, its own name first.
    package var arguments: [[UInt8]]

    /// Its variables, each `NAME=VALUE`. The default is our environment without the variables that a service manager
    /// meant for us: see ``inheritedEnvironment``.
    package var environment: [[UInt8]] = inheritedEnvironment

    /// The signal that the kernel sends it when the thread that started it ends, however that ends (`PR_SET_PDEATHSIG`,
    /// prctl(2)). The default is nil: none.
    package var parentDeathSignal: Int32?

    /// - Parameters:
    ///   - path: its absolute path.
    ///   - arguments: its arguments, its own name first.
    package init(path: String, arguments: [[UInt8]]) {
        self.path = path
        self.arguments = arguments
    }

    /// A command of the shell, as popen(3) and system(3) run it: /bin/sh, whatever `PATH` says.
    ///
    /// - Parameter command: the bytes of the command.
    package static func shell(_ command: [UInt8]) -> ChildProgram {
        ChildProgram(path: "/bin/sh", arguments: [Array("sh".utf8), Array("-c".utf8), command])
    }

    /// Sets a variable of its environment, or removes it if the value is nil.
    package mutating func set(_ name: String, to value: String?) {
        environment.removeAll { $0.starts(with: Array("\(name)=".utf8)) }
        if let value { environment.append(Array("\(name)=\(value)".utf8)) }
    }

    /// Starts it.
    ///
    /// - Parameters: the descriptors that become its descriptors 0, 1 and 2.
    /// - Returns: its process ID, which is also the ID of its process group. The caller has to wait for it
    ///   (waitpid(2)).
    /// - Throws: the error that prevented it, such as `EAGAIN`, or `ENOENT` of execve(2).
    package func start(
        input: Int32, output: Int32, error: Int32 = 2
    ) throws(SystemError) -> Int32 {
        let inherited = Inheritance.atStart
        let ignored = (0..<Int32(program_signal_count)).map {
            inherited.ignoredSignals.contains($0) ? 1 : 0 as UInt8
        }
        let process = unsafe path.withCString { path in
            unsafe withCStrings(arguments) { arguments in
                unsafe withCStrings(environment) { environment in
                    unsafe inherited.limits.withUnsafeBufferPointer { limits in
                        unsafe ignored.withUnsafeBufferPointer { ignored in
                            var child = unsafe program_child(
                                path: path, arguments: arguments, environment: environment, input: input,
                                output: output, error: error, limits: limits.baseAddress,
                                ignored: ignored.baseAddress, parent_death_signal: parentDeathSignal ?? 0)
                            return unsafe program_spawn(&child)
                        }
                    }
                }
            }
        }
        guard process > 0 else { throw SystemError(call: path, code: -process) }
        return process
    }
}

/// Calls a function with texts in C's form: an array of pointers that ends with a null.
private func withCStrings<Result>(
    _ texts: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
    for (index, text) in texts.enumerated() {
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
        unsafe copy.initialize(from: text.map(CChar.init(bitPattern:)) + [0], count: text.count + 1)
        unsafe (pointers + index).initialize(to: copy)
    }
    unsafe (pointers + texts.count).initialize(to: nil)
    defer {
        for index in texts.indices { unsafe pointers[index]?.deallocate() }
        unsafe pointers.deallocate()
    }
    return unsafe body(pointers)
}
