"""Keeps the follower running beside the gate: started with it, started again when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

from .config import render

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from .config import Config

AGAIN_SECONDS: Final = 1.0
STOP_SECONDS: Final = 3.0


class FollowerProcess:
    """The follower as a child process, and a thread that sleeps until it ends."""

    def __init__(self, config: Config, log: FilteringBoundLogger) -> None:
        file = config.folder / "run" / "follower.toml"
        file.parent.mkdir(mode=0o750, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(render(config), encoding="utf-8")
        self._command = [sys.executable, "-m", "tidegate_server.cli", "follow"]
        self._command += ["--config", str(file)]
        self._log = log
        self._stopping = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._keep, name="tidegate-follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the follower, by force if it does not listen."""
        self._stopping.set()
        self._process.terminate()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            self._process.kill()
            self._thread.join()

    def _keep(self) -> None:
        while True:
            code = self._process.wait()
            if self._stopping.is_set():
                return
            self._log.error("the follower ended; it is started again", code=code)
            if self._stopping.wait(AGAIN_SECONDS):
                return
            self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        """Start it with the settings of the file alone."""
        clean = {key: text for key, text in os.environ.items() if not key.startswith("TIDEGATE_")}
        return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, env=clean)  # noqa: S603 - ourselves
