# SPDX-License-Identifier: Apache-2.0
"""The pictures of a report, with matplotlib: `python3 -m harness.drawing RESULTS DIRECTORY`. Each is drawn twice, for
light and for dark pages."""
