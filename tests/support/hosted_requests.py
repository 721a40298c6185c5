"""Requests as every protocol can carry them, for round trips through adapters and codecs."""

from typing import Any

from hypothesis import strategies as st
from llmring_types import LLMRequest, Message, tool_call

texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12).filter(
    lambda text: text[0] not in '{["'
)
"""Texts that nobody strips or reads as JSON."""
names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,9}", fullmatch=True)
_PNG = "iVBORw0KGgo="
_MEDIA: dict[str, dict[str, Any]] = {
    "image": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PNG}"}},
    "address": {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    "document": {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
    },
    "file": {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
    },
    "audio": {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
}
MEDIA = {
    "openai_chat": ("image", "address", "file", "audio"),
    "openai_responses": ("image", "address", "file"),
    "anthropic": ("image", "address", "document"),
    "gemini": ("image", "document", "audio"),
    "ollama": ("image",),
    "bedrock": ("image", "document"),
}
"""Media in the form that a codec gives them, by protocol."""
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where."}},
    "required": ["city"],
    "additionalProperties": False,
}
EXTRA: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "openai_chat": st.fixed_dictionaries(
        {},
        optional={
            "top_p": st.sampled_from([0.1, 0.9]),
            "stop": st.lists(texts, min_size=1, max_size=4),
            "n": st.just(1),
            "seed": st.integers(0, 99),
            "logprobs": st.booleans(),
            "logit_bias": st.just({"50256": -100}),
            "user": names,
            "service_tier": st.sampled_from(["flex", "priority"]),
            "verbosity": st.sampled_from(["low", "high"]),
            "nobody_knows": st.just({"it": [1]}),
        },
    ),
    "openai_responses": st.fixed_dictionaries(
        {},
        optional={
            "top_p": st.sampled_from([0.1, 0.9]),
            "reasoning": st.just({"summary": "auto"}),
            "text": st.just({"verbosity": "low"}),
            "include": st.just(["file_search_call.results"]),
            "store": st.just(True),
            "user": names,
            "truncation": st.just("auto"),
            "nobody_knows": st.just({"it": [1]}),
        },
    ),
    "anthropic": st.fixed_dictionaries(
        {},
        optional={
            "stop": st.lists(texts, min_size=1, max_size=4),
            "user": names,
            "service_tier": st.just("standard_only"),
            "betas": st.lists(names, min_size=1, max_size=2, unique=True),
            "nobody_knows": st.just({"it": [1]}),
        },
    ),
    "gemini": st.fixed_dictionaries(
        {},
        optional={
            "top_p": st.sampled_from([0.1, 0.9]),
            "top_k": st.integers(1, 40),
            "stop": st.lists(texts, min_size=1, max_size=4),
            "seed": st.integers(0, 99),
            "n": st.just(1),
            "logprobs": st.booleans(),
            "responseModalities": st.just(["TEXT"]),
            "safetySettings": st.just([{"category": "C", "threshold": "OFF"}]),
            "nobodyKnows": st.just({"it": [1]}),
        },
    ),
    "ollama": st.fixed_dictionaries(
        {},
        optional={
            "top_p": st.sampled_from([0.1, 0.9]),
            "stop": st.lists(texts, min_size=1, max_size=4),
            "seed": st.integers(0, 99),
            "num_ctx": st.just(8192),
            "keep_alive": st.just("5m"),
            "nobody_knows": st.just(1),
        },
    ),
    "bedrock": st.fixed_dictionaries(
        {},
        optional={
            "stop": st.lists(texts, min_size=1, max_size=4),
            "user": names,
            "metadata": st.just({"team": "a"}),
            "service_tier": st.sampled_from(["flex", "priority"]),
            "guardrailConfig": st.just({"guardrailIdentifier": "g", "guardrailVersion": "1"}),
            "nobody_knows": st.just({"it": [1]}),
        },
    ),
}
"""Parameters without a place in the neutral form, under the names that a codec gives them."""
CACHE: dict[str, list[dict[str, Any]]] = {
    "openai_chat": [{"key": "k"}, {"key": "k", "retention": "24h"}],
    "openai_responses": [{"key": "k"}, {"key": "k", "retention": "24h"}],
    "anthropic": [{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}],
    "gemini": [{"cached_content": "cachedContents/1"}],
    "ollama": [],
    "bedrock": [{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}],
}
WITHOUT_CHOICE = frozenset({"ollama"})


def _parts(protocol: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    media = st.sampled_from([_MEDIA[name] for name in MEDIA[protocol]])
    text = texts.map(lambda said: {"type": "text", "text": said})
    return st.tuples(text, media).map(list)


@st.composite
def conversations(draw: st.DrawFn, protocol: str) -> list[Message]:
    """A conversation that ends with the user or with results of tools."""
    messages = [Message(role="system", content=draw(texts))] if draw(st.booleans()) else []
    calls = 0
    for _ in range(draw(st.integers(0, 2))):
        messages.append(Message(role="user", content=draw(st.one_of(texts, _parts(protocol)))))
        made = [
            tool_call(f"call_{calls + number}", draw(names), {"city": draw(texts)})
            for number in range(draw(st.integers(0, 2)))
        ]
        calls += len(made)
        said = draw(texts) if not made else draw(st.one_of(st.none(), texts))
        messages.append(Message(role="assistant", content=said, tool_calls=made or None))
        messages += [
            Message(role="tool", content=draw(texts), tool_call_id=each["id"], name=each["function"]["name"])
            for each in made
        ]
    if messages and messages[-1].role == "tool" and draw(st.booleans()):
        return messages
    return [*messages, Message(role="user", content=draw(st.one_of(texts, _parts(protocol))))]


def _tool(name: str) -> dict[str, Any]:
    function = {"name": name, "description": "Look.", "parameters": SCHEMA}
    return {"type": "function", "function": function}


@st.composite
def requests(draw: st.DrawFn, protocol: str) -> LLMRequest:
    """Any request in the form that the codec of this protocol gives it."""
    offered = draw(st.lists(names, max_size=2, unique=True))
    choices: list[Any] = [None]
    if offered and protocol not in WITHOUT_CHOICE:
        choices += ["auto", "none", "required", {"type": "function", "function": {"name": offered[0]}}]
    formats: list[Any] = [None]
    if not offered:
        inner: dict[str, Any] = {"schema": SCHEMA}
        if protocol.startswith("openai"):
            inner = {"name": "place", "schema": SCHEMA}
        formats.append({"type": "json_schema", "json_schema": inner})
    return LLMRequest(
        messages=draw(conversations(protocol)),
        temperature=draw(st.sampled_from([None, 0.0, 0.5, 1.0])),
        max_tokens=draw(st.sampled_from([1, 100, 5000])),
        tools=[_tool(name) for name in offered] or None,
        tool_choice=draw(st.sampled_from(choices)),
        response_format=draw(st.sampled_from(formats)),
        cache=draw(st.sampled_from([None, *CACHE[protocol]])),
        extra_params=draw(EXTRA[protocol]),
    )
