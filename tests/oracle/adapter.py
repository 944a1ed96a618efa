"""Drives the engine through its wire: dictionaries to messages to bytes, and back.

Answers are compared as messages of the contract, so that a default and an absent field are the
same. Of a read account only `VIEW` and `POSITION` are compared; the oracle has no more.
"""

from importlib import import_module
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message as Protobuf
from tests.oracle.book import Message

from tidegate.v1 import (
    account_service_pb2,
    control_service_pb2,
    journal_pb2,
    market_service_pb2,
    policy_service_pb2,
    risk_service_pb2,
)

MODULES = (
    account_service_pb2,
    control_service_pb2,
    market_service_pb2,
    policy_service_pb2,
    risk_service_pb2,
    journal_pb2,
)


Answer = Protobuf | str | None

ACCOUNT = ("account_id", "group_id", "tier_id")
VIEW = (
    "sequence",
    "cash_e4",
    "interest_and_fees_e4",
    "contracts",
    "free_cash_e4",
    "open_orders",
    "projected",
    "actual",
    "day_order_count",
    "day_turnover_e4",
    "stop_ids",
    "limits",
    "line_state",
    "high_water_mark_e4",
    "start_of_day_equity_e4",
)
POSITION = (
    "instrument_id",
    "quantity",
    "open_buy_quantity",
    "open_sell_quantity",
    "exit_quantity",
    "bought_today_quantity",
    "mark_e4",
    "collateral_quantity",
    "financed_quantity",
    "short_quantity",
    "long_add_on_bps",
    "short_add_on_bps",
)


def message_class(name: str) -> type[Protobuf]:
    """Find a message of the contract by its name."""
    for module in MODULES:
        found = getattr(module, name, None)
        if found is not None:
            kind: type[Protobuf] = found
            return kind
    raise LookupError(name)


def to_protobuf(value: Message, name: str) -> Protobuf:
    """Turn a dictionary with short enum names into the message of that name."""
    kind = message_class(name)
    return kind(**_long(value, kind.DESCRIPTOR))


def to_dictionary(message: Protobuf) -> Message:
    """Turn a message into a dictionary with short enum names; defaults are left out."""
    plain = MessageToDict(message, preserving_proto_field_name=True, use_integers_for_enums=False)
    short: Message = _short(plain, message.DESCRIPTOR)
    return short


class Engine:
    """The engine behind its deterministic core, asked with dictionaries."""

    def __init__(self) -> None:
        """Start an empty machine."""
        self.machine: Any = import_module("tidegate_server.wire.machine").Machine()
        methods: Any = import_module("tidegate_server.wire.methods").METHODS
        self.methods = {spec.path.rsplit("/", 1)[-1]: spec for spec in methods}

    def apply(self, method: str, request: Message, principal: str, now_ns: int) -> Answer:
        """Answer one command: a message, the reason of an error, or none (nothing was due)."""
        if method == "Tick":
            return self._tick(now_ns)
        payload = to_protobuf(request, f"{method}Request").SerializeToString()
        answer = self.machine.call(self.methods[method], payload, principal, now_ns)
        if answer.error is not None:
            return str(answer.error.reason)
        found = message_class(f"{method}Response")()
        found.ParseFromString(answer.response)
        return found

    def _tick(self, now_ns: int) -> Answer:
        encoded = self.machine.tick(now_ns)
        if encoded is None:
            return None
        record = journal_pb2.Record.FromString(encoded)
        return journal_pb2.TickResponse.FromString(record.response)


def agree(method: str, expected: Message, found: Answer) -> bool:
    """Compare the oracle's answer with the engine's."""
    if not isinstance(found, Protobuf):
        return expected == ({} if found is None else {"error": found})
    if "error" in expected or not expected:
        return False
    ours = to_protobuf(expected, f"{method}Response")
    if method == "ProposePolicy":  # which fields are looser has its own test
        found.ClearField("loosened_fields")
    if method != "GetAccount":
        return ours == found
    return _part(to_dictionary(ours)) == _part(to_dictionary(found))


def shown(method: str, answer: Answer | Message) -> Message:
    """Write an answer of either side as a dictionary without defaults."""
    if isinstance(answer, Protobuf):
        return to_dictionary(answer)
    if isinstance(answer, dict):
        kept = "error" in answer or not answer
        return answer if kept else to_dictionary(to_protobuf(answer, f"{method}Response"))
    return {} if answer is None else {"error": answer}


def _part(answer: Message) -> Message:
    """What is compared of a read account."""
    view = answer["account"]
    part = {name: view.get(name) for name in VIEW}
    part["account"] = {name: view["account"].get(name) for name in ACCOUNT}
    positions = view.get("positions", [])
    part["positions"] = [{name: one.get(name) for name in POSITION} for one in positions]
    return part | {"as_of": answer.get("as_of_sequence"), "time": answer.get("read_time_ns")}


def _long(value: Any, descriptor: Any) -> Any:
    """Give enum values the prefix that the contract gives them."""
    found = {}
    for name, item in value.items():
        field = descriptor.fields_by_name[name]
        found[name] = _each(item, lambda one, field=field: _long_one(one, field))
    return found


def _long_one(item: Any, field: Any) -> Any:
    if field.message_type is not None:
        return _long(item, field.message_type)
    if field.enum_type is not None:
        return f"{_prefix(field.enum_type)}{item}"
    return item


def _short(value: Any, descriptor: Any) -> Any:
    found = {}
    for name, item in value.items():
        field = descriptor.fields_by_name[name]
        found[name] = _each(item, lambda one, field=field: _short_one(one, field))
    return found


def _short_one(item: Any, field: Any) -> Any:
    if field.message_type is not None:
        return _short(item, field.message_type)
    if field.enum_type is not None:
        return str(item).removeprefix(_prefix(field.enum_type))
    if field.cpp_type in {field.CPPTYPE_INT64, field.CPPTYPE_UINT64}:
        return int(item)
    return item


def _each(item: Any, change: Any) -> Any:
    return [change(one) for one in item] if isinstance(item, list) else change(item)


def _prefix(enum: Any) -> str:
    return str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")
