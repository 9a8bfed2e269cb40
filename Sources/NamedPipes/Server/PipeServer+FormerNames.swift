// SPDX-License-Identifier: Apache-2.0

// Deprecated former names. The guide "Moving to the new names" lists all of them in a table.

extension PipeServer {
    /// The former name of ``stop(gracePeriod:)``.
    ///
    /// - Parameter grace: how long that may take.
    @available(*, deprecated, renamed: "stop(gracePeriod:)")
    public func stop(drainingFor grace: Duration) { stop(gracePeriod: grace) }
}
