# SPDX-License-Identifier: Apache-2.0
"""Tests of the harness that need no measurement, and of the load: it detects every wrong reply."""
