"""Methods that code for llmring 1 calls."""

from pathlib import Path

import pytest
from llmring import LLMResponse, LLMRing, Message
from llmring.exceptions import AliasNotFoundError
from llmring.testing import FakeProvider
from llmring_lockfile import bind

MESSAGES = [Message(role="user", content="Hi")]


@pytest.fixture
def ring(tmp_path: Path) -> LLMRing:
    path = tmp_path / "llmring.lock"
    for alias, model in (("assistant", "fake:x"), ("mini", "openai:gpt-5-mini")):
        bind(path, alias, model, create=True)
    made = LLMRing(lockfile_path=path)
    made.register_provider("fake", FakeProvider("Hello"))
    return made


async def test_chat_with_alias_answers_or_streams(ring: LLMRing) -> None:
    response = await ring.chat_with_alias("assistant", MESSAGES, 0.5, 100, reasoning_effort="low")
    assert isinstance(response, LLMResponse)
    assert response.content == "Hello"
    stream = await ring.chat_with_alias("assistant", MESSAGES, stream=True)
    assert "".join([chunk.delta async for chunk in stream]) == "Hello"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_unknown_alias_fails_at_once(ring: LLMRing, stream: bool) -> None:
    with pytest.raises(AliasNotFoundError):
        await ring.chat_with_alias("nowhere", MESSAGES, stream=stream)  # type: ignore[call-overload]


async def test_infos_have_the_keys_of_the_original(ring: LLMRing) -> None:
    plain = {"provider": "fake", "model": "x", "supported": True, "is_default": False}
    assert await ring.get_model_info("assistant") == plain
    assert await ring.get_enhanced_model_info("fake:x") == plain
    enhanced = await ring.get_enhanced_model_info("mini")
    assert (enhanced["model"], enhanced["supports_vision"], enhanced["is_active"]) == (
        "gpt-5-mini",
        True,
        True,
    )
    assert enhanced["dollars_per_million_tokens_output"] > 0


def test_the_sync_ring_has_them_too(tmp_path: Path) -> None:
    bind(tmp_path / "llmring.lock", "assistant", "fake:x", create=True)
    with LLMRing.sync(lockfile_path=tmp_path / "llmring.lock") as ring:
        ring.register_provider("fake", FakeProvider("Hello"))
        assert ring.chat_with_alias("assistant", MESSAGES, temperature=0.5).content == "Hello"
        assert ring.get_model_info("assistant")["model"] == "x"
        assert ring.get_enhanced_model_info("openai:gpt-5-mini")["supports_vision"] is True
