// SPDX-License-Identifier: Apache-2.0

/// An error that may mean that an address was written wrongly, of whichever module: programs have an exit status for
/// that.
package protocol PossibleWrongAddress: Error {
    /// Whether a text that a person gave is not an address.
    var isWrongAddress: Bool { get }
}

extension PipeError: PossibleWrongAddress {
    package var isWrongAddress: Bool { if case .invalidAddress = self { true } else { false } }
}
