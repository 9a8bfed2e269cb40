// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// How fast a recording is replayed: `1` as it was, `10` ten times as fast, `max` as fast as it is answered.
enum ReplayPace: ExpressibleByArgument, Hashable, Sendable {
    case times(Double)
    /// The next message of a connection goes when the answers that were recorded before it have come.
    case asAnswered

    init?(argument: String) {
        if argument == "max" {
            self = .asAnswered
        } else {
            guard let factor = Double(argument), factor > 0, factor.isFinite else { return nil }
            self = .times(factor)
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .times(let factor): factor == factor.rounded() ? String(Int64(factor)) : String(factor)
        case .asAnswered: "max"
        }
    }

    /// When something is due that was recorded at an offset; nil if no clock says so.
    func time(of offset: Int64) -> Duration? {
        switch self {
        // A hundred years are as good as for ever, and no overflow.
        case .times(let factor): .seconds(min(Double(offset) / 1e9 / factor, 3e9))
        case .asAnswered: nil
        }
    }
}
