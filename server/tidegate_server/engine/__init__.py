"""The engine: what is decided and what it changes. No clock, no disk, no network, no float."""
