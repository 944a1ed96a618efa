"""How estimates of volatility are shown: a table, JSON, a CSV file of their history."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from tidegate_server.cli import output
from tidegate_server.cli.failure import Exit, fail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from tidegate_server.volatility.model import Estimate, History
    from tidegate_server.volatility.settings import Settings

_COLUMNS = (
    "date",
    "instrument",
    "close",
    "sigma_now",
    "sigma_floor",
    "ratio_bps",
    "factor_bps",
    "model_version",
)


def write_csv(path: Path, histories: Mapping[str, History], last: date, settings: Settings) -> None:
    """Write every estimate up to a day; end the command if the file cannot be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(_COLUMNS)
            for history in histories.values():
                for estimate in history.estimates:
                    if estimate.day <= last:
                        rows.writerow(
                            [
                                estimate.day,
                                history.instrument_id,
                                estimate.close,
                                f"{estimate.sigma_now:.9f}",
                                f"{estimate.sigma_floor:.9f}",
                                estimate.ratio_bps,
                                estimate.factor_bps,
                                settings.model_version,
                            ]
                        )
    except OSError as error:
        fail(f"--csv {path}: {error.strerror}", Exit.USAGE)


def tree(
    found: Mapping[str, Estimate | None],
    histories: Mapping[str, History],
    asked: date,
    settings: Settings,
    sent: dict[str, int] | None,
) -> dict[str, object]:
    """Return what the command found as plain values."""
    factors = [
        {
            "instrument_id": name,
            "date": str(estimate.day),
            "factor_bps": estimate.factor_bps,
            "ratio_bps": estimate.ratio_bps,
            "sigma_now": round(estimate.sigma_now, 9),
            "sigma_floor": round(estimate.sigma_floor, 9),
            "reference_bps": settings.reference_of(name),
            "returns": estimate.returns,
        }
        for name, estimate in found.items()
        if estimate is not None
    ]
    return {
        "model_version": settings.model_version,
        "date": str(asked),
        "factors": factors,
        "without_estimate": [name for name, estimate in found.items() if estimate is None],
        "notes": _notes(histories, asked),
        "settings": settings.tree(),
        "sent": sent,
    }


def _notes(histories: Mapping[str, History], asked: date) -> list[dict[str, str]]:
    noted = [
        (note.day, history.instrument_id, note.text)
        for history in histories.values()
        for note in history.notes
        if note.day <= asked
    ]
    return [
        {"date": str(day), "instrument_id": name, "note": text} for day, name, text in sorted(noted)
    ]


def show(
    found: Mapping[str, Estimate | None],
    histories: Mapping[str, History],
    asked: date,
    settings: Settings,
) -> None:
    """Print the factors of a date, what they are made of, and notes on the closes."""
    table = output.make_table(
        "instrument", "close of", ">now, a day", ">floor", ">reference", ">ratio", ">factor", ""
    )
    for name, estimate in found.items():
        reference = output.percent(settings.reference_of(name))
        if estimate is None:
            remark = f"fewer than {settings.least_returns} returns: the gate's stress factor"
            table.add_row(name, "-", "-", "-", reference, "-", "-", remark)
            continue
        remark = "old: it ages at the gate" if estimate.day < asked else ""
        table.add_row(
            name,
            str(estimate.day),
            f"{100 * estimate.sigma_now:.2f} %",
            f"{100 * estimate.sigma_floor:.2f} %",
            reference,
            f"{estimate.ratio_bps / 10_000:.4f}",
            f"{estimate.factor_bps / 10_000:.2f}",
            remark,
        )
    console = output.console()
    console.print(output.facts(_facts(asked, settings)))
    console.print(table)
    notes = _notes(histories, asked)
    if notes:
        console.print(_noted(notes))


def _facts(asked: date, settings: Settings) -> Sequence[tuple[str, str]]:
    ladder = " ".join(f"{step / 10_000:g}" for step in settings.ladder_bps)
    return [
        ("after the close of", str(asked)),
        ("model version", settings.model_version),
        ("ladder", ladder),
    ]


def _noted(notes: list[dict[str, str]]) -> str:
    shown = 5
    lines = [f"{note['date']} {note['instrument_id']}: {note['note']}" for note in notes[-shown:]]
    if len(notes) > shown:
        lines.insert(0, f"{len(notes)} notes on the closes (--json has all); the last {shown}:")
    return "\n".join(lines)
