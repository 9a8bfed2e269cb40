// SPDX-License-Identifier: Apache-2.0

extension PipeAddress {
    /// A socket file in the runtime directory: the usual choice.
    ///
    /// The runtime directory is the first of these that applies. Server and client must agree on it, so they run as the
    /// same user or are given the path in another way.
    ///
    /// 1. For root: `/run`.
    /// 2. The directory in the environment variable `XDG_RUNTIME_DIR`, if it is set to an absolute path. The XDG Base
    ///    Directory specification promises that it belongs to the user and that no one else may enter it.
    /// 3. `/run/user/UID`, if it exists: where that directory is on Linux, for programs without a login's environment.
    /// 4. Where there is none, as in a container or under cron: `named-pipes-UID` in `TMPDIR`, by default `/tmp`. This
    ///    call makes that directory, for its user alone (mode 0700), and refuses one that belongs to another user.
    ///
    /// - Parameter name: a file name; no slash, not `.` or `..`. The whole path has at most 107 bytes.
    /// - Throws: ``PipeError/invalidAddress(_:)``, or ``PipeError/unusableLocation(path:_:)`` for the fourth directory.
    public static func runtime(_ name: String) throws(PipeError) -> PipeAddress {
        try runtime(name, in: .current)
    }

    /// The socket file that .NET's `NamedPipeServerStream` and `NamedPipeClientStream` use for a pipe name.
    ///
    /// It is `CoreFxPipe_NAME` in the directory of the environment variable `TMPDIR`, by default `/tmp`; if the name is
    /// an absolute path, it is used unchanged. The server should restrict who may connect, and the client should check
    /// the server: in `/tmp` any user may take the name.
    ///
    /// - Parameter pipeName: a file name or an absolute path. .NET reserves `anonymous`, in upper and lower case.
    /// - Throws: ``PipeError/invalidAddress(_:)``.
    public static func dotNet(_ pipeName: String) throws(PipeError) -> PipeAddress {
        try dotNet(pipeName, in: .current)
    }

    /// A fresh, unused name, for a server whose clients are told the address, such as its child processes.
    ///
    /// The name has 128 random bits. It is in the runtime directory, or in the private directory if the former does not
    /// exist; see ``runtime(_:)``.
    ///
    /// - Parameter prefix: the beginning of the name, for people who look at the directory. The default is `pipe`.
    /// - Throws: ``PipeError/invalidAddress(_:)``, or ``PipeError/unusableLocation(path:_:)`` for the directory.
    public static func unique(prefix: String = "pipe") throws(PipeError) -> PipeAddress {
        try unique(prefix: prefix, in: .current)
    }

    /// Whether this names a socket directly in the user's runtime or private directory, however the address was made.
    var isInRuntimeDirectory: Bool { isInRuntimeDirectory(of: .current) }

    func isInRuntimeDirectory(of environment: AddressEnvironment) -> Bool {
        guard let directory = fileLocation?.directory else { return false }
        return directory == environment.runtimeDirectory ?? environment.privateDirectory
    }

    static func runtime(_ name: String, in environment: AddressEnvironment) throws(PipeError) -> PipeAddress {
        try checkName(name)
        let directory =
            if let runtime = environment.runtimeDirectory { runtime } else {
                try privateDirectory(in: environment)
            }
        return try file("\(directory)/\(name)")
    }

    static func dotNet(_ pipeName: String, in environment: AddressEnvironment) throws(PipeError) -> PipeAddress {
        if pipeName.utf8.first == UInt8(ascii: "/") { return try file(pipeName) }
        try checkName(pipeName)
        guard pipeName.lowercased() != "anonymous" else { throw .invalidAddress(.notAName(pipeName)) }
        return try file("\(environment.temporaryDirectory)/CoreFxPipe_\(pipeName)")
    }

    static func unique(prefix: String, in environment: AddressEnvironment) throws(PipeError) -> PipeAddress {
        try checkName(prefix)
        let directory =
            if let runtime = environment.existingRuntimeDirectory { runtime } else {
                try privateDirectory(in: environment)
            }
        let suffix = hexadecimal(.random(in: .min ... .max)) + hexadecimal(.random(in: .min ... .max))
        return try file("\(directory)/\(prefix)-\(suffix)", isGenerated: true)
    }

    private static func privateDirectory(in environment: AddressEnvironment) throws(PipeError) -> String {
        let path = environment.privateDirectory
        try Directory.make(path, mode: 0o700)
        _ = try Directory.open(path)
        return path
    }

    private static func checkName(_ name: String) throws(PipeError) {
        guard !name.isEmpty else { throw .invalidAddress(.empty) }
        guard !name.utf8.contains(UInt8(ascii: "/")), name != ".", name != ".." else {
            throw .invalidAddress(.notAName(name))
        }
    }
}

/// A number as 16 hexadecimal digits.
func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}
