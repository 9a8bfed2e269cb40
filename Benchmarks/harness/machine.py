# SPDX-License-Identifier: Apache-2.0
"""The machine of a measurement."""

import os
import platform
import subprocess
from pathlib import Path


def first_line(*command: str) -> str | None:
    """The version that a program reports, if it is installed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    said = (done.stdout or done.stderr).strip()
    return said.splitlines()[0] if said else None


def field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def system() -> str:
    release = Path("/etc/os-release")
    for line in release.read_text().splitlines() if release.exists() else []:
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def versions() -> dict[str, str]:
    asked = {
        "swift": first_line("swift", "--version"),
        "clang": first_line("clang", "--version"),
        "libevent": first_line("pkg-config", "--modversion", "libevent_core"),
        "libuv": first_line("pkg-config", "--modversion", "libuv"),
        "go": first_line("go", "version"),
        "node": first_line("node", "--version"),
        "java": first_line("java", "--version"),
        "python": platform.python_version(),
    }
    return {name: version for name, version in asked.items() if version}


def describe() -> dict[str, object]:
    return {
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in field("/proc/cpuinfo", "flags").split(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "system": system(),
        "versions": versions(),
    }
