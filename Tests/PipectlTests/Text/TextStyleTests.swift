// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct TextStyleTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test(
        arguments: [
            (true, "xterm", nil, true), (true, "xterm", "", true), (true, "xterm", "0", false),
            (true, "dumb", nil, false),
            (true, "", nil, false), (true, nil, nil, false), (false, "xterm", nil, false),
        ] as [(Bool, String?, String?, Bool)])
    func `has colours on a terminal that shows them, unless NO_COLOR has a value`(
        isTerminal: Bool, type: String?, noColour: String?, hasColours: Bool
    ) {
        let style = TextStyle(isTerminal: isTerminal, type: type, noColour: noColour)
        #expect(style.paint("no", .bad) == (hasColours ? "\u{1B}[31mno\u{1B}[0m" : "no"))
        #expect(style.paint("", .bad) == "")
    }

    @Test func `only adds colours to what a command says`() throws {
        var texts: [String] = []
        for environment in [[:], ["NO_COLOR": "1"], ["TERM": "dumb"]] {
            let tool = try TerminalTool(reactor, ["doctor", name], environment: environment)
            #expect(tool.waitForExit() == .exited(1))
            #expect(tool.isAsFound)
            texts.append(tool.text)
        }
        #expect(texts[0].contains("\u{1B}[31mFAIL\u{1B}[0m") && texts[0].contains("\u{1B}[31mpipectl:\u{1B}[0m "))
        #expect(texts[0].filter { $0 != "\u{1B}" } != texts[0])
        let bare = texts[0].replacing(#/\u{1B}\[[0-9]*m/#, with: "")
        #expect(texts[1] == bare && texts[2] == bare)
    }
}
