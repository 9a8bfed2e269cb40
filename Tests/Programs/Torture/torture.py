#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the driver again and again while system calls fail, and judges each run. See README.md beside this file."""
import argparse
import concurrent.futures
import contextlib
import dataclasses
import errno
import itertools
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

from calls import unknown_calls
from errnos import ERRNOS, is_harmless

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
PATIENCE = 120  # seconds; the driver itself gives up sooner and says where it hangs

# Where the server's name is and what is there before, or what else happens (Driver/Course.swift).
SCENARIOS = ("fresh", "stale", "abstract", "guarded", "takeover", "republish", "inherited", "bare")
COURSES = {"guarded", "takeover", "republish", "inherited"}
# The answers of a file system without links and exchanges, and of a kernel before Linux 4.14.
LACKS = {"bare": {"linkat": "EPERM", "renameat2": "EINVAL", "madvise": "EINVAL"}}
# The calls that another scenario makes in other places. An undisturbed run has to reach each of them.
SITES_OF = {
    "stale": {
        "connect", "fstatat", "readlinkat", "renameat2", "unlinkat", "socket", "close", "bind", "openat", "flock",
    },
    "abstract": {"bind", "listen", "setsockopt", "socket", "connect", "close"},
    "guarded": {"recvmsg", "setsockopt", "accept4", "pthread_create"},
    "takeover": {"fcntl_lock", "flock", "fchmod", "poll", "renameat2", "pread", "pwrite", "inotify_add_watch"},
    "republish": {
        "socket", "bind", "listen", "linkat", "openat", "flock", "fstatat", "inotify_add_watch",
        "futimens", "utimensat",
    },
    "inherited": {"lstat", "realpath", "getsockname", "getsockopt", "fstat", "socket", "send", "recv", "close"},
    "bare": {"renameat", "unlinkat", "fstatat"},
}
# A name that could not be looked at or removed stays, as does one that was there before a start that failed; the next
# start has to get rid of it.
MAY_LEAVE_NAMES = {"unlinkat", "fstatat", "fstat"}


@dataclasses.dataclass(frozen=True)
class Case:
    """One run: the failing call and the scenario. Without a site, it is a storm."""

    scenario: str
    site: str = ""
    error: object = None
    nth: int = 0
    seed: int = 0
    percent: int = 0

    def environment(self):
        lacks = [f"{site}={getattr(errno, error)}" for site, error in LACKS.get(self.scenario, {}).items()]
        ground = {"TORTURE_LACKS": " ".join(lacks)}
        if self.percent:
            return {**ground, "TORTURE_PROBABILITY": str(self.percent), "TORTURE_SEED": str(self.seed)}
        if not self.site:
            return ground
        code = getattr(errno, self.error) if self.error else 0
        return {**ground, "TORTURE_SITE": self.site, "TORTURE_NTH": str(self.nth), "TORTURE_ERRNO": str(code)}

    def __str__(self):
        if self.percent:
            return f"{self.scenario}: {self.percent} % of all calls, seed {self.seed}"
        return f"{self.scenario}: {self.site} number {self.nth}: {self.error or 'one byte'}"


