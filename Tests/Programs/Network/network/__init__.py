# SPDX-License-Identifier: Apache-2.0
"""Tests of NamedPipesNATS between hosts, and over connections that are slow, stall and break."""
