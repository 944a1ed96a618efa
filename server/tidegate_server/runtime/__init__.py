"""The shell around the engine: the gate's loop, recovery, the follower, clock and configuration."""
