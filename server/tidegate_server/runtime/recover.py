"""Rebuild a machine from what a data folder holds: the newest sound snapshot, then the journal.

Evolve is verified always: a snapshot must give the state hash that it says. Outcomes are compared
on request, and only for records that the same rules version wrote (J10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import (
    Position,
    Recovery,
    RecoveryRefusedError,
    RecoveryRow,
    list_snapshots,
    read_snapshot,
    recover,
)
from tidegate_server.wire.machine import Machine, OutcomeMismatchError
from tidegate_server.wire.validation import MalformedError

if TYPE_CHECKING:
    from pathlib import Path


class Recovered:
    """A machine as the files have it, and where the journal goes on.

    `bad_snapshots` names snapshots that were passed over; `replayed` counts records.
    """

    __slots__ = (
        "bad_snapshots",
        "chain",
        "machine",
        "message",
        "mismatches",
        "position",
        "replayed",
        "row",
        "snapshot_sequence",
    )

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.row = RecoveryRow.ALL_VALID
        self.message = ""
        self.position = Position()
        self.chain = b""
        self.snapshot_sequence = 0
        self.replayed = 0
        self.mismatches: list[str] = []
        self.bad_snapshots: list[str] = []


def recover_machine(
    folder: Path,
    *,
    shard: int,
    order_id_limit: int,
    repair: bool,
    verify: bool = False,
    from_start: bool = False,
    until: int | None = None,
) -> Recovered:
    """Rebuild the state; `repair` needs ownership, `until` stops after that record.

    Raises RecoveryRefusedError with the row of the recovery table. With `verify`, differing
    outcomes are collected in `mismatches` and not raised.
    """
    machine = Machine()
    machine.book.order_id_limit = order_id_limit
    found = Recovered(machine)
    start_chain = None if from_start else _load_snapshot(folder, machine, found)
    recovery = recover(
        folder,
        shard=shard,
        rules_version=RULES_VERSION,
        from_sequence=found.snapshot_sequence,
        from_chain=start_chain,
        repair=repair,
    )
    if found.bad_snapshots and not found.snapshot_sequence:
        _require_beginning(recovery, found)
    _replay(recovery, found, verify=verify, until=until)
    found.row = recovery.row
    found.message = recovery.message
    found.position = recovery.position
    return found


def _load_snapshot(folder: Path, machine: Machine, found: Recovered) -> bytes | None:
    """Take the newest snapshot that is whole; return the journal's chain link after it."""
    for path in list_snapshots(folder):
        try:
            snapshot = read_snapshot(path)
            machine.load_snapshot(iter(snapshot.records))
        except Exception as error:  # noqa: BLE001 - an older one, or the journal, may do
            found.bad_snapshots.append(f"{path.name}: {error}")
            continue
        found.snapshot_sequence = snapshot.mark.sequence
        return snapshot.mark.chain
    return None


def _require_beginning(recovery: Recovery, found: Recovered) -> None:
    """Refuse when no snapshot is sound and the journal does not reach back to the beginning."""
    for frame in recovery.frames:
        if frame.first_sequence > 1:
            raise RecoveryRefusedError(
                RecoveryRow.BAD_SNAPSHOT,
                "no snapshot is whole and the journal begins at record "
                f"{frame.first_sequence}: {'; '.join(found.bad_snapshots)}. "
                "Bring back the archived segments or a sound snapshot",
            )
        return


def _replay(recovery: Recovery, found: Recovered, *, verify: bool, until: int | None) -> None:
    machine = found.machine
    for frame in recovery.frames:
        same_rules = frame.header.rules_version == RULES_VERSION
        sequence = frame.first_sequence
        for record in frame.records:
            if sequence > machine.sequence:
                if until is not None and sequence > until:
                    return
                _apply(found, record, frame.header.time_ns, verify=verify and same_rules)
            sequence += 1


def _apply(found: Recovered, record: bytes, time_ns: int, *, verify: bool) -> None:
    """Apply one record; one that no evolve understands means that the program does not fit."""
    found.replayed += 1
    try:
        found.machine.replay(record, time_ns, verify=verify)
    except OutcomeMismatchError as error:
        if not verify:
            raise RecoveryRefusedError(RecoveryRow.UNKNOWN_VERSION, str(error)) from error
        found.mismatches.append(str(error))
        found.machine.replay(record, time_ns, verify=False)
    except Exception as error:
        unknown = isinstance(error, MalformedError) and error.unknown_in
        raise RecoveryRefusedError(
            RecoveryRow.UNKNOWN_VERSION if unknown else RecoveryRow.OUTCOME_MISMATCH,
            f"record {found.machine.sequence + 1} cannot be applied ({error!r}): "
            "run the program version that wrote it",
        ) from error
