"""The gate and the follower: a pre-trade risk gate over gRPC."""

import os

__version__ = "0.1.0"

# gRPC would hold its threads up at every fork and start them again in the copy, where the follower
# takes a snapshot (runtime/forking.py). It heeds this only when it is loaded: so it is said here.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
