// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

// Tries to take a name whenever it is told to, for tests in which processes race.
//
//     NameRacer PATH
//
// For each byte of its standard input: the first tries, and is answered with 1 (it has the name), 0 (another one has
// it) or e (something else went wrong); the second gives the name up, if it is had, and is answered with a dot.

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
