"""The engine: what is decided, and what it changes. Pure: no clock, no disk, no network, no float."""
