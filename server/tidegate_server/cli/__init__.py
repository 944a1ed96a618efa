"""The command line. Start: `tidegate --help`."""

from __future__ import annotations

import sys

__all__ = ["main"]

#: What the base install leaves out; the contract and the client need none of it.
_EXTRA = frozenset({"google", "grpc_health", "msgspec", "rich", "structlog", "typer"})


def main() -> None:
    """Run the command that the arguments name."""
    try:
        from tidegate_server.cli.app import app  # noqa: PLC0415  (the extra may be missing)
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.exit(f"tidegate: {error.name} is missing: pip install 'tidegate[server]'")
    app(prog_name="tidegate")
