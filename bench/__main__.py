"""`python -m bench`: run the ladder, print what it showed, and one JSON object as the last line."""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench import engine, peers
from bench.facts import facts
from bench.ladder import AIO, EVERYTHING, FLUSH, FULL, NATIVE, QUICK, Ladder, Plan
from bench.servers import gate_is_there
from bench.sink import ceiling
from rich.console import Console
from rich.table import Table

Report = dict[str, object]


def main() -> None:
    """Run everything; exit with 1 if any answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="everything, but tiny: a smoke test")
    parser.add_argument("--no-gate", action="store_true", help="leave out Tidegate itself")
    parser.add_argument("--folder", type=Path, help="where journals go; a real disk, not tmpfs")
    arguments = parser.parse_args()
    progress = Console(stderr=True)
    plan = QUICK if arguments.quick else FULL
    gates = not arguments.no_gate and gate_is_there()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.folder) as folder:
        report = measure(plan, Path(folder), progress, gates=gates)
    show(report, Console())
    print(json.dumps(report))
    if report["mismatches"]:
        sys.exit(f"wrong answers; the first: {report['first_mismatch']}")


def measure(plan: Plan, folder: Path, progress: Console, *, gates: bool) -> Report:
    """Run all rungs; a figure that could not be taken is null."""
    report: Report = {
        "machine": facts(folder),
        "plan": plan._asdict(),
        "load_generator_ceiling_per_s": round(ceiling(plan.ceiling_calls)),
    }
    if not gates:
        progress.print("without Tidegate: its command line is not there, or left out")
    with ExitStack() as stack:
        ladder = Ladder(plan, folder, stack, gates=gates)
        progress.print("set up")
        ladder.prepare()
        ladder.measure(progress.print)
        report |= _over_the_network(ladder, gates=gates)
        report["mismatches"] = ladder.complaints
        report["first_mismatch"] = ladder.first_complaint
    progress.print("in process")
    in_process = engine.measure(plan.engine_calls) if engine.machine_is_there() else {}
    report["engine_ns_per_check"] = in_process.get("decide")
    report["machine_ns_per_call"] = in_process.get("call")
    report["peers"] = peers.measure(plan.engine_calls)
    return report


def show(report: Mapping[str, object], console: Console) -> None:
    """Print the report for people."""
    rungs = Table(
        "server", "calls/s", "CPU us/call", "p50 us, 1 in flight", title="4 x 32 in flight"
    )
    for name, figures in _mapping(report["servers"]).items():
        rungs.add_row(name, *(_figure(value) for value in _mapping(figures).values()))
    half = Table("server", title="open loop at half of the maximum, us from the intended time")
    columns = ("rate", "calls", "p50_us", "p99_us", "p99.9_us", "p99.99_us", "max_us")
    for column in columns:
        half.add_column(column, justify="right")
    for name, figures in _mapping(report["half_load"]).items():
        half.add_row(name, *(_figure(_mapping(figures)[column]) for column in columns))
    rest = Table("figure", "value", title="ratios and the rest")
    for name, value in report.items():
        if name not in {"servers", "half_load"}:
            rest.add_row(name, _lines(value) if isinstance(value, Mapping) else _figure(value))
    for table in (rungs, half, rest):
        console.print(table)


def _over_the_network(ladder: Ladder, *, gates: bool) -> Report:
    half_load = {name: ladder.half_load(name) for name in (AIO, FLUSH) if name in ladder.rungs}
    flush = ladder.rungs.get(FLUSH)
    return {
        "unary_flush_vs_grpc_aio_empty": _rounded(ladder.ratio(FLUSH, AIO)),
        "unary_flush_everything_vs_grpc_aio_empty": _rounded(ladder.ratio(EVERYTHING, AIO)),
        "unary_flush_vs_native_empty": _rounded(ladder.ratio(FLUSH, NATIVE)),
        "p50_us_idle_flush": _rounded(_median(flush.idle_p50_us)) if flush else None,
        "p50_us_idle_grpc_aio_empty": _rounded(_median(ladder.rungs[AIO].idle_p50_us)),
        "p99_us_at_half_load": _rounded(half_load[FLUSH]["p99_us"]) if flush else None,
        "mix_per_s": _rounded(ladder.mix()) if gates else None,
        "recovery_records_per_s": _rounded(ladder.recovery()) if gates else None,
        "recovered_records": ladder.records,
        "servers": {
            name: {
                "calls_per_s": round(_median(rung.rates)),
                "cpu_us_per_call": _rounded(_median(rung.cpu_us)),
                "p50_us_idle": _rounded(_median(rung.idle_p50_us)),
            }
            for name, rung in ladder.rungs.items()
        },
        "half_load": half_load,
    }


def _median(figures: list[float]) -> float:
    return statistics.median(figures)


def _rounded(figure: float | None) -> float | None:
    """Keep three digits or the whole part: more would be noise."""
    if figure is None:
        return None
    return round(figure) if figure >= 1000 else float(f"{figure:.3g}")


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _lines(figures: Mapping[str, object]) -> str:
    return "\n".join(f"{name}: {_figure(value)}" for name, value in figures.items())


def _mapping(value: object) -> Mapping[str, object]:
    assert isinstance(value, Mapping)
    return value


if __name__ == "__main__":
    main()
