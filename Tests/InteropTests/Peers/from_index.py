# SPDX-License-Identifier: Apache-2.0
"""Makes the modules importable that `.ci/install-peers` has installed beside the build."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../.build/peers"))
