"""The contract of Tidegate, version by version."""
