// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `The events that a connection watches` {
    /// A watched output, of which the kernel takes no more.
    private var blocked: ConnectionInterest {
        var interest = ConnectionInterest.onlyInput
        interest.outputDidBlock()
        interest.watchOutput()
        return interest
    }

    @Test func `begins as nothing`() {
        let interest = ConnectionInterest()
        #expect(!interest.watchesInput && !interest.watchesOutput && !interest.awaitsWritability)
        #expect(!interest.isInputReady && !interest.isPeerFinishing)
    }

    @Test func `adds and removes the input, and keeps what was reported of it`() {
        var interest = ConnectionInterest()
        interest.watchInput()
        #expect(interest == .onlyInput)
        interest.inputDidArrive(finishing: true)
        interest.ignoreInput()
        #expect(!interest.watchesInput && interest.isInputReady && interest.isPeerFinishing)
        interest.awaitInput()
        #expect(!interest.isInputReady && interest.isPeerFinishing)
        interest.inputDidEnd()
        #expect(interest == ConnectionInterest())
    }

    @Test func `include the output from the first write that the kernel did not take as a whole`() {
        var interest = ConnectionInterest.onlyInput
        interest.outputDidBlock()
        #expect(!interest.watchesOutput)
        interest.watchOutput()
        interest.watchOutput()
        #expect(interest.awaitsWritability && interest.watchesOutput && interest.watchesInput)
    }

    @Test func `and exclude it once nothing waits, whether the event has come or not`() {
        for comes in [true, false] {
            var interest = blocked
            if comes { interest.outputIsWritable() }
            let goes = interest.queueIsEmpty(keepsWatching: false)
            #expect(goes && interest == .onlyInput)
        }
    }

    @Test func `keep the output behind the end of the input, where only the hang-up can follow`() {
        var interest = blocked
        interest.watchForHangUp()
        #expect(!interest.watchesInput && interest.watchesOutput)
        let goes = interest.queueIsEmpty(keepsWatching: true)
        #expect(!goes && interest.watchesOutput && !interest.awaitsWritability)
    }

    @Test func `wait for nothing at an output that has failed`() {
        var interest = blocked
        interest.outputDidFail()
        #expect(interest == .onlyInput)
    }

    @Test func `are registered once, and never for an output that takes everything`() async {
        await #expect(processExitsWith: .failure) {
            var interest = ConnectionInterest.onlyInput
            interest.watchInput()
        }
        await #expect(processExitsWith: .failure) {
            var interest = ConnectionInterest()
            interest.ignoreInput()
        }
        await #expect(processExitsWith: .failure) {
            var interest = ConnectionInterest()
            interest.watchOutput()
        }
    }
}
