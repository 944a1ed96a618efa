"""The page of the study: every figure in it is taken from the run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from textwrap import TextWrapper
from typing import TYPE_CHECKING, NamedTuple

from bench.volatility.chart import Line, Panel, draw
from bench.volatility.crises import CALM_MORNINGS, Crisis, Fall, Whole
from bench.volatility.flow import (
    BROAD_ORDERS,
    COLLAR_BPS,
    GREATEST_AGE,
    LEVERAGE_CAP_BPS,
    LEVERAGES_BPS,
    ORDER_SHARE_BPS,
    PORTFOLIOS,
    STRESS_BPS,
    holders,
)

from tidegate_server.volatility.closes import Closes
from tidegate_server.volatility.model import History
from tidegate_server.volatility.settings import Settings

if TYPE_CHECKING:
    from datetime import date

PAGE = "volatility.md"
FOLDER = "volatility"
WIDTH = 100
STRIDE = 5  # the chart of all years shows every fifth day


class Study(NamedTuple):
    """All that the page is made of."""

    settings: Settings
    digest: str
    closes: Closes
    histories: Mapping[str, History]
    whole: Whole
    crises: Sequence[Crisis]


def write(study: Study, out: Path) -> list[Path]:
    """Write the page and its charts; return their paths."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    made = {out / PAGE: text(study), folder / "factors.svg": _factors(study)}
    for crisis in study.crises:
        made[folder / f"crisis-{crisis.window.name}.svg"] = _chart(crisis)
    for path, content in made.items():
        path.write_text(content, encoding="utf-8")
    return list(made)


def text(study: Study) -> str:
    """Return the page."""
    parts = [_head(study), _model(study.settings), _all_years(study), _flow(study)]
    parts += [_tightening(study.crises), *map(_crisis, study.crises), _cliffs(study), _LIMITS]
    return reflow("\n".join(parts))


def reflow(page: str) -> str:
    """Wrap paragraphs and lists; tables, code, headings and charts stay as they are."""
    blocks = page.strip().split("\n\n")
    return "\n\n".join(map(_wrapped, blocks)) + "\n"


def _wrapped(block: str) -> str:
    if block.startswith(("#", "|", "```", "![")):
        return block
    wrapper = TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)
    if not block.startswith("- "):
        return wrapper.fill(block)
    wrapper.initial_indent, wrapper.subsequent_indent = "- ", "  "
    return "\n".join(map(wrapper.fill, block.removeprefix("- ").split("\n- ")))


def _head(study: Study) -> str:
    dates = study.closes.dates
    return f"""# Volatility factors: the model, and what it did in 2000, 2002, 2008 and 2020

The gate takes a volatility factor an instrument (rulebook 5.1) and never estimates one. This is the
model that comes with it: `server/tidegate_server/volatility`, on the command line
`tidegate volatility CLOSES`, with `--send` to a running gate.

This page is written by `make volatility` (`python -m bench.volatility`), and every figure on it comes
from that run. Model version `{study.settings.model_version}`. Closes:
[us20-closes.csv.gz](volatility/us20-closes.csv.gz), {len(study.closes.columns)} US large caps,
{len(dates):,} days from {dates[0]} to {dates[-1]} ([source](volatility/SOURCES.md)), SHA-256
unpacked `{study.digest}`.
"""


def _model(settings: Settings) -> str:
    ladder = ", ".join(f"{step / 10_000:g}" for step in settings.ladder_bps)
    decay = settings.decay_bps / 10_000
    return f"""## The model

With r the log returns of adjusted daily closes, k = 0 the newest:

```
sigma_now^2   = sum(L^k r_k^2) / sum(L^k)
sigma_floor^2 = mean of min(|r_k|, outlier)^2 over the last {settings.floor_returns:,} returns
ratio         = max(sigma_now, sigma_floor) / sigma_ref
factor        = the ladder's step for the ratio: never under it but at the cap; rises at once,
                falls one step a day at most, once the ratio is {settings.hysteresis_bps / 100:g} % under the lower step
```

| setting | default | why |
|---|---|---|
| `decay_bps` | {settings.decay_bps:,} | L = {decay:g}, as RiskMetrics for daily data (Technical Document, 1996) |
| `floor_returns` | {settings.floor_returns:,} | ten years: option (c) of Article 28(1), Regulation (EU) 153/2013, against limits that loosen without bound in calm years |
| `least_returns` | {settings.least_returns} | with fewer there is no estimate: nothing is sent, the gate's stress factor applies |
| `reference_bps`, `references_bps` | {settings.reference_bps} | sigma_ref in bps a day, for all and for single instruments: where the policy's limits hold as written |
| `ladder_bps` | {ladder} (x 10 000) | quarters, then halves. The last is the cap: a leverage cap of {LEVERAGE_CAP_BPS / 10_000:g} is never scaled below {LEVERAGE_CAP_BPS / settings.cap_bps:g}, so nobody who pays in full is shut out |
| `hysteresis_bps` | {settings.hysteresis_bps} | a ratio that wavers about a step moves nothing |
| `outlier_bps` | {settings.outlier_bps:,} | a log return beyond it is reported and counts as it in the floor, but in full in sigma_now |

`tidegate volatility --settings FILE` reads any of them from a TOML file. The model version is a hash
of all of them. Missing days, short histories and outliers: the module text of `model.py`.
"""


