"""`python -m tidegate_server` is the `tidegate` command."""

from tidegate_server.cli import main

main()
