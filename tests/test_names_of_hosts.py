"""Names of models with slashes and colons, which hosts of many models use: they are whole everywhere."""

from decimal import Decimal
from pathlib import Path

import llmring_lockfile as lockfiles
import pytest
from llmring import LLMRequest, LLMRing, Message, Prices
from llmring.registry import Registry
from llmring.testing import Simulator
from llmring.usage import stats
from llmring_types import ModelRef

MODEL = "openrouter:meta-llama/llama-4:free"
LOCKFILE = f'[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["{MODEL}"]\n'


def test_a_reference_ends_its_provider_at_the_first_colon() -> None:
    ref = ModelRef.parse(MODEL)
    assert (ref.provider, ref.model, str(ref)) == ("openrouter", "meta-llama/llama-4:free", MODEL)
    assert lockfiles.is_reference(MODEL)
    assert lockfiles.check(lockfiles.parse(LOCKFILE)).findings == ()
    assert Registry().facts(ref.provider, "openai/gpt-4o") is not None


async def test_a_call_is_sent_priced_and_logged_under_the_whole_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("llmring.lock").write_text(LOCKFILE)  # noqa: ASYNC240 - before the loop has anything else to do
    prices = {MODEL: Prices(input=Decimal(1), output=Decimal(2))}
    async with Simulator() as simulator:
        monkeypatch.setenv("OPENROUTER_BASE_URL", simulator.base_url("openrouter"))
        monkeypatch.setenv("OPENROUTER_API_KEY", "k-openrouter")
        async with LLMRing(usage_log="usage.db", prices=prices) as ring:
            for name in ("fast", MODEL):
                answer = await ring.chat(LLMRequest(model=name, messages=[Message.user("Hello")]))
                assert answer.model == MODEL
                assert (answer.usage or {})["cost_status"] == "priced"
        assert {request.json["model"] for request in simulator.requests} == {"meta-llama/llama-4:free"}
    assert [(row.group, row.calls) for row in stats(Path("usage.db"), "model")] == [((MODEL,), 2)]
