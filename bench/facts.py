"""The machine and the build that a bench ran on: figures without them say nothing."""

import contextlib
import os
import platform
import statistics
import time
from importlib import import_module, metadata
from pathlib import Path
from typing import Final

FLUSHES: Final = 51
FLUSHED_BYTES: Final = 512
PACKAGES: Final = ("grpcio", "hpack", "protobuf", "pygrpc-native", "tidegate", "uvloop")


def facts(folder: Path) -> dict[str, object]:
    """Gather what the figures depend on; `folder` is where the journals go."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "engine": engine_build(),
        "filesystem": _filesystem(folder),
        "fdatasync_us": round(flush_us(folder), 1),
        "pinned": False,
    }


def engine_build() -> str:
    """Tell whether the decisions run compiled or interpreted, if they are there at all."""
    try:
        file = import_module("tidegate_server.engine.ordering").__file__
    except ImportError:
        return "missing"
    return "interpreted" if (file or "").endswith(".py") else "compiled"


def flush_us(folder: Path) -> float:
    """Measure the median of appending a small frame and waiting for the disk."""
    path, times = folder / "flush-probe", []
    with path.open("wb", buffering=0) as file:
        for _ in range(FLUSHES):
            began = time.perf_counter_ns()
            file.write(bytes(FLUSHED_BYTES))
            os.fdatasync(file.fileno())
            times.append(time.perf_counter_ns() - began)
    path.unlink()
    return statistics.median(times) / 1000


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _filesystem(folder: Path) -> str:
    """Name the type of the file system: on tmpfs a flush costs nothing, and says nothing."""
    kind, longest = "unknown", -1
    with contextlib.suppress(OSError):
        for line in Path("/proc/mounts").read_text().splitlines():
            _, mount, found, *_ = line.split()
            if folder.resolve().is_relative_to(mount) and len(mount) > longest:
                kind, longest = found, len(mount)
    return kind
