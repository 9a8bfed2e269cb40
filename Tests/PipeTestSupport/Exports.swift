// SPDX-License-Identifier: Apache-2.0
// Our own tests have everything that users get for theirs.
@_exported public import NamedPipesTesting
