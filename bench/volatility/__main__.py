"""`python -m bench.volatility`: run the model over real closes, write docs/volatility.md."""

import argparse
import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

from bench.volatility import crises, page
from rich.console import Console

from tidegate_server.volatility.closes import read_closes
from tidegate_server.volatility.model import estimate_all
from tidegate_server.volatility.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CLOSES = ROOT / "docs" / "volatility" / "us20-closes.csv.gz"


def main() -> None:
    """Run the study and write its page and charts."""
    parser = argparse.ArgumentParser(prog="python -m bench.volatility", description=__doc__)
    parser.add_argument("--closes", type=Path, default=CLOSES, help="daily closes, CSV or gzip")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where the page goes")
    arguments = parser.parse_args()
    for path in run(arguments.closes, arguments.out, Console(stderr=True)):
        print(path)


def run(
    path: Path,
    out: Path,
    progress: Console,
    windows: tuple[crises.Window, ...] = crises.WINDOWS,
) -> list[Path]:
    """Run the study; return the files that were written."""
    settings = Settings()
    closes = read_closes(path)
    progress.print(f"{len(closes.columns)} instruments, {len(closes.dates)} days")
    histories = estimate_all(closes, settings)
    without = estimate_all(closes, replace(settings, hysteresis_bps=0))
    whole = crises.overview(histories, without, settings.ladder_bps)
    found = []
    for window in windows:
        found.append(crises.work_out(window, closes, histories))
        progress.print(f"{window.name}: {len(found[-1].mornings)} mornings judged")
    study = page.Study(settings, digest(path), closes, histories, whole, found)
    return page.write(study, out)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, unpacked."""
    data = path.read_bytes()
    return hashlib.sha256(gzip.decompress(data) if path.suffix == ".gz" else data).hexdigest()


if __name__ == "__main__":
    main()
