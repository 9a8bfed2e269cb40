# SPDX-License-Identifier: Apache-2.0
"""The hostile suite: probes that attack a server in a process of its own, and the bystander that must not notice."""
