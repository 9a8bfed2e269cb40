# SPDX-License-Identifier: Apache-2.0
"""Compares the echo servers. `Benchmarks/bench --help` shows the commands."""
