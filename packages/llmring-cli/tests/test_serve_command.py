"""The commands ``serve key create``, ``list`` and ``revoke`` in this process."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from llmring.serve import KeyStore
from llmring.serve._keys._ledger import KeyHold

Run = Callable[..., tuple[int, str, str]]
STORE = ("--store", "keys.db")
LIMITS = ("--alias", "fast", "--alias", "safe", "--budget", "20/month", "--rpm", "60", "--tpm", "5000")


def test_a_key_has_every_limit_that_the_command_names(llmring: Run) -> None:
    made = json.loads(
        llmring("serve", "key", "create", "ci", *LIMITS, "--profile", "dev", *STORE, "--json")[1]
    )
    (listed,) = json.loads(llmring("serve", "key", "list", *STORE, "--json")[1])
    for key in (made, listed):
        assert (key["name"], key["aliases"], key["profile"]) == ("ci", ["fast", "safe"], "dev")
        assert (key["budget"], key["rpm"], key["tpm"]) == ({"usd": "20", "period": "month"}, 60, 5000)
        assert key["revoked_at"] is None
    assert "secret" not in listed
    _, out, _ = llmring("serve", "key", "list", *STORE)
    assert out.splitlines()[-1].split("\t")[1:] == [
        "ci",
        "$0.00",
        "$0.00",
        "fast, safe, profile dev, $20/month, 60 requests a minute, 5,000 tokens a minute",
    ]


def test_the_secret_alone_goes_to_standard_output(llmring: Run) -> None:
    code, out, err = llmring("serve", "key", "create", *STORE)
    (key,) = json.loads(llmring("serve", "key", "list", *STORE, "--json")[1])
    assert (code, out.startswith("llmr-"), out.count("\n")) == (0, True, 1)
    assert err == f"key {key['id']}: all aliases; clients send it as their API key\n"


async def spend(key: str) -> None:
    async with KeyStore("keys.db") as keys:
        account = keys.ledger.account(next(state.key for state in keys.states() if state.key.id == key))
        assert account is not None
        holds = [KeyHold(account, keys.ledger.per_dollar * dollars) for dollars in (1, 2, 4)]
        for hold in holds:
            assert await keys.ledger.hold(hold) is None
        holds[0].settle(Decimal("0.25"), certain=True)
        holds[1].settle(Decimal(0), certain=False)


def test_the_list_says_what_is_spent_and_what_is_out_of_reach(llmring: Run) -> None:
    assert llmring("serve", "key", "list", *STORE)[1:] == (
        "",
        "there are no keys yet; make one with: llmring serve key create\n",
    )
    made = json.loads(llmring("serve", "key", "create", "--budget", "10", *STORE, "--json")[1])
    llmring("serve", "key", "create", "free", *STORE)
    asyncio.run(spend(made["id"]))
    rows = [line.split("\t") for line in llmring("serve", "key", "list", *STORE)[1].splitlines()]
    shown = {row[0]: row[2:4] for row in rows}
    assert shown[made["id"]] == ["$0.2500", "$6.00"]
    assert ["", ""] in shown.values()
    documents = {
        each["id"]: each for each in json.loads(llmring("serve", "key", "list", *STORE, "--json")[1])
    }
    found = documents[made["id"]]
    assert [Decimal(found[name]) for name in ("spent", "reserved", "withheld")] == [Decimal("0.25"), 0, 6]


def test_a_key_that_is_revoked_stays_in_the_list_and_says_so(llmring: Run) -> None:
    made = json.loads(llmring("serve", "key", "create", *STORE, "--json")[1])
    assert llmring("serve", "key", "revoke", made["id"], *STORE) == (0, "", f"revoked {made['id']}\n")
    (key,) = json.loads(llmring("serve", "key", "list", *STORE, "--json")[1])
    assert f"revoked {key['revoked_at']}" in llmring("serve", "key", "list", *STORE)[1]


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("revoke", "nobody"), 1, "nobody"),
        (("create", "--rpm", "0"), 2, "rpm"),
        (("create", "--budget", "much"), 1, "much"),
    ],
)
def test_what_cannot_be_done_to_a_key_is_an_exit_code(
    llmring: Run, arguments: tuple[str, ...], code: int, problem: str
) -> None:
    found, out, err = llmring("serve", "key", *arguments, *STORE)
    assert (found, out) == (code, "")
    assert problem in err