def _all_years(study: Study) -> str:
    whole = study.whole
    most = max(whole.rises)
    one = whole.rises.get(1, 0) / sum(whole.rises.values())
    return f"""## All years

![Factors {whole.first.year} to {whole.last.year}](volatility/factors.svg)

Of {whole.estimates:,} estimates from {whole.first} on, the floor was what counted in
{whole.floor_share:.0%}: then it was calmer than the instrument's own long run, and its limits did not
loosen further. {whole.cap_share:.1%} were beyond the cap. A factor changed {whole.changes:.1f} times a
year and instrument; without hysteresis it would have been {whole.changes_without:.1f}. Of
{sum(whole.rises.values()):,} rises {one:.0%} were by one step, the largest by {most}.
"""


def _flow(study: Study) -> str:
    accounts = holders(sorted(study.closes.columns))
    orders = sum(len(holder.orders) for holder in accounts)
    names = ", ".join(
        f"{name} ({' '.join(members)})" if members else f"{name} (all, equal weights)"
        for name, members in PORTFOLIOS.items()
    )
    return f"""## The flow that is judged

{len(accounts)} accounts: in each of {len(PORTFOLIOS)} portfolios one at every leverage from
{LEVERAGES_BPS[0] / 10_000:g} to {LEVERAGES_BPS[-1] / 10_000:g} in quarters. Portfolios: {names}. Every
morning each account is put back to its equity and leverage at the closes of the evening before, and
buys for {ORDER_SHARE_BPS / 100:g} % of its equity in each of its instruments (broad: {" ".join(BROAD_ORDERS)}):
{orders} orders, the same every day, each judged by the engine (`wire.machine.Machine`) alone and
taken back. With every factor at 1 it rejects {_unscaled(study.crises)} of them. Leverage cap {LEVERAGE_CAP_BPS / 10_000:g}, collar {COLLAR_BPS / 100:g} %; margin is set not to
bind before the cap. **Factors are those of the evening before: no morning knows its own day.** All
that changes from day to day is the factors, so every change of a verdict is theirs.

The policy takes factors of at most {GREATEST_AGE.days} days; past that the stress factor
({STRESS_BPS / 10_000:g}) is the least. That happened on {_stressed(study.crises)}.
"""


def _unscaled(crises: Sequence[Crisis]) -> str:
    counts = sorted({crisis.rejected_unscaled for crisis in crises})
    return " or ".join(str(count) if count else "none" for count in counts)


def _stressed(crises: Sequence[Crisis]) -> str:
    days = [str(one.day) for crisis in crises for one in crisis.verdicts if one.stressed]
    return (", ".join(days) + " (the market had been closed)") if days else "no morning"


def _tightening(crises: Sequence[Crisis]) -> str:
    rows = []
    for crisis in crises:
        at_week = crisis.at_week
        rows.append(
            f"| {crisis.window.name} | {crisis.week[0]} to {crisis.week[1]} |"
            f" {crisis.week_return:+.1%} | {crisis.calm.cap:.2f} | {at_week.cap:.2f}"
            f" ({at_week.cap / crisis.calm.cap - 1:+.0%}) | {crisis.ahead} |"
            f" {crisis.tightest.cap:.2f} on {crisis.tightest_day} |"
        )
    return f"""## Do thresholds tighten before the worst week?

The worst week is the five trading days with the lowest equal-weighted return in the window. The cap is
the greatest leverage that the gate leaves an equal-weighted portfolio: {LEVERAGE_CAP_BPS / 10_000:g} over the mean factor.
"Calm" is the median of the first {CALM_MORNINGS} mornings of the window; "ahead" counts the mornings on end, up to
the first of the week, on which the cap was at most 90 % of calm.

| crisis | worst week | return | cap, calm | cap on its first morning | ahead | tightest |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

The collar is a distance, so it widens with volatility (4.12): it must not stop exits where prices
move more. Caps and notional shrink, margin rates grow.

| crisis | collar, calm | on the first morning | at the tightest | rejected, calm | on the first morning | at the tightest |
|---|---|---|---|---|---|---|
{chr(10).join(map(_levels, crises))}
"""


def _levels(crisis: Crisis) -> str:
    levels = (crisis.calm, crisis.at_week, crisis.tightest)
    collars = " | ".join(f"{level.collar_bps / 100:.2f} %" for level in levels)
    rejected = " | ".join(f"{level.rejected:.0%}" for level in levels)
    return f"| {crisis.window.name} | {collars} | {rejected} |"


