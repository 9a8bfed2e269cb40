// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Ends and collects a program whose reactor has stopped, on a thread of its own.
enum ChildDisposal {
    static func end(_ processID: Int32, _ ending: ChildEnding) {
        do {
            try SystemThread.startDetached(named: "pipe child") { collect(processID, ending) }
        } catch {
            SpawnCalls.endNow(processID)
        }
    }

    private static func collect(_ processID: Int32, _ ending: ChildEnding) {
        do {
            try collect(processID, SpawnCalls.openDescriptor(of: processID), ending)
        } catch {
            SpawnCalls.endNow(processID)
        }
    }

    private static func collect(
        _ processID: Int32, _ process: consuming OwnedDescriptor, _ ending: ChildEnding
    ) throws(SystemError) {
        var ending = ending
        var step = ending.connectionDidEnd()
        if step == .nothing { step = ending.timeDidPass() }
        while SpawnCalls.collect(processID) == nil {
            switch step {
            case .wait(let time):
                SpawnCalls.waitForEnd(process, atMost: time)
            case .terminate(let time):
                SpawnCalls.terminate(processID)
                SpawnCalls.waitForEnd(process, atMost: time)
            case .kill, .nothing:
                SpawnCalls.kill(processID)
                SpawnCalls.waitForEnd(process, atMost: .seconds(60))
            }
            step = ending.timeDidPass()
        }
    }
}
