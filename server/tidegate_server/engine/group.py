"""A group of accounts: its place in the tree (2.1)."""

from __future__ import annotations


class Group:
    """A group that was created; `sequence` is the last record that named it.

    One that is only named, by an account or as a parent, has no object: it stands at the top.
    """

    __slots__ = ("group_id", "parent_id", "sequence")

    def __init__(self, group_id: str, parent_id: str, sequence: int) -> None:
        self.group_id = group_id
        self.parent_id = parent_id
        self.sequence = sequence
