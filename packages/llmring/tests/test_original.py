"""Methods that code for llmring 1 calls."""

import warnings
from importlib import import_module
from pathlib import Path

import pytest
from llmring import LLMResponse, LLMRing, Message, exceptions
from llmring.exceptions import AliasNotFoundError
from llmring.testing import FakeProvider
from llmring.utils import is_model_reference, parse_model_string, strip_provider_prefix
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
    facts = await ring.get_model_from_registry("openai", "gpt-5-mini")
    assert facts is not None
    assert facts.vision is True
    assert await ring.get_model_from_registry("openai", "no-such-model") is None


def test_the_sync_ring_has_them_too(tmp_path: Path) -> None:
    bind(tmp_path / "llmring.lock", "assistant", "fake:x", create=True)
    with LLMRing.sync(lockfile_path=tmp_path / "llmring.lock") as ring:
        ring.register_provider("fake", FakeProvider("Hello"))
        assert ring.chat_with_alias("assistant", MESSAGES, temperature=0.5).content == "Hello"
        assert ring.get_model_info("assistant")["model"] == "x"
        assert ring.get_enhanced_model_info("openai:gpt-5-mini")["supports_vision"] is True
        assert ring.get_model_from_registry("openai", "gpt-5-mini") is not None


def test_references_are_read_as_by_the_original() -> None:
    assert parse_model_string("ollama:llama3:8b") == ("ollama", "llama3:8b")
    assert strip_provider_prefix("openai:gpt-4o", "openai") == "gpt-4o"
    assert strip_provider_prefix("gpt-4o", "openai") == "gpt-4o"
    assert strip_provider_prefix("openai:gpt-4o", "anthropic") == "openai:gpt-4o"
    assert is_model_reference("openai:gpt-4o")
    assert not is_model_reference("summarizer")
    for text in ("gpt-4o", "openai:", ":gpt-4o"):
        with pytest.raises(ValueError, match="Invalid model format"):
            parse_model_string(text)


RAISED_NO_MORE = """
    ConnectionError ConversationAccessError ConversationError FileAccessError FileProcessingError FileSizeError
    InitializationError InvalidFileFormatError MCPError MCPInitializationError MCPProtocolError MCPResourceError
    MCPServerError MCPToolError MCPTransportError MessageError MessageStorageError NetworkError SchemaValidationError
    SessionError SessionExpiredError SessionNotFoundError TimeoutError ToolError ToolExecutionError ToolNotFoundError
    ToolValidationError
"""
ERRORS = [
    ("MCPTransportError", "llmring_types.exceptions.ConfigurationError"),
    ("FileSizeError", "llmring_types.exceptions.ValidationError"),
    ("FileAccessError", "builtins.OSError"),
    ("ToolExecutionError", "llmring.tools.ToolError"),
    ("SessionNotFoundError", "llmring_types.exceptions.ConversationNotFoundError"),
    ("NetworkError", "llmring_types.exceptions.ProviderConnectionError"),
]
MOVED = [
    *(("llmring.exceptions", *each) for each in ERRORS),
    ("llmring", "BaseLLMProvider", "llmring_providers.Provider"),
    ("llmring", "FileMetadata", "llmring_providers.files.StoredFile"),
    ("llmring.schemas", "FileUploadResponse", "llmring_providers.files.StoredFile"),
    ("llmring.base", "ProviderConfig", "llmring_providers.ProviderSettings"),
    ("llmring.constants", "LOCKFILE_NAME", "llmring_lockfile.LOCKFILE_NAME"),
    ("llmring.registry", "RegistryModel", "llmring_types.ModelFacts"),
    ("llmring.service", "LLMRing", "llmring.LLMRing"),
]


def test_every_error_that_is_raised_no_more_has_one_in_its_place() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: getattr(exceptions, name) for name in RAISED_NO_MORE.split()}
    assert all(issubclass(each, Exception) for each in found.values())


@pytest.mark.parametrize(("module", "name", "place"), MOVED)
def test_a_name_that_moved_says_where_to_in_the_file_that_uses_it(module: str, name: str, place: str) -> None:
    home, _, new_name = place.rpartition(".")
    with pytest.warns(DeprecationWarning, match=rf"{name} is {place} now") as caught:
        found = getattr(import_module(module), name)
    assert found is getattr(import_module(home), new_name)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = import_module(module).Nothing
