"""4.26 FIRM_INSTRUMENT_EXPOSURE: what the whole firm has of one instrument."""

from __future__ import annotations

from tidegate_server.engine.instrument import Instrument
from tidegate_server.engine.limit import NO_CHECK
from tidegate_server.engine.reasons import Rejection, RejectReason
from tidegate_server.engine.scope_limits import ScopeLimits
from tidegate_server.engine.scopes import firm_exposure, smallest


def firm_instrument_exposure(
    scopes: list[ScopeLimits], instrument: Instrument, change: int, *, warning: bool
) -> Rejection | None:
    """Refuse too much over all accounts; `change` is how much further the order's position reaches.

    The total is kept as a quantity and priced now, at the higher of mark and slow mark.
    """
    limit, kind, scope_id = smallest(
        scopes, "instrument_exposure_e4", "", NO_CHECK, warning=warning
    )
    if limit == NO_CHECK:
        return None
    exposure = firm_exposure(instrument, change)
    if exposure <= limit:
        return None
    return Rejection(RejectReason.FIRM_INSTRUMENT_EXPOSURE, exposure, limit, kind, scope_id)
