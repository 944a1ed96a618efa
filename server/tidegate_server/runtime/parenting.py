"""Whether the gate that started this process is still there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .counters import INDEX, open_gate_page

if TYPE_CHECKING:
    from pathlib import Path


class Parent:
    """Whether the gate that started this process has gone."""

    __slots__ = ("_folder", "_id", "_is_gate")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._id = os.getppid()
        self._is_gate = False

    def has_gone(self) -> bool:
        """Tell whether the parent was the gate and is not there any more."""
        if not self._is_gate:
            self._is_gate = self._gate_id() == self._id
        return self._is_gate and os.getppid() != self._id

    def _gate_id(self) -> int:
        try:
            page = open_gate_page(self._folder)
        except (OSError, ValueError):
            return 0
        try:
            return page.get(INDEX["process_id"])
        finally:
            page.close()
