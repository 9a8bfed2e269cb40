// SPDX-License-Identifier: Apache-2.0

/// When the messages of a load are due.
enum Pace: Equatable {
    /// The next message of a connection is due when one of its messages has been answered: this many are on their way
    /// on each connection. A server that slows down slows the load down with it.
    case closed(inFlight: Int)

    /// Messages are due at a rate, whatever the server does; they are dealt to the connections in turn. The latency of
    /// a message counts from the time at which it was due, so that it includes the time for which it had to wait to be
    /// sent. Otherwise a server that stops would hide the messages that were not sent meanwhile ("coordinated
    /// omission").
    case open(messagesPerSecond: Double)
}

/// The times of a load with a rate, in nanoseconds from its beginning.
struct Timetable {
    private let interval: Double

    init(messagesPerSecond: Double) { interval = 1e9 / messagesPerSecond }

    /// When a message is due; the first one, 0, at once.
    func dueTime(of message: Int) -> Int { Int(Double(message) * interval) }

    /// How many messages are due by a time.
    func dueCount(at time: Int) -> Int {
        guard time >= 0 else { return 0 }
        var count = Int(Double(time) / interval) + 1
        // The division may have been rounded to the wrong side of a whole number.
        while dueTime(of: count) <= time { count += 1 }
        while count > 0, dueTime(of: count - 1) > time { count -= 1 }
        return count
    }
}
