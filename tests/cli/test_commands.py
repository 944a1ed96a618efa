"""Commands against a real machine, loaded with the sample market."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.machine_gate import serving
from typer.testing import CliRunner

from tidegate_server.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

RUN = CliRunner()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        loaded = RUN.invoke(app, ["sample", "--accounts", "40", "--address", address])
        assert loaded.output == "sample market loaded: 24 instruments, 40 accounts\n"
        yield address


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_CLIENT_ADDRESS", address)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str, by: str = "") -> Result:
        return RUN.invoke(app, list(arguments), env={"TIDEGATE_TOKEN": by or None})

    return invoke


def words(result: Result) -> str:
    return " ".join(result.output.split())


def test_the_sample_is_loaded_once(run: Callable[..., Result]) -> None:
    assert "40 accounts already" in run("sample").output


def test_an_allowed_order_ends_with_nought(run: Callable[..., Result]) -> None:
    result = run("check", "A0001", "buy", "10", "SPY", "--price", "167.00", "--id", "allowed")
    assert result.exit_code == 0
    assert "verdict ALLOW" in words(result)
    assert "reserved at 167.41" in words(result)  # at the mark, which is worse


def test_a_rejected_order_ends_with_three_and_its_figures(run: Callable[..., Result]) -> None:
    result = run("check", "A0001", "buy", "100000", "SPY", "--price", "167.00")
    assert result.exit_code == 3
    assert "ORDER_QUANTITY 100,000 2,000 account:A0001" in words(result)


def test_a_repeat_says_so(run: Callable[..., Result]) -> None:
    from_start = ("check", "A0001", "buy", "1", "SPY", "--id", "twice", "--json")
    first = json.loads(run(*from_start).output)
    assert first["verdict"] == "VERDICT_ALLOW"
    created = "1"
    late = ("check", "A0001", "buy", "1", "SPY", "--id", "old", "--created-time-ns", created)
    assert run(*late).exit_code == 3
    assert "repeats an earlier answer" in words(run(*late))


def test_json_has_what_records_and_repeats_an_order(run: Callable[..., Result]) -> None:
    order = ("A0001", "buy", "1", "SPY", "--json")
    first = json.loads(run("check", *order).output)
    made = ("--id", first["order_id"], "--created-time-ns", first["created_time_ns"])
    again = json.loads(run("check", *order, *made).output)
    assert again["replayed"]
    assert again["sequence"] == first["sequence"]


def test_json_of_a_replace_has_its_id(run: Callable[..., Result]) -> None:
    answer = json.loads(run("replace", "A0001", "none", "buy", "1", "SPY", "--json").output)
    assert answer["order_id"] == f"cli-{answer['created_time_ns']}"


def test_the_answer_is_json_on_request(run: Callable[..., Result]) -> None:
    answer = json.loads(run("check", "NOBODY", "sell", "1", "SPY", "--json").output)
    assert answer["rejections"][0]["reason"] == "REJECT_REASON_ACCOUNT_UNKNOWN"


def test_the_largest_quantity_is_shown_on_request(run: Callable[..., Result]) -> None:
    order = ("A0001", "buy", "5000", "SPY", "--price", "167.00")
    assert "max acceptable quantity" in words(run("check", *order, "--maximum"))


def test_a_preview_shows_what_would_change(run: Callable[..., Result]) -> None:
    result = run("preview", "A0001", "buy", "10", "SPY", "--price", "167.41")
    assert result.exit_code == 0
    assert "-1,674.10" in result.output


def test_a_report_shows_what_is_still_reserved(run: Callable[..., Result]) -> None:
    run("check", "A0002", "buy", "10", "SPY", "--id", "filled")
    fill = ("--instrument", "SPY", "--side", "buy", "--quantity", "4", "--price", "167.3")
    result = run("record", "A0002", "filled", "filled", *fill)
    assert "order PARTLY_FILLED still reserved 6" in words(result)


def test_a_replace_is_reserved_with_the_old_order_as_one(run: Callable[..., Result]) -> None:
    run("check", "A0003", "buy", "10", "SPY", "--price", "167.00", "--id", "first")
    order = ("buy", "4", "SPY", "--price", "166.90", "--id", "second")
    result = run("replace", "A0003", "first", *order)
    assert result.exit_code == 0
    assert "verified exit yes" in words(result)
    report = words(run("record", "A0003", "second", "acknowledged"))
    assert "order ACKNOWLEDGED still reserved 4" in report


def test_a_list_of_open_orders_is_compared(run: Callable[..., Result], tmp_path: Path) -> None:
    listed = tmp_path / "open.csv"
    head = "order_id,instrument_id,side,quantity,price,filled"
    listed.write_text(f"{head}\nstranger,SPY,buy,10,167.00,0\n")
    result = run("reconcile", "A0004", str(listed), "--id", "L1")
    assert "stranger ADDED ACKNOWLEDGED 10" in words(result)
    again = json.loads(run("reconcile", "A0004", str(listed), "--id", "L1", "--json").output)
    assert again["replayed"]
    listed.write_text(f"{head}\nstranger,SPY,up,10,167.00,0\n")
    assert run("reconcile", "A0004", str(listed)).exit_code == 2


def test_a_file_without_a_head_is_no_list_of_no_orders(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    listed = tmp_path / "open.csv"
    listed.write_text("")
    result = run("reconcile", "A0004", str(listed))
    assert result.exit_code == 2
    assert "its first row lacks order_id" in result.output


def test_orders_to_cancel_are_named_and_their_scope_halted(run: Callable[..., Result]) -> None:
    run("check", "A0011", "buy", "1", "SPY", "--price", "167.00", "--id", "wild")
    asked = ("cancel-orders", "account:A0011", "--reason", "wild")
    assert "A0011 wild" in words(run(*asked))
    result = run(*asked, "--halt", "--id", "wild-1")
    assert "halted as wild-1; nothing is released" in words(result)
    assert "HALTED" in run("check", "A0011", "buy", "1", "BBY").output
    assert run("cancel-orders", "firm", "--reason", "x").exit_code == 2


def test_an_account_is_shown_with_its_positions_and_orders(run: Callable[..., Result]) -> None:
    run("check", "A0006", "buy", "1", "IBM", "--price", "180.00", "--id", "open-one")
    text = words(run("account", "show", "A0006"))
    assert "account A0006" in text
    assert "open-one buy IBM" in text
    assert "leverage" in text


def test_an_account_is_shown_with_its_limits_what_binds_next_first(
    run: Callable[..., Result],
) -> None:
    shown = run("account", "show", "A0003").output.splitlines()
    first = next(index for index, line in enumerate(shown) if line.split()[:2] == ["limit", "used"])
    assert shown[first + 2].split()[0] == "leverage"
    assert "binds next" in shown[first + 2]
    assert "on one order" in "\n".join(shown)
    limits = json.loads(run("account", "show", "A0003", "--json").output)["account"]["limits"]
    assert [limit["binds_next"] for limit in limits] == [True] + [False] * (len(limits) - 1)


def test_an_unknown_account_ends_with_sixty_five(run: Callable[..., Result]) -> None:
    result = run("account", "show", "NOBODY")
    assert result.exit_code == 65
    assert result.stderr.startswith("tidegate: NOT_FOUND: ")


def test_accounts_are_listed_in_order(run: Callable[..., Result]) -> None:
    lines = run("account", "list", "--limit", "3", "--json").output
    assert lines.count('"account_id"') == 3


def test_groups_are_nested_and_listed_below_each_other(run: Callable[..., Result]) -> None:
    done = run("group", "set", "desk-1", "--parent", "europe")
    assert done.output.startswith("group desk-1 is nested in europe at sequence ")
    lines = [line.split() for line in run("group", "list").output.splitlines()]
    names = [line[0] for line in lines if line]
    assert names.index("desk-1") == names.index("europe") + 1
    shown = words(run("group", "show", "desk-1"))
    assert "nested in europe" in shown
    assert json.loads(run("group", "show", "europe", "--json").output)["nested"] == ["desk-1"]
    assert run("group", "list", "--json").output.count('"group_id"') == len(names) - 2
    refused = run("group", "set", "europe", "--parent", "desk-1")
    assert refused.exit_code == 65
    assert "GROUP_NESTING" in refused.stderr
    assert run("group", "show", "nowhere").exit_code == 65
    assert run("group", "set", "desk-1").output.startswith("group desk-1 is at the top")


def test_a_halt_stands_until_it_is_released(run: Callable[..., Result]) -> None:
    assert run("halt", "instrument:BBY", "--reason", "storm", "--id", "h1").exit_code == 0
    assert "HALTED" in run("check", "A0001", "buy", "1", "BBY").output
    asked = run("release", "h1", "--reason", "calm")
    assert asked.exit_code == 0
    assert "A second person must do the same" in words(asked)
    assert "HALTED" in run("check", "A0001", "buy", "1", "BBY").output
    assert run("release", "h1", "--reason", "calm", by="anna").output.startswith("released h1")
    assert "HALTED" not in run("check", "A0001", "buy", "1", "BBY").output


def test_a_caller_without_a_token_is_no_second_person(run: Callable[..., Result]) -> None:
    run("halt", "instrument:BBY", "--reason", "storm", "--id", "h2")
    assert run("release", "h2", "--reason", "calm", by="anna").exit_code == 0
    refused = run("release", "h2", "--reason", "calm")
    assert refused.exit_code == 77
    assert refused.stderr.startswith("tidegate: SECOND_PERSON: ")
    assert run("release", "h2", "--reason", "calm", by="ben").output.startswith("released h2")


def test_reduce_only_lets_no_new_risk_pass(run: Callable[..., Result]) -> None:
    assert run("reduce-only", "account:A0007", "--reason", "call", "--id", "r1").exit_code == 0
    assert "REDUCE_ONLY" in run("check", "A0007", "buy", "1", "KO").output
    assert run("release", "r1", "--reason", "paid").exit_code == 0
    assert run("release", "r1", "--reason", "paid", by="anna").exit_code == 0


def test_the_status_is_shown(run: Callable[..., Result]) -> None:
    assert "state serving" in words(run("status"))


def test_the_policy_is_shown_by_tier(run: Callable[..., Result]) -> None:
    text = words(run("policy", "show"))
    assert "leverage_bps must be set 200.00 % 400.00 % 800.00 % 1,000.00 %" in text


def test_a_policy_that_was_shown_can_be_tightened_and_proposed(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    policy = json.loads(run("policy", "show", "--json").output)
    policy["default_limits"]["day_order_count"]["value"] = "9000"
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy), encoding="utf-8")
    result = run("policy", "propose", str(file))
    assert result.output.startswith("version 2 is in force")


def proposed_loosening(run: Callable[..., Result], folder: Path) -> Result:
    policy = json.loads(run("policy", "show", "--json").output)
    policy["max_order_age_ns"] = str(2 * int(policy["max_order_age_ns"]))
    file = folder / "policy.json"
    file.write_text(json.dumps(policy), encoding="utf-8")
    return run("policy", "propose", str(file))


def test_a_loosening_waits_for_another_person(run: Callable[..., Result], tmp_path: Path) -> None:
    result = proposed_loosening(run, tmp_path)
    assert "version 3 is pending: it loosens max_order_age_ns" in result.output
    assert run("policy", "approve", "3").exit_code == 77
    approved = run("policy", "approve", "3", by="anna")
    assert approved.output.startswith("version 3 is in force")


def test_a_version_can_be_withdrawn_and_an_older_one_restored(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    proposed_loosening(run, tmp_path)
    assert run("policy", "withdraw", "4").output.startswith("version 4 is withdrawn")
    refused = run("policy", "approve", "4", by="anna")
    assert refused.exit_code == 65
    assert "NOT_PENDING" in refused.stderr
    assert run("policy", "restore", "2").output.startswith("version 5 is in force")
    assert run("policy", "show", "1").exit_code == 0


def test_the_versions_are_listed(run: Callable[..., Result]) -> None:
    text = words(run("policy", "list"))
    assert "4 withdrawn local - - max_order_age_ns" in text
    assert "3 replaced local anna" in text
    assert run("policy", "list", "--limit", "2", "--json").output.count('"proposer"') == 2


def test_of_many_loosened_fields_the_list_says_how_many_more_there_are(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    policy = json.loads(run("policy", "show", "--json").output)
    limits = policy["default_limits"]
    names = ("open_order_count", "day_order_count", "order_quantity", "day_turnover_e4")
    for name in names:
        limits[name] = {"unlimited": True}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy), encoding="utf-8")
    proposed = run("policy", "propose", str(file))
    assert all(name in proposed.output for name in names)
    (version,) = [json.loads(run("policy", "list", "--limit", "1", "--json").output)]
    loosened = version["loosened_fields"]
    assert len(loosened) > 3
    text = words(run("policy", "list", "--limit", "1"))
    assert f"{', '.join(loosened[:3])} and {len(loosened) - 3} more" in text
    assert run("policy", "withdraw", str(version["version"])).exit_code == 0


def test_the_add_ons_that_are_ready_to_use_can_be_merged_and_are_shown(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    policy = json.loads(run("policy", "show", "--json").output)
    policy |= json.loads((ROOT / "deploy" / "add-ons.json").read_text(encoding="utf-8"))
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy), encoding="utf-8")
    assert "is in force" in run("policy", "propose", str(file)).output
    text = words(run("policy", "show"))
    assert "weight 10.00 % 5.00 % 10.00 %" in text
    assert "days of volume 5.00 x 50.00 % 50.00 %" in text
    assert "ownership 5.00 % 100.00 % 100.00 %" in text
