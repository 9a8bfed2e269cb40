# SPDX-License-Identifier: Apache-2.0
"""Other servers, under the same attacks."""
