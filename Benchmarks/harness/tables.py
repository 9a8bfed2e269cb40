# SPDX-License-Identifier: Apache-2.0
"""The tables of the report and of the terminal, in Markdown."""

from collections.abc import Iterable, Sequence

from .results import Results, ScenarioResults
from .scenarios import CORE
from .summary import Comparison

MISSING = "–"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])


def core(results: Results) -> list[ScenarioResults]:
    return [results.scenarios[scenario.name] for scenario in CORE if scenario.name in results.scenarios]


def idle_bytes(results: Results, entry: str) -> float | None:
    """Resident bytes of a connection after one round trip, from the scenario with the idle crowd."""
    crowd = results.scenarios.get("S10")
    found = [
        run.result["server_resident_bytes_per_connection"] for run in (crowd.runs if crowd else [])
        if run.entry == entry]
    return sorted(found)[len(found) // 2] if found else None


def ratio_table(results: Results, metric: str) -> str:
    """Every server against the floor: the floor's own figures first, the ratios to it below."""
    scenarios = core(results)
    what = "messages a second" if metric == "rate" else "ns of cpu a message"
    header = ["", *(f"{scenario.name}<br>{scenario.title}" for scenario in scenarios)]
    compared = {scenario.name: {found.entry: found for found in scenario.comparisons(results.floor)}
                for scenario in scenarios}

    def cell(scenario: ScenarioResults, entry: str) -> str:
        found = compared[scenario.name].get(entry)
        return f"{found.ratio[metric].median:.2f}" if found and metric in found.ratio else MISSING

    floor = [f"{results.titles[results.floor]}, {what}"]
    floor += [f"{compared[scenario.name][results.floor].absolute[metric]:,.0f}" for scenario in scenarios]
    rows = [floor]
    for name, title in results.titles.items():
        if name != results.floor and any(name in found for found in compared.values()):
            emphasis = "**" if name == results.ours else ""
            rows.append([f"{emphasis}{title}{emphasis}", *(
                f"{emphasis}{cell(scenario, name)}{emphasis}" for scenario in scenarios)])
    return markdown(header, rows)


CLOSE_HEADER = ("", "load", "entry", "rounds", "floor's msgs/s", "rate", "cpu per message", "p99")


def shown(found: Comparison, metric: str) -> str:
    return str(found.ratio[metric]) if metric in found.ratio else MISSING


def close_row(scenario: ScenarioResults, found: Comparison, floor: Comparison) -> list[str]:
    return [
        scenario.name, scenario.title, found.entry, str(found.rounds), f"{floor.absolute['rate']:,.0f}",
        *(shown(found, metric) for metric in ("rate", "cpu", "p99"))]


def close_rows(scenario: ScenarioResults, floor: str, wanted: Iterable[str] | None = None) -> list[list[str]]:
    """The entries of one scenario against the floor, with the spread of the ratios."""
    compared = scenario.comparisons(floor)
    reference = next(found for found in compared if found.entry == floor)
    chosen = [
        found for found in compared
        if found.entry != floor and (wanted is None or scenario.servers[found.entry] in wanted)]
    return [close_row(scenario, found, reference) for found in chosen]


def close_table(results: Results, names: Iterable[str], wanted: Iterable[str] | None = None) -> str:
    chosen = list(wanted) if wanted is not None else None
    rows = [
        row for name in names if name in results.scenarios
        for row in close_rows(results.scenarios[name], results.floor, chosen)]
    return markdown(CLOSE_HEADER, rows)


def client_table(results: Results) -> str:
    """Our client as the load: its own CPU time counts, not the server's."""
    rows = []
    for name, scenario in results.scenarios.items():
        for found in scenario.comparisons(results.floor) if name.startswith("L") else ():
            if found.entry != results.floor:
                ratios = (shown(found, metric) for metric in ("rate", "load_cpu"))
                rows.append([name, scenario.title, found.entry, str(found.rounds), *ratios])
    return markdown(("", "load", "entry", "rounds", "rate", "the load's cpu per message"), rows)


def latency_table(results: Results, names: Iterable[str]) -> str:
    rows = []
    for scenario in (results.scenarios[name] for name in names if name in results.scenarios):
        for entry in scenario.servers:
            runs = sorted(
                (run.result for run in scenario.runs if run.entry == entry),
                key=lambda result: result["latency_us"]["p99"])
            latency = runs[len(runs) // 2]["latency_us"]
            rows.append([scenario.name, entry, *(f"{latency[point]:,.0f}" for point in latency)])
    return markdown(("", "entry", "p50, µs", "p90", "p99", "p99.9", "max"), rows)


def memory_table(results: Results) -> str:
    found = {name: idle_bytes(results, name) for name in results.titles}
    rows = [[results.titles[name], f"{value:,.0f}"] for name, value in found.items() if value is not None]
    return markdown(("Server", "resident bytes per idle connection"), rows)
