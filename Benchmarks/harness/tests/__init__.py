# SPDX-License-Identifier: Apache-2.0
"""Of the harness, what can be tested without a measurement, and that the load notices every wrong reply."""
