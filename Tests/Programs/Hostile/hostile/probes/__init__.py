# SPDX-License-Identifier: Apache-2.0
"""The probes, each with the numbers of its scenarios."""
