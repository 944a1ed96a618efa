"""A small market of real prices: to try the gate on, to demonstrate it, to test it.

See SOURCES.md for where the data comes from, and what in it is made up.
"""
