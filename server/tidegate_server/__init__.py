"""The gate and the follower: a pre-trade risk gate over gRPC."""

__version__ = "0.1.0"
