"""Structured logs on standard error, never on the order path."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger, Processor

    from .config_schema import Log


def _dumps(event: object, default: Callable[[object], object]) -> str:
    return orjson.dumps(event, default=default).decode()


def configure(settings: Log, process: str) -> FilteringBoundLogger:
    """Return the logger of one process: lines for people, or JSON for machines.

    Values are escaped by both renderers, so that no field can forge a line.
    """
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_dumps)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), repr_native_str=True)
    )
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    log: FilteringBoundLogger = structlog.get_logger()
    return log.bind(process=process)
