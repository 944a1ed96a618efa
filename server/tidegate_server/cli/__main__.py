"""Run the command line as `python -m tidegate_server.cli`."""

from tidegate_server.cli import main

main()
