"""Hypothesis strategies for whatever a user may write in the neutral form."""

from typing import Any

from hypothesis import strategies as st
from llmring_types import LLMRequest, Message, tool_call

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

texts = st.text(max_size=40)
texts_with_surrogates = st.text(st.characters(exclude_categories=[]), max_size=20)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, json_values, max_size=3)
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,20}", fullmatch=True)
ids = st.from_regex(r"[a-zA-Z0-9_.:-]{1,20}", fullmatch=True) | texts

urls = st.sampled_from(
    [
        f"data:image/png;base64,{PIXEL}",
        "data:image/svg+xml,%3Csvg/%3E",
        "data:application/pdf;base64,JVBERi0=",
        "data:,",
        "https://example.com/a.png",
        "gs://bucket/a.pdf",
        "file:///a.png",
        "",
    ]
)
sources = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("base64"),
            "media_type": st.sampled_from(
                ["image/png", "application/pdf", "text/plain", "audio/wav", "", "x"]
            ),
            "data": st.sampled_from([PIXEL, "JVBERi0=", "VGV4dA==", "no base64!", ""]),
        }
    ),
    st.fixed_dictionaries({"type": st.just("url"), "url": urls}),
    st.fixed_dictionaries({"type": st.just("text"), "data": texts}),
    st.fixed_dictionaries({"type": st.just("file"), "file_id": ids}),
    objects,
)
text_parts = st.fixed_dictionaries({"type": st.just("text"), "text": texts})
media_parts = st.one_of(
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": st.one_of(urls, st.fixed_dictionaries({"url": urls}))}),
    st.fixed_dictionaries({"type": st.sampled_from(["image", "document", "audio", "video"]), "source": sources}),
    st.fixed_dictionaries({"type": st.just("input_audio"), "input_audio": st.just({"data": "UklGRg==", "format": "wav"})}),
    st.fixed_dictionaries({"type": st.just("file"), "file": st.fixed_dictionaries({"file_data": urls})}),
    st.fixed_dictionaries({"type": st.sampled_from(["image_url", "document", "file", "input_audio", "text", "hologram"])}),
)  # fmt: skip
usual_contents = st.one_of(texts, texts, texts_with_surrogates, st.lists(text_parts, max_size=3))
contents = st.one_of(usual_contents, usual_contents, st.lists(text_parts | media_parts, max_size=3))

calls = st.builds(tool_call, ids, names, objects | st.sampled_from(["", "{}", '{"a": 1}', "[1]", "no json"]))
odd_calls = st.one_of(
    st.fixed_dictionaries(
        {
            "function": st.fixed_dictionaries(
                {"name": texts}, optional={"arguments": st.none() | texts | objects}
            )
        },
        optional={"id": st.none() | ids, "type": st.just("function")},
    ),
    st.fixed_dictionaries({"type": st.just("custom"), "custom": objects}, optional={"id": ids}),
)
"""Calls as no model makes them and a user may still write them."""

BLOCK_TYPES = [
    "text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "message", "reasoning", "function_call",
    "custom_tool_call", "output_text", "web_search_call",
]  # fmt: skip
BLOCK_FIELDS = [
    "args", "arguments", "audio", "call_id", "content", "data", "encrypted_content", "executableCode", "functionCall", "id",
    "input", "name", "reasoning_content", "reasoning_details", "role", "signature", "status", "summary", "text", "thinking",
    "thought", "thoughtSignature", "tool_calls", "transcript",
]  # fmt: skip
blocks = st.builds(
    lambda kind, fields: {**fields, **kind},
    st.fixed_dictionaries({}, optional={"type": st.sampled_from(BLOCK_TYPES) | json_values}),
    st.dictionaries(
        st.sampled_from(BLOCK_FIELDS), texts | json_values | st.lists(objects, max_size=2), max_size=4
    ),
)
natives = st.one_of(
    st.fixed_dictionaries(
        {
            "provider": st.sampled_from(["openai", "anthropic", "google", "ollama", "other"]),
            "replay": st.lists(blocks, min_size=1, max_size=3)
            | st.lists(json_values, max_size=2)
            | json_values,
        },
        optional={"api": st.sampled_from(["chat", "responses"]), "container": objects | json_values},
    ),
    json_values,
)
"""Metadata of an assistant's message, after somebody wrote into it."""

