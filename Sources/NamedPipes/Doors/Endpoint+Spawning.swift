// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Starts a program and makes the connection to it.

extension Endpoint {
    func spawn(_ command: PipeCommand) throws(SystemError) -> PipeConnection {
        switch command.channel {
        case .socket: try spawnWithSocket(command)
        case .standardStreams: try spawnWithStandardStreams(command)
        }
    }

    private func spawnWithSocket(_ command: PipeCommand) throws(SystemError) -> PipeConnection {
        let ends = try SpawnChannel.sockets(mayHoldDescriptors: letsDescriptorsThrough)
        if !letsDescriptorsThrough { _ = try NamingSocket.refuseDescriptors(ends.ours) }
        try Socket.setSendBuffer(ends.ours.rawValue, configuration.sendBufferByteCount)
        let theirs = try SharedDescription.duplicate(ends.theirs.rawValue, from: PipeCommand.descriptor + 1)
        let low = try SharedDescription.nothing()
        let nothing = try SharedDescription.duplicate(low.rawValue, from: PipeCommand.descriptor + 1)
        let child = try start(command, [(nothing.rawValue, 0), (theirs.rawValue, PipeCommand.descriptor)])
        _ = consume low
        _ = consume nothing
        _ = consume theirs
        return connect(child, ByteStream(ends.takeOurs(), child.peer))
    }

    private func spawnWithStandardStreams(_ command: PipeCommand) throws(SystemError) -> PipeConnection {
        let toChild = try SpawnChannel.pipe()
        let fromChild = try SpawnChannel.pipe()
        let input = try SharedDescription.duplicate(toChild.reading.rawValue, from: 3)
        let output = try SharedDescription.duplicate(fromChild.writing.rawValue, from: 3)
        let child = try start(command, [(input.rawValue, 0), (output.rawValue, 1)])
        _ = consume input
        _ = consume output
        let streams = try TwoDescriptors(reading: fromChild.takeReading(), writing: toChild.takeWriting())
        return connect(child, ByteStream(DescriptorPair(streams, namesPeer: false), child.peer))
    }

    private func start(
        _ command: PipeCommand, _ descriptors: [(ours: Int32, theirs: Int32)]
    ) throws(SystemError) -> ConnectedChild {
        let environment = command.resolvedEnvironment(SpawnCalls.environment)
        let processID = try SpawnCalls.spawn(command.arguments, environment, in: command.directory, descriptors)
        do {
            return try ConnectedChild(processID, SpawnCalls.openDescriptor(of: processID), command, reactor)
        } catch {
            // No descriptor is free, or epoll has no room.
            SpawnCalls.endNow(processID)
            throw error
        }
    }

    private func connect(_ child: ConnectedChild, _ stream: consuming ByteStream) -> PipeConnection {
        let connection = PipeConnection(self, stream)
        connection.rare.child = child
        child.connection = connection
        return connection
    }
}
