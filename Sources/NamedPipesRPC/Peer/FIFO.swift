// SPDX-License-Identifier: Apache-2.0

/// A queue with constant-time operations at both ends, whatever its length. Elements have indices, so that one can be
/// changed in place.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var takenCount = 0

    var count: Int { elements.count - takenCount }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : self[0] }

    /// - Parameter index: counted from the first, 0 to ``count`` - 1.
    subscript(index: Int) -> Element {
        get { elements[takenCount + index].present }
        set { elements[takenCount + index] = newValue }
    }

    /// Removes the elements that satisfy a predicate, wherever they are, in time proportional to the number of
    /// elements.
    mutating func removeAll(where isDead: (Element) -> Bool) {
        elements = elements[takenCount...].filter { !isDead($0.present) }
        takenCount = 0
    }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() -> Element? {
        guard !isEmpty else { return nil }
        let first = elements[takenCount].take()
        takenCount += 1
        if takenCount == elements.count {
            self = FIFO()
        } else if takenCount >= 32, takenCount > elements.count / 2 {
            elements.removeSubrange(..<takenCount)
            takenCount = 0
        }
        return first
    }
}

extension Optional {
    fileprivate var present: Wrapped {
        guard let self else { preconditionFailure("an element that was taken") }
        return self
    }
}
