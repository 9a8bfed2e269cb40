// SPDX-License-Identifier: Apache-2.0

/// The record of a lock's holder in the lock's file: a line with its process ID, a line that distinguishes this process
/// from every other, and, once it has the name, a line with its socket's device and inode.
///
/// It is for diagnosis, and for a successor, which has to recognise its predecessor's socket. The right to the name is
/// the lock itself. Earlier versions wrote the first line only.
struct LockRecord: Equatable {
    /// The holder's process ID in its own PID namespace.
    var processID: Int32?
    /// The holder; nil if it cannot be identified with certainty.
    var process: ProcessMark?
    /// The holder's socket; nil before it has the name.
    var socket: FileIdentity?

    /// The maximum size of a record in bytes.
    static let byteLimit = 256

    /// The record of this process.
    static func own(_ socket: FileIdentity?) -> LockRecord {
        LockRecord(processID: CurrentProcess.processID, process: .own, socket: socket)
    }

    /// The holder's process ID, if the holder still runs and the ID means it here.
    var runningProcessID: Int32? { process.flatMap { $0.isRunning ? $0.processID : nil } }

    /// Whether the holder may have a socket that it does not record.
    var isSilentAboutSocket: Bool { processID != nil && process == nil }

    var text: String {
        var text = processID.map { "\($0)\n" } ?? ""
        guard let process else { return text }
        text += "\(process.startTime) \(process.namespace) \(process.boot)\n"
        if let socket { text += "\(socket.device) \(socket.inode)\n" }
        return text
    }
}

extension LockRecord {
    /// Parses a file's content. A line without its end was cut short and is not what its writer meant.
    init(parsing bytes: [UInt8]) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast().map {
            $0.words()
        }
        guard let first = lines.first, first.count == 1, let number = Int32(first[0]), number > 0 else { return }
        processID = number
        guard lines.count > 1, lines[1].count == 3 else { return }
        guard let startTime = UInt64(lines[1][0]), let namespace = UInt64(lines[1][1]) else { return }
        process = ProcessMark(processID: number, startTime: startTime, namespace: namespace, boot: lines[1][2])
        guard lines.count > 2, lines[2].count == 2 else { return }
        guard let device = UInt64(lines[2][0]), let inode = UInt64(lines[2][1]) else { return }
        socket = FileIdentity(device: device, inode: inode)
    }
}
