"""Protobuf to commands, outcomes to protobuf: the only protobuf code, and the core without I/O."""
