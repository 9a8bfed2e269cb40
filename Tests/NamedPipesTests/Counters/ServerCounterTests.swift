// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@Suite struct `The table of counters` {
    @Test func `has each count once, under its property's name`() {
        let properties = Mirror(reflecting: ServerCounts()).children.compactMap(\.label)
        #expect(ServerCounter.all.map(\.name).sorted() == properties.sorted())
        #expect(Set(ServerCounter.all.map(\.metric)).count == properties.count)
        // Each counter reads and writes the property that it is named after.
        for counter in ServerCounter.all {
            var counts = ServerCounts()
            counts[counter] = 7
            let changed = Mirror(reflecting: counts).children.filter { $0.value as? Int == 7 }
            #expect(changed.map(\.label) == [counter.name])
            #expect(counts[counter] == 7)
        }
    }

    @Test func `describes each in words that tell it from the others`() {
        #expect(ServerCounter.all.allSatisfy { !$0.meaning.isEmpty && !$0.heading.isEmpty })
        let shown = ServerCounter.all.map { "\($0.heading) \($0.unit) \($0.word)" }
        #expect(Set(shown).count == shown.count)
    }

    @Test func `puts counters of one heading next to each other`() {
        var headings = ServerCounter.all.map(\.heading)
        headings = headings.indices.filter { $0 == 0 || headings[$0] != headings[$0 - 1] }.map { headings[$0] }
        #expect(Set(headings).count == headings.count)
    }
}

@Suite struct `A change of statistics` {
    @Test func `is the new part, by reason too, and levels as they are`() {
        var old = PipeServer.Statistics()
        old.openCount = 4
        old.acceptedCount = 8
        old.closedCounts = [.closedByPeer: 3, .idle: 1]
        old.sentByteCount = 100
        old.droppedMessageCount = 1
        var new = old
        new.openCount = 2
        new.acceptedCount = 10
        new.closedCounts = [.closedByPeer: 5, .idle: 1, .framing: 2]
        new.refusedCounts = [.policy: 7]
        new.sentByteCount = 130
        new.droppedMessageCount = 3
        let change = new.change(since: old)
        #expect(change.acceptedCount == 2 && change.openCount == 2)
        #expect(change.closedCounts == [.closedByPeer: 2, .framing: 2])
        #expect(change.refusedCounts == [.policy: 7])
        #expect(change.sentByteCount == 30 && change.receivedByteCount == 0 && change.droppedMessageCount == 2)
    }

    @Test func `is nothing between equal ones`() {
        var numbers = PipeServer.Statistics()
        numbers.closedCounts = [.idle: 1]
        numbers.takenMessageCount = 5
        #expect(numbers.change(since: numbers) == PipeServer.Statistics())
    }
}