def _crisis(crisis: Crisis) -> str:
    reasons: dict[str, int] = {}
    for one in crisis.verdicts:
        for reason, count in one.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    total = sum(one.orders for one in crisis.verdicts)
    shown = ", ".join(f"`{reason}` {count:,}" for reason, count in sorted(reasons.items()))
    return f"""### {crisis.window.name}

![Factors, caps, collars and rejected orders](volatility/crisis-{crisis.window.name}.svg)

{len(crisis.mornings)} mornings, {total:,} orders; rejected: {shown or "none"}. The worst week is shaded.
"""


def _cliffs(study: Study) -> str:
    accounts = len(holders(sorted(study.closes.columns)))
    rows = [
        f"| {crisis.window.name} | {_fall(crisis.broad_fall)} |"
        f" {_fall(crisis.smooth_fall)} |"
        f" {crisis.single_fall.name} {_fall(crisis.single_fall)} |"
        f" {crisis.pushed[1]} on {crisis.pushed[0]} | {crisis.pushed_in_week} |"
        for crisis in study.crises
    ]
    return f"""## Do they fall off a cliff?

The largest fall of a cap from one morning to the next, and the most accounts (of {accounts}) of which an
order was rejected when none had been the morning before.

| crisis | broad portfolio's cap | the same without a ladder | one instrument's cap | accounts pushed over at once | most on a morning of the worst week |
|---|---|---|---|---|---|
{chr(10).join(rows)}

Of the broad portfolio's cap no morning took more than {_most(study.crises):.0%}, and none pushed over
more than {max(crisis.pushed[1] for crisis in study.crises)} of the {accounts} accounts. One
instrument's cap may fall by several steps when its own price breaks (rule 5.1: the factor rises at once). Being pushed over refuses new risk only: verified exits face neither
leverage nor margin, and nothing is sold. On the way back a factor falls by one step a day at most.
"""


def _most(crises: Sequence[Crisis]) -> float:
    return max(crisis.broad_fall.share for crisis in crises)


def _fall(fall: Fall) -> str:
    return f"{fall.before:.2f} → {fall.after:.2f} (-{fall.share:.0%}) on {fall.day}"


_LIMITS = """## What this does not show

- The accounts do not lose money here: equity and leverage are put back each morning, to see the
  factors alone. Real accounts would also be pushed over by their losses.
- 20 instruments that were still large in 2022: those that did not survive are missing, and they were
  the worst. Adjusted closes stand in for prices of the day.
- Daily closes know nothing of the day itself. Within it the market-wide regime (5.2) is the means.
- The reference of 1.5 % a day is one number for all; a firm would calibrate it, or set
  `references_bps`.
"""


def _factors(study: Study) -> str:
    days = study.closes.dates
    wanted = [day for day in days if day >= study.whole.first][::STRIDE]
    columns = []
    for day in wanted:
        found = [history.at(day) for history in study.histories.values()]
        columns.append([one.factor_bps / 10_000 for one in found if one is not None])
    cap = study.settings.cap_bps / 10_000
    share = [100 * sum(value > 1 for value in values) / len(values) for values in columns]
    panels = [
        Panel(
            "factor",
            [
                Line("greatest", [max(values) for values in columns]),
                Line("median", [median(values) for values in columns]),
                Line("least", [min(values) for values in columns]),
            ],
            0,
            cap,
        ),
        Panel("instruments above 1", [Line("share", share)], 0, 100, " %"),
    ]
    return draw(wanted, panels, None)


def _chart(crisis: Crisis) -> str:
    days: list[date] = [morning.day for morning in crisis.mornings]
    factors = [sorted(morning.factors.values()) for morning in crisis.mornings]
    cap = LEVERAGE_CAP_BPS / 10_000
    widest = max(high for _, _, high in crisis.collars) / 100
    panels = [
        Panel(
            "factor",
            [
                Line("greatest", [values[-1] / 10_000 for values in factors]),
                Line("median", [median(values) / 10_000 for values in factors]),
                Line("least", [values[0] / 10_000 for values in factors]),
            ],
            0,
            max(values[-1] for values in factors) / 10_000,
        ),
        Panel(
            "leverage cap",
            [
                Line("most volatile", [cap * 10_000 / values[-1] for values in factors]),
                Line("broad portfolio", crisis.caps),
                Line("calmest", [cap * 10_000 / values[0] for values in factors]),
            ],
            0,
            cap,
        ),
        Panel(
            "price collar",
            [
                Line("widest", [high / 100 for _, _, high in crisis.collars]),
                Line("median", [middle / 100 for _, middle, _ in crisis.collars]),
            ],
            0,
            widest,
            " %",
        ),
        Panel(
            "orders rejected",
            [Line("share of the flow", [100 * v.rejected / v.orders for v in crisis.verdicts])],
            0,
            100,
            " %",
        ),
    ]
    return draw(days, panels, crisis.week)
