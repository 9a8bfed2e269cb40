// SPDX-License-Identifier: Apache-2.0
// What users get for their tests, our own have as well.
@_exported public import NamedPipesTesting