class Bench:
    """The driver with the shim preloaded."""

    def __init__(self, driver, place):
        self.driver = driver
        self.shim = place / "shim.so"
        clang = subprocess.check_output([ROOT / ".ci/toolchain"], text=True).strip() + "/clang"
        flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.check_call([clang, *flags, "-o", self.shim, HERE / "shim.c", "-ldl"])

    def run(self, case):
        """Returns the driver's verdict, what was wrong with the run, and how often each call was made and disturbed."""
        with tempfile.TemporaryDirectory(prefix="torture-") as directory:
            place = pathlib.Path(directory)
            report = place / "report"
            environment = {"TORTURE_REPORT": str(report), **case.environment()}
            course = [case.scenario] if case.scenario in COURSES else []
            with self.listener(case, place) as passed:
                verdict, problems = self.drive([self.name(case, place), *course], environment, passed)
            calls = dict(self.read(report))
            report.unlink(missing_ok=True)
            problems += self.judge(case, verdict, calls) if verdict else []
            problems += self.look_around(case, place)
            return case, verdict, problems, calls

    def name(self, case, place):
        if case.scenario == "abstract":
            return f"@torture-{place.name}"
        path = str(place / "s")
        if case.scenario == "stale":
            # By way of a symbolic link.
            os.symlink(".", place / "link")
            path = str(place / "link" / "s")
            left_behind = socket.socket(socket.AF_UNIX)
            left_behind.bind(path)
            left_behind.close()
        return path

    @staticmethod
    @contextlib.contextmanager
    def listener(case, place):
        """The listener that a service manager hands over, bound to a name in another spelling than an address has."""
        if case.scenario != "inherited":
            yield ()
            return
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"{place}/./s")
            made.listen(16)
            yield (made.fileno(),)

    def drive(self, arguments, environment, passed=()):
        environment = {**environment, **({"TORTURE_LISTENER": str(passed[0])} if passed else {})}
        whole = {**os.environ, "LD_PRELOAD": str(self.shim), "SWIFT_BACKTRACE": "enable=no", **environment}
        try:
            done = subprocess.run(
                [self.driver, *arguments], env=whole, pass_fds=passed, capture_output=True, text=True, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            return None, ["hangs"]
        if done.returncode != 0:
            return None, [f"ended with status {done.returncode}: {done.stderr.strip()[-300:]}"]
        return json.loads(done.stdout), []

    @staticmethod
    def read(report):
        for line in report.read_text().splitlines() if report.exists() else []:
            site, made, disturbed = line.split()
            yield site, (int(made), int(disturbed))

    @staticmethod
    def judge(case, verdict, calls):
        problems = list(verdict["violations"])
        if case.scenario == "guarded" and case.site == "pthread_create":
            # A descriptor for which there was no thread waits for the next one, which does not come at the end of a
            # process.
            problems = [problem for problem in problems if not problem.startswith("left open: socket")]
        whole = verdict["complete"]
        harmless = case.percent or not case.site or is_harmless(case.site, case.error)
        if harmless and (not whole or verdict["errors"]):
            problems.append(f"not harmless: {verdict['errors']}")
        if not whole and not verdict["errors"]:
            problems.append("incomplete without a word")
        return problems

    def look_around(self, case, place):
        left = sorted(set(os.listdir(place)) - {".s.lock", "link"})
        if case.scenario == "inherited":
            return [] if left == ["s"] else [f"the service manager's name: {left}"]
        if not left:
            return []
        if case.site not in MAY_LEAVE_NAMES and case.scenario != "stale":
            return [f"left behind: {left}"]
        verdict, problems = self.drive([str(place / "s")], {})
        left = sorted(set(os.listdir(place)) - {".s.lock", "link"})
        if problems or not verdict["complete"] or left:
            return problems + [f"the next start does not recover: {verdict}, left behind: {left}"]
        return []


def numbers(count, limit):
    """The numbers of the calls to fail: all, or the first, the last, and some between."""
    if count <= limit:
        return range(1, count + 1)
    spread = [1 + (count - 1) * step // max(1, limit - 1) for step in range(limit)]
    return sorted(set(spread) | set(range(1, limit // 2)))


def each_call(bench, limit, errors):
    """One case for each scenario, kind of call, errno and number of the call."""
    for scenario in SCENARIOS:
        _, verdict, problems, calls = bench.run(Case(scenario))
        problems += [f"does not come to {site}" for site in SITES_OF.get(scenario, ()) if not calls[site][0]]
        if verdict and verdict["smuggled"] != (scenario == "guarded"):
            problems.append(f"{verdict['smuggled']} connections that sent descriptors")
        if problems:
            sys.exit(f"{scenario}, undisturbed: {problems}")
        # Scenarios that take a second have fewer of their calls disturbed.
        few = limit if scenario not in COURSES else max(1, limit // 4)
        for site, (count, _) in calls.items():
            if scenario in SITES_OF and site not in SITES_OF[scenario]:
                continue
            for error in itertools.islice(ERRNOS[site], errors):
                for nth in numbers(count, few):
                    yield Case(scenario, site, error, nth)


def storms(seeds, percents):
    for seed, percent in itertools.product(range(1, seeds + 1), percents):
        yield Case(SCENARIOS[seed % len(SCENARIOS)], seed=seed, percent=percent)


def run_all(bench, cases, workers):
    """Runs the cases, prints what is wrong, and returns how many failed."""
    failures, whole, typed, unreached, messages, disturbed, pairs = 0, 0, 0, 0, 0, 0, set()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for case, verdict, problems, calls in pool.map(bench.run, cases):
            hits = sum(count for _, count in calls.values())
            disturbed += hits
            pairs |= {(case.site, case.error)} if case.site and hits else set()
            if problems:
                failures += 1
                print(f"FAILED  {case}\n        {'; '.join(problems)}", flush=True)
            elif case.site and not hits:
                unreached += 1
            elif verdict["complete"]:
                whole += 1
            else:
                typed += 1
            messages += verdict["received"] + verdict["answered"] if verdict else 0
    runs = failures + whole + typed + unreached
    print(
        f"{runs} runs, {len(pairs)} pairs of call and errno: {whole} came to their whole end, {typed} to a typed error, "
        f"{unreached} did not meet their call, {failures} FAILED; "
        f"{messages} messages checked, {disturbed} calls disturbed"
    )
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["storm", "each", "all"])
    parser.add_argument("--driver", required=True, help="the built TortureDriver")
    parser.add_argument("--seeds", type=int, default=100, help="storms of each strength (100)")
    parser.add_argument("--percents", type=int, nargs="*", default=[10, 60], help="strengths of storms (10 60)")
    parser.add_argument("--calls", type=int, default=12, help="failed calls of each kind and errno (12)")
    parser.add_argument("--errnos", type=int, default=None, help="errnos of each kind (all)")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture-") as directory:
        bench = Bench(options.driver, pathlib.Path(directory))
        failures = unknown_calls(pathlib.Path(options.driver).parent, HERE / "shim.c")
        if options.what in ("storm", "all"):
            failures += run_all(bench, storms(options.seeds, options.percents), options.workers)
        if options.what in ("each", "all"):
            failures += run_all(bench, each_call(bench, options.calls, options.errnos), options.workers)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
