# SPDX-License-Identifier: Apache-2.0
"""The hostile suite: probes that attack a server of its own process, and the bystander who must not notice."""
