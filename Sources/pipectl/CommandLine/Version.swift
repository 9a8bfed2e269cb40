// SPDX-License-Identifier: Apache-2.0

/// The version of this package: of `pipectl` and of the libraries beside it.
enum Version {
    /// The next release's number, with `-dev` until it is released; see CHANGELOG.md.
    static let current = "0.1.0-dev"
}
