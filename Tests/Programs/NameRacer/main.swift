// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

// Tries to take a name each time it is told to, for tests in which processes race.
//
//     NameRacer PATH
//
// Of the bytes of its standard input, every first one is an order to try. The answer is 1 (it has the name), 0 (another
// process has it) or e (any other error). Every second one is an order to give the name up, if it has it; the answer is
// a dot.

final class Silent: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
}

func nextByte() -> Bool {
    var byte: UInt8 = 0
    return unsafe read(STDIN_FILENO, &byte, 1) == 1
}

func answer(_ letter: Character) {
    var byte = letter.asciiValue ?? 0
    _ = unsafe write(STDOUT_FILENO, &byte, 1)
}

let reactor = try Reactor()
let address = try PipeAddress.path(CommandLine.arguments[1])
while nextByte() {
    var server: PipeServer?
    do {
        server = try PipeServer(listeningOn: address, reactor: reactor, delegate: Silent())
        answer("1")
    } catch PipeError.addressInUse(_, _) {
        answer("0")
    } catch {
        answer("e")
    }
    guard nextByte() else { break }
    server?.stop()
    if let server { reactor.run { server.isStopped } }
    answer(".")
}
