# SPDX-License-Identifier: Apache-2.0
"""What measures the echo servers against each other. `Benchmarks/bench --help` shows what it can do."""
