"""Gate and follower as processes of their own, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import grpc

from tidegate.v1 import control_service_pb2 as control_pb2

if TYPE_CHECKING:
    from pathlib import Path

    from tidegate_server.cli.calls import Gate

_POLL_S = 0.02
_STOP_S = 5.0
#: The follower hashes the state in at most a twentieth of its time: long on a busy machine.
_PROOF_S = 180.0
_LOG_LINES = 12


class DemoError(Exception):
    """The demonstration cannot go on; the text says why."""


class Child:
    """One command of ours in a process of its own, its output in a file."""

    def __init__(self, name: str, arguments: tuple[str, ...], folder: Path) -> None:
        self.name = name
        self._command = (sys.executable, "-m", "tidegate_server.cli", *arguments)
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, with nothing configured but what its arguments say."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  (ourselves)
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=clean
            )

    def run(self) -> None:
        """Run the command to its end; raise DemoError if it fails."""
        self.start()
        if self._process is not None and self._process.wait() != 0:
            raise DemoError(self._story("failed"))

    def kill(self) -> int:
        """SIGKILL, and return whose id that was."""
        process = self._process
        if process is None:
            return 0
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._process = None
        return process.pid

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for whoever does not listen; harmless when nothing runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def require_alive(self) -> None:
        """Raise DemoError when the process has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise DemoError(self._story(f"ended with code {self._process.returncode}"))

    def _story(self, what: str) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join((f"the {self.name} {what}:", *lines[-_LOG_LINES:]))


def wait_until_serving(
    gate: Gate, child: Child, limit_s: float = 20.0
) -> control_pb2.GetStatusResponse:
    """Return the status once the gate answers; raise DemoError when it does not."""
    end = time.monotonic() + limit_s
    while True:
        child.require_alive()
        try:
            return gate.call(gate.control.GetStatus, control_pb2.GetStatusRequest())
        except grpc.RpcError as error:
            if time.monotonic() > end:
                raise DemoError(f"the gate did not answer: {error.details()}") from error
        time.sleep(_POLL_S)


def wait_until_proved(
    gate: Gate, child: Child, limit_s: float = _PROOF_S
) -> control_pb2.GetStatusResponse:
    """Return the status once the follower has proved all that stands now and hashed the state.

    The gate may go on meanwhile: it values accounts when it is idle.

    Raises DemoError when it does not catch up, or when an outcome differed.
    """
    end = time.monotonic() + limit_s
    target: int | None = None
    while True:
        child.require_alive()
        status = gate.call(gate.control.GetStatus, control_pb2.GetStatusRequest())
        if status.proof.mismatch_count:
            raise DemoError(f"the follower decided {status.proof.mismatch_count} records otherwise")
        target = status.sequence if target is None else target
        if status.HasField("proof") and status.proof.state_hash_sequence >= target:
            return status
        if time.monotonic() > end:
            proof = status.proof
            raise DemoError(
                f"after {limit_s:.0f} s the follower has decided {proof.proved_sequence:,} of "
                f"{target:,} records again, its state hash is after {proof.state_hash_sequence:,}:"
                " is the machine busy with something else?"
            )
        time.sleep(_POLL_S)
