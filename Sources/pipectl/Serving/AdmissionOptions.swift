// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes

/// The users that may connect to a server.
struct AdmissionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The permissions of the socket file, in octal. (default: 0600; 0660 with --group, 0666 with --allow)",
            valueName: "mode"))
    var mode: FileMode?

    @Option(
        help: ArgumentHelp(
            "The group of the socket file, by name or number. Its members are admitted.", valueName: "group"))
    var group: GroupID?

    @Option(
        help: ArgumentHelp(
            """
            Admit a user, by name or number, a group ('@GROUP'), or 'any' user, besides this user and root; any \
            number of times.
            """, valueName: "user"))
    var allow: [AdmittedPeers] = []

    /// Whether an option was given.
    var isGiven: Bool { isAboutFile || !allow.isEmpty }

    /// Whether an option was given that is about the socket's file.
    private var isAboutFile: Bool { mode != nil || group != nil }

    /// Refuses what has no effect at this place.
    func check(_ destination: Destination?, isInherited: Bool) throws {
        guard isGiven else { return }
        if isInherited, isAboutFile {
            throw ValidationError("the service manager decides on an inherited socket's --mode and --group")
        }
        switch destination {
        case .broker: throw ValidationError("the broker's permissions decide who may connect to a name there")
        case .local(let address) where address.kind == .abstract && isAboutFile:
            throw ValidationError("an abstract name has no file, thus neither --mode nor --group; --allow admits users")
        case .local(let address) where address.kind == .fifo && !allow.isEmpty:
            throw ValidationError("the writers of a FIFO are unknown: --mode and --group decide, not --allow")
        case .local, nil: break
        }
    }

    /// Sets permissions and policy. Without options, both keep their defaults.
    func apply(to configuration: inout PipeServer.Configuration) {
        guard isGiven else { return }
        // The policy decides who of those that the file lets through is admitted.
        let usual: UInt16 = group != nil ? 0o660 : allow.isEmpty ? 0o600 : 0o666
        configuration.permissions = .mode(mode?.bits ?? usual, group: group?.number)
        var policies = [AccessPolicy.ownUserOrRoot] + allow.map(\.policy)
        if let group { policies.append(.groups([group.number])) }
        configuration.accessPolicy = policies.count == 1 ? policies[0] : .any(of: policies)
    }
}

/// Permission bits as chmod(1) takes them: `0660`.
struct FileMode: ExpressibleByArgument, Hashable {
    let bits: UInt16

    init?(argument: String) {
        guard (1...4).contains(argument.utf8.count), let bits = UInt16(argument, radix: 8), bits <= 0o777 else {
            return nil
        }
        self.bits = bits
    }
}

/// A user by name or number.
struct UserID: ExpressibleByArgument, Hashable {
    let number: UInt32

    init?(argument: String) {
        guard let number = UInt32(argument) ?? UserDatabase.userID(argument) else { return nil }
        self.number = number
    }
}

/// A group by name or number.
struct GroupID: ExpressibleByArgument, Hashable {
    let number: UInt32

    init?(argument: String) {
        guard let number = UInt32(argument) ?? UserDatabase.groupID(argument) else { return nil }
        self.number = number
    }
}

/// Peers to admit: `alice`, `1000`, `@staff`, `any`.
struct AdmittedPeers: ExpressibleByArgument, Hashable {
    let policy: AccessPolicy

    init?(argument: String) {
        if argument == "any" {
            policy = .anyUser
        } else if argument.hasPrefix("@") {
            guard let group = GroupID(argument: String(argument.dropFirst())) else { return nil }
            policy = .groups([group.number])
        } else {
            guard let user = UserID(argument: argument) else { return nil }
            policy = .users([user.number])
        }
    }
}
