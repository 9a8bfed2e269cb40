// SPDX-License-Identifier: Apache-2.0

// Deprecated former names. The guide "Moving to the new names" lists all of them in a table.

extension PipeConnection.SendVerdict {
    /// The former name of ``acceptedByDisplacing(messageCount:)``. It makes and compares verdicts; a pattern in a
    /// `switch` needs the new name.
    ///
    /// - Parameter messageCount: how many messages were displaced.
    /// - Returns: the verdict under its new name.
    @available(*, deprecated, renamed: "acceptedByDisplacing(messageCount:)")
    public static func acceptedByDropping(messageCount: Int) -> Self {
        .acceptedByDisplacing(messageCount: messageCount)
    }
}
