"""Reflection for the grpcio front, under both of its names.

The library knows v1alpha only. v1 has the same messages, so the same servicer answers it; its own
name is not listed, for there is no descriptor to show for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_V1: Final = "grpc.reflection.v1.ServerReflection"
_HEALTH: Final = "grpc.health.v1.Health"


def add_reflection(server: grpc.aio.Server, paths: Sequence[str]) -> None:
    """Describe the services of the paths, health and v1alpha to whoever asks."""
    services = sorted({path.split("/")[1] for path in paths})
    names = (*services, _HEALTH, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    servicer = reflection.aio.ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=ServerReflectionRequest.FromString,
        response_serializer=ServerReflectionResponse.SerializeToString,
    )
    handlers = {"ServerReflectionInfo": handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_V1, handlers),))
