"""A gate without its runtime: the real machine behind real gRPC, nothing made durable."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc

from tidegate.v1 import control_service_pb2 as control_pb2
from tidegate.v1 import policy_service_pb2
from tidegate_server.sample.policy import build_policy
from tidegate_server.transport.errors import trailers
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.methods import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CODES = {code.value[0]: code for code in grpc.StatusCode}


class MachineGate(grpc.GenericRpcHandler):
    """Serves a machine that has the sample policy."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.machine.start_epoch(1, "tests", time.time_ns())
        request = policy_service_pb2.ProposePolicyRequest(policy=build_policy())
        self.call("ProposePolicy", request.SerializeToString())

    def call(self, name: str, request: bytes, principal: str = "local") -> Any:
        now_ns = max(time.time_ns(), self.machine.book.time_ns + 1)
        return self.machine.call(BY_NAME[name], request, principal, now_ns)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        name = details.method.rpartition("/")[2]
        given_token = dict(details.invocation_metadata).get("authorization", "Bearer local")
        principal = str(given_token).removeprefix("Bearer ")  # a token is the caller's name

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if name == "GetStatus":
                return self.status().SerializeToString()
            given = self.call(name, request, principal)
            if given.error is not None:
                context.set_trailing_metadata(trailers(given.error))
                context.abort(CODES[given.error.code], given.error.message)
            return bytes(given.response)

        return grpc.unary_unary_rpc_method_handler(answer)

    def status(self) -> control_pb2.GetStatusResponse:
        book = self.machine.book
        proof = control_pb2.Proof(
            proved_sequence=book.sequence,
            state_hash=self.machine.state_hash(),
            state_hash_sequence=book.sequence,
        )
        return control_pb2.GetStatusResponse(
            sequence=book.sequence,
            durable_sequence=book.sequence,
            durability="memory",
            state="serving",
            currency="USD",
            epoch=book.epoch,
            account_count=len(book.accounts),
            instrument_count=len(book.instruments),
            open_order_count=book.open_order_count,
            trading_date=book.trading_date,
            proof=proof,
            stops=self.machine.status().stops,
        )


@contextmanager
def serving(folder: Path, wrap: Callable[[MachineGate], None] | None = None) -> Iterator[str]:
    """Serve a new machine; yield its address."""
    address = f"unix:{folder}/m.sock"
    gate = MachineGate()
    if wrap is not None:
        wrap(gate)
    server = grpc.server(ThreadPoolExecutor(1), handlers=[gate])
    server.add_insecure_port(address)
    server.start()
    try:
        yield address
    finally:
        server.stop(None).wait()
