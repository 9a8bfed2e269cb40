// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// How much an object keeps: the number of elements in all collections that can be reached from it, found by
/// reflection.
///
/// Elements are counted, rather than bytes or time measured, so that the same program always gives the same number.
/// Texts and byte arrays count as one element each; objects of NamedPipes, and objects that only a closure holds, are
/// not examined.
struct KeptElements {
    private var seen: Set<ObjectIdentifier> = []
    private var count = 0
    private var valueCount = 0

    /// The size at which the search of a large object graph stops: growth is evident by then.
    private static let largestValueCount = 200_000
    private static let largestDepth = 20

    static func count(in object: AnyObject?) -> Int {
        guard let object else { return 0 }
        var kept = KeptElements()
        kept.visit(object, depth: 0)
        return kept.count
    }

    private mutating func visit(_ value: Any, depth: Int) {
        valueCount += 1
        guard valueCount < Self.largestValueCount, depth < Self.largestDepth, !Self.isLeaf(value) else { return }
        var mirror: Mirror? = Mirror(reflecting: value)
        if mirror?.displayStyle == .class, !seen.insert(ObjectIdentifier(value as AnyObject)).inserted { return }
        while let present = mirror {
            switch present.displayStyle {
            case .collection, .set, .dictionary: count += present.children.count
            default: break
            }
            for child in present.children { visit(child.value, depth: depth + 1) }
            mirror = present.superclassMirror
        }
    }

    private static func isLeaf(_ value: Any) -> Bool {
        switch value {
        case is String, is Substring, is [UInt8], is ArraySlice<UInt8>, is PipeMessage: true
        case is PipeServer, is PipeClient, is PipeConnection, is AsyncPipeConnection, is Reactor, is ReactorExecutor,
            is MemoryNetwork, is ScheduledWork:
            true
        default: false
        }
    }
}
