// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Makes the kernel fail a system call of this thread with a chosen errno, for good (`seccomp(2)`). Only for a test
/// that has its process, or its thread, for itself.
enum SystemCallFilter {
    enum Call {
        case accept4
        case socket
        /// `epoll_ctl` with `EPOLL_CTL_ADD`, for descriptors from this one on.
        case epollAdd(from: Int32)
        /// `epoll_ctl` with `EPOLL_CTL_MOD`.
        case epollModify
        /// The calls that read a socket: `recvfrom` (recv), `recvmsg`, `readv`. The loop's own `read` goes on.
        case read
        /// The calls that write a socket: `sendto` (send), `sendmsg`, `writev`.
        case write
        /// `fchown`.
        case changeOwner
        /// The calls that let a thread wait for an event or a time: `poll`, `select`, `epoll_wait`, `nanosleep` and
        /// their variants.
        case wait

        fileprivate var numbers: [UInt32] {
            #if arch(x86_64)
            switch self {
            case .accept4: [288]
            case .socket: [41]
            case .epollAdd, .epollModify: [233]
            case .read: [45, 47, 19]
            case .write: [44, 46, 20]
            case .changeOwner: [93]
            case .wait: [7, 271, 23, 270, 232, 281, 35, 230]
            }
            #else
            switch self {
            case .accept4: [242]
            case .socket: [198]
            case .epollAdd, .epollModify: [21]
            case .read: [207, 212, 65]
            case .write: [206, 211, 66]
            case .changeOwner: [55]
            case .wait: [73, 72, 22, 101, 115]
            }
            #endif
        }
    }

    // struct sock_filter and struct sock_fprog of <linux/filter.h>.
    private struct Instruction {
        var code: UInt16
        var ifTrue: UInt8 = 0
        var ifFalse: UInt8 = 0
        var operand: UInt32
    }

    @safe private struct Program {
        var count: UInt16
        var instructions: UnsafePointer<Instruction>
    }

    private static let load: UInt16 = 0x20
    private static let jumpIfEqual: UInt16 = 0x15
    private static let jumpIfNotLess: UInt16 = 0x35
    private static let answer: UInt16 = 0x06

    /// Fails the call from now on. False where the kernel takes no filters.
    static func fail(_ call: Call, with code: Int32) -> Bool { filter(call, 0x0005_0000 | UInt32(code)) }

    /// Ends the process with SIGSYS at the call from now on. False where the kernel takes no filters.
    static func endProcess(at call: Call) -> Bool { filter(call, 0x8000_0000) }

    private static func filter(_ call: Call, _ action: UInt32) -> Bool {
        let allow = Instruction(code: answer, operand: 0x7fff_0000)
        let refuse = Instruction(code: answer, operand: action)
        // struct seccomp_data: the number at 0, then the arguments, 8 bytes each from 16 on, here little-endian.
        var program = [Instruction(code: load, operand: 0)]
        switch call {
        case .accept4, .socket, .changeOwner, .read, .write, .wait:
            for number in call.numbers {
                program += [Instruction(code: jumpIfEqual, ifFalse: 1, operand: number), refuse]
            }
            program.append(allow)
        case .epollModify:
            program += [
                Instruction(code: jumpIfEqual, ifFalse: 3, operand: call.numbers[0]),
                Instruction(code: load, operand: 24),
                Instruction(code: jumpIfEqual, ifFalse: 1, operand: 3),
                refuse, allow,
            ]
        case .epollAdd(let first):
            program += [
                Instruction(code: jumpIfEqual, ifFalse: 5, operand: call.numbers[0]),
                Instruction(code: load, operand: 24),
                Instruction(code: jumpIfEqual, ifFalse: 3, operand: 1),
                Instruction(code: load, operand: 32),
                Instruction(code: jumpIfNotLess, ifFalse: 1, operand: UInt32(first)),
                refuse, allow,
            ]
        }
        return unsafe program.withUnsafeBufferPointer { instructions in
            guard let first = instructions.baseAddress else { return false }
            var filter = unsafe Program(count: UInt16(instructions.count), instructions: first)
            typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
            let prctl = unsafe unsafeBitCast(dlsym(dlopen(nil, RTLD_NOW), "prctl"), to: Prctl.self)
            return unsafe withUnsafePointer(to: &filter) { pointer in
                // PR_SET_NO_NEW_PRIVS, then PR_SET_SECCOMP with SECCOMP_MODE_FILTER.
                prctl(38, 1, 0, 0, 0) == 0 && prctl(22, 2, UInt(bitPattern: pointer), 0, 0) == 0
            }
        }
    }
}