metadata = st.fixed_dictionaries(
    {},
    optional={
        "native": natives,
        "cache_control": st.just({"type": "ephemeral"}),
        "is_error": st.booleans(),
        "mine": json_values,
    },
)


def messages() -> st.SearchStrategy[Message]:
    """A message of any role."""
    return st.one_of(
        st.builds(Message, role=st.just("system"), content=contents, metadata=st.none() | metadata),
        st.builds(Message, role=st.just("user"), content=contents, metadata=st.none() | metadata),
        st.builds(
            Message,
            role=st.just("tool"),
            content=contents,
            tool_call_id=st.none() | ids,
            metadata=st.none() | metadata,
        ),
        st.builds(
            Message,
            role=st.just("assistant"),
            content=st.none() | contents,
            tool_calls=st.none() | st.lists(calls, max_size=3) | st.lists(odd_calls, max_size=2),
            metadata=st.none() | metadata,
        ),
    )


schemas = st.sampled_from(
    [
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]},
        {"type": "array", "items": {"$ref": "#/$defs/x"}, "$defs": {"x": {"const": 1}}},
        {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}},
        {"$ref": "#/properties/a", "properties": {"a": {"$ref": "#"}}},
        {"anyOf": [{"type": "null"}, {"allOf": [{"type": "string"}]}]},
        {},
    ]
) | objects  # fmt: skip
functions = st.fixed_dictionaries(
    {"name": names}, optional={"description": texts, "parameters": schemas, "strict": st.booleans()}
)
tools = st.one_of(
    functions,
    st.builds(lambda function: {"type": "function", "function": function}, functions),
    st.sampled_from([{"type": "web_search"}, {"type": "google_search"}, {"type": "custom", "name": "c"}]),
)  # fmt: skip
choices = st.one_of(
    st.sampled_from(["auto", "none", "required", "any"]),
    names,
    st.builds(lambda name: {"function": name}, names),
    st.builds(lambda name: {"type": "function", "function": {"name": name}}, names),
    st.builds(lambda name: {"mode": "ANY", "allowedFunctionNames": [name]}, names),
    st.builds(
        lambda mode, tools: {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}},
        st.sampled_from(["auto", "required", "odd"]),
        st.lists(functions, max_size=2) | json_values,
    ),
    objects,
)
formats = st.one_of(
    st.sampled_from([{"type": "json_object"}, {"type": "json"}, {"type": "text"}]),
    st.builds(
        lambda schema, strict: {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": strict}},
        schemas,
        st.booleans(),
    ),
)  # fmt: skip
EXTRA = [
    "api_version", "betas", "cached_content", "max_completion_tokens", "metadata", "n", "options", "parallel_tool_calls",
    "reasoning", "safetySettings", "seed", "stop", "store", "stream", "think", "thinking_config", "tool_config", "top_p",
    "user", "include", "text", "tools",
]  # fmt: skip
extras = st.dictionaries(st.sampled_from(EXTRA) | texts, json_values, max_size=3)


def requests() -> st.SearchStrategy[LLMRequest]:
    """A request with any of its fields set to anything that the constructor takes."""
    return st.builds(
        LLMRequest,
        messages=st.lists(messages(), min_size=1, max_size=6),
        temperature=st.none() | st.floats(0, 2),
        max_tokens=st.none() | st.integers(1, 10**6),
        reasoning_tokens=st.none() | st.integers(0, 10**6),
        reasoning_effort=st.none()
        | st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
        response_format=st.none() | formats,
        json_response=st.none() | st.booleans(),
        tools=st.none() | st.lists(tools, max_size=3),
        tool_choice=st.none() | choices,
        cache=st.none()
        | st.sampled_from([{"type": "ephemeral"}, {"key": "k"}, {"cached_content": "c"}, {"x": 1}]),
        extra_params=extras,
    )
