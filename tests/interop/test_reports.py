"""Public bug reports about other clients, each as a small exchange: streams joined wrong, usage counted twice, 400s."""

import json
from typing import Any

import pytest
from interop.ours import ADAPTERS
from llmring_providers import ChatCall
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, collect, tool_call
from llmring_types.exceptions import ProviderOverloadedError, ProviderRequestTooLargeError
from llmring_types.hosts import HOSTS

REF = {"openai": "gpt-4o", "anthropic": "claude-haiku-4-5", "google": "gemini-2.5-flash"}
ASKED = Message(role="user", content="x")


def call_of(provider: str, *messages: Message, host: str | None = None, **more: Any) -> ChatCall:
    return ChatCall(
        LLMRequest(list(messages or (ASKED,)), **more), ModelRef(provider, REF[provider]), host=host
    )


def streamed(provider: str, *events: Any) -> LLMResponse:
    """The answer of a stream of these events."""
    call = call_of(provider, tools=[{"name": "f"}, {"name": "g"}])
    wire = ADAPTERS[provider].encode(call, stream=True)
    decoder = ADAPTERS[provider].stream_decoder(call, wire)
    chunks = [chunk for event in events for chunk in decoder.feed(f"data: {json.dumps(event)}\n\n".encode())]
    if provider == "openai":
        chunks += decoder.feed(b"data: [DONE]\n\n")
    return collect([*chunks, *decoder.close()])


def delta(*calls: dict[str, Any], content: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "choices": [{"index": 0, "delta": {"content": content, "tool_calls": list(calls) or None}, **more}]
    }


def piece(arguments: str, name: str | None = None, call_id: str | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"function": {"arguments": arguments, **({"name": name} if name else {})}, **more}
    return {**made, **({"id": call_id, "type": "function"} if call_id else {})}


END = delta(finish_reason="tool_calls")
A, B = '{"path":"a"}', '{"path":"b"}'
TWO = [("f", A), ("g", B)]
JOINS = [
    pytest.param([delta(piece(A, "f", "1", index=0)), delta(piece(B, "g", "2", index=0))], TWO, id="https://github.com/apache/maka/issues/1976"),
    pytest.param([delta(piece("", "f", "1", index=0), piece("", "g", "2", index=1)), delta(piece(A[:5], index=0)), delta(piece(B[:5], index=1)), delta(piece(A[5:], index=0)), delta(piece(B[5:], index=1))], TWO, id="https://github.com/QwenLM/Qwen-Agent/pull/943"),
    pytest.param([delta(piece(A, "f", "1")), delta(piece(B, "g", "2"))], TWO, id="https://github.com/SamSaffron/term-llm/pull/314"),
    pytest.param([delta(piece(A[:5], "f", "1")), delta(piece(A[5:]))], TWO[:1], id="https://github.com/openai/openai-python/issues/2806"),
    pytest.param([delta(piece(A[:5], "f", "1", index=0)), delta(piece(A[5:], index=1))], TWO[:1], id="https://github.com/dirac-run/dirac/pull/215"),
    pytest.param([delta(piece(A, "f", "1", index=0)), delta(content="\n"), delta(piece(B, "g", "2", index=0)), delta(content=None)], TWO, id="https://github.com/ai-dynamo/dynamo/pull/4723"),
    pytest.param([delta(piece(A, "f", index=0)), delta(piece(B, "g", index=0))], TWO, id="https://github.com/huggingface/smolagents/issues/1569"),
    pytest.param([delta(piece("", "f", "1", index=0)), delta(piece(A, index=0)), delta(piece("", "g", "2", index=0)), delta(piece(B[:5], index=0)), delta(piece(B[5:], index=0))], TWO, id="https://github.com/LibreChat-AI/agents/pull/260"),
    pytest.param([delta(piece(A, "f", "1", index=0), piece(B, "g", "2", index=0))], TWO, id="https://github.com/ollama/ollama/issues/15457"),
]  # fmt: skip


@pytest.mark.parametrize(("events", "expected"), JOINS)
def test_calls_of_a_stream_are_joined_as_they_were_made(
    events: list[Any], expected: list[tuple[str, str]]
) -> None:
    answer = streamed("openai", *events, END)
    made = [(each["function"]["name"], each["function"]["arguments"]) for each in answer.tool_calls or ()]
    assert made == expected
    assert len({each["id"] for each in answer.tool_calls or ()}) == len(expected)


HELLO = '{"path":"a","text":"hello"}'


def block(*pieces: str) -> list[dict[str, Any]]:
    """Anthropic's events of one call."""
    made = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    deltas = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": each},
        }
        for each in pieces
    ]
    return [
        {"type": "message_start", "message": {"content": [], "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": made},
        *deltas,
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
        {"type": "message_stop"},
    ]


RESENT = [
    pytest.param([HELLO[:9], HELLO[:15], HELLO], id="https://github.com/NousResearch/hermes-agent/pull/35718"),
    pytest.param([HELLO[:9], HELLO[9:], HELLO], id="https://github.com/lidge-jun/opencodex/issues/361"),
    pytest.param([HELLO, HELLO], id="the same twice"),
    pytest.param([HELLO[:9], HELLO[9:], "{}"], id="an empty object behind it"),
]  # fmt: skip


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("pieces", RESENT)
def test_arguments_that_a_host_sends_again_are_taken_once(provider: str, pieces: list[str]) -> None:
    chunks = [delta(piece("", "f", "1", index=0)), *(delta(piece(each, index=0)) for each in pieces), END]
    answer = streamed(provider, *(chunks if provider == "openai" else block(*pieces)))
    assert [each["function"]["arguments"] for each in answer.tool_calls or ()] == [HELLO]
    assert answer.warnings == ["the host sent the arguments of a call more than once: they were taken once"]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("pieces", [['{"a":', '{"a":1}}'], ['{"a":{', '{"a":1'], ["{", '{"a"']])
def test_arguments_that_only_look_sent_again_stay_as_they_came(provider: str, pieces: list[str]) -> None:
    chunks = [delta(piece("", "f", "1", index=0)), *(delta(piece(each, index=0)) for each in pieces), END]
    answer = streamed(provider, *(chunks if provider == "openai" else block(*pieces)))
    assert [each["function"]["arguments"] for each in answer.tool_calls or ()] == ["".join(pieces)]
    assert not answer.warnings


@pytest.mark.parametrize("at_the_end", [None, "", "{}"])
@pytest.mark.parametrize("events", ["deltas", "done", "item"])
def test_arguments_in_pieces_outlive_a_whole_item_without_them(events: str, at_the_end: str | None) -> None:
    """https://github.com/scitix/siclaw/pull/275"""

    def item(arguments: str | None) -> dict[str, Any]:
        return {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": arguments}

    where = {"output_index": 0, "item_id": "fc_1"}
    said: dict[str, list[dict[str, Any]]] = {
        "deltas": [
            {"type": "response.function_call_arguments.delta", **where, "delta": each}
            for each in (HELLO[:9], HELLO[9:])
        ],
        "done": [{"type": "response.function_call_arguments.done", **where, "arguments": HELLO}],
        "item": [{"type": "response.output_item.done", **where, "item": item(HELLO)}],
    }
    last = [] if at_the_end is None else [item(at_the_end)]
    call = call_of("openai", extra_params={"api": "responses"}, tools=[{"name": "f"}])
    decoder = ADAPTERS["openai"].stream_decoder(call, ADAPTERS["openai"].encode(call, stream=True))
    chunks = [
        chunk
        for event in (
            {"type": "response.output_item.added", **where, "item": item("")},
            *said[events],
            *(
                {"type": "response.output_item.done", **where, "item": each}
                for each in last
                if events != "item"
            ),
            {"type": "response.completed", "response": {"status": "completed", "output": last}},
        )
        for chunk in decoder.feed(f"data: {json.dumps(event)}\n\n".encode())
    ]
    answer = collect([*chunks, *decoder.close()])
    assert [each["function"]["arguments"] for each in answer.tool_calls or ()] == [HELLO]


def test_a_whole_message_behind_its_pieces_is_not_said_twice() -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "hello"}, "finish_reason": "stop"}]}
    assert streamed("openai", delta(content="he"), delta(content="llo"), whole).content == "hello"
    assert streamed("openai", delta(content=None), whole).content == "hello"


def counted(prompt: int, completion: int) -> dict[str, Any]:
    return {
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
    }


def gemini(text: str, prompt: int, candidates: int, **more: Any) -> dict[str, Any]:
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "totalTokenCount": prompt + candidates,
    }
    return {"candidates": [{"content": {"parts": [{"text": text}]}, **more}], "usageMetadata": usage}


def anthropic(*, delta_usage: dict[str, int]) -> list[dict[str, Any]]:
    start = {"input_tokens": 36, "output_tokens": 1}
    return [
        {"type": "message_start", "message": {"content": [], "usage": start}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ab"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": delta_usage},
        {"type": "message_stop"},
    ]


USAGES = [
    pytest.param("anthropic", anthropic(delta_usage={"input_tokens": 36, "output_tokens": 32}), id="https://github.com/pydantic/pydantic-ai/issues/2770"),
    pytest.param("anthropic", anthropic(delta_usage={"output_tokens": 32}), id="https://github.com/microsoft/agent-framework/issues/7143"),
    pytest.param("google", [gemini("a", 36, 10), gemini("b", 36, 32, finishReason="STOP")], id="https://github.com/pydantic/pydantic-ai/issues/1736"),
    pytest.param("openai", [{**delta(content="a"), **counted(36, 1)}, {**delta(content="b", finish_reason="stop"), **counted(36, 32)}], id="https://github.com/camel-ai/camel/issues/4217"),
    pytest.param("openai", [{**delta(content="a"), **counted(36, 1)}, {**delta(content="b"), **counted(36, 32)}, delta(finish_reason="stop"), {"choices": [], **counted(36, 32)}], id="https://github.com/databricks/databricks-ai-bridge/pull/638"),
    pytest.param("openai", [{**delta(content="ab"), **counted(36, 32)}, {**delta(finish_reason="stop"), "usage": None}], id="https://github.com/ogx-ai/ogx/issues/5122"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "events"), USAGES)
def test_counts_that_a_stream_repeats_are_not_added_up(provider: str, events: list[Any]) -> None:
    answer = streamed(provider, *events)
    assert answer.content == "ab"
    assert answer.usage is not None
    assert (answer.usage["prompt_tokens"], answer.usage["completion_tokens"]) == (36, 32)


def sent(call: ChatCall) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(ADAPTERS[call.ref.provider].encode(call, stream=False).body)
    return body


def test_results_of_one_turn_are_one_message_for_anthropic() -> None:
    """https://github.com/MoonshotAI/kosong/issues/45, and with images https://github.com/1jehuang/jcode/issues/276"""
    png = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    made = Message(role="assistant", content=None, tool_calls=[tool_call(each, "f", "{}") for each in "abc"])
    results = [Message(role="tool", tool_call_id=each, content=[png]) for each in "abc"]
    turns = sent(call_of("anthropic", ASKED, made, *results))["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert [block["tool_use_id"] for block in turns[2]["content"]] == list("abc")


def test_blocks_of_a_hosted_tool_go_back_with_their_results() -> None:
    """https://github.com/BerriAI/litellm/issues/22240"""
    blocks = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "text", "text": "y"},
    ]
    call = call_of("anthropic")
    wire = ADAPTERS["anthropic"].encode(call, stream=False)
    body = {"type": "message", "role": "assistant", "content": blocks, "stop_reason": "end_turn", "usage": {}}
    answer = ADAPTERS["anthropic"].decode(json.dumps(body).encode(), call, wire)
    turns = sent(call_of("anthropic", ASKED, answer.to_message(), ASKED))["messages"]
    assert turns[1]["content"] == blocks


TOO_LONG = [
    pytest.param("Input length (265330) exceeds model's maximum context length (262144).", id="https://github.com/earendil-works/pi/issues/5677"),
    pytest.param("This model's maximum context length is 262144 tokens. However, you requested 0 output tokens and your prompt contains at least 262145 input tokens", id="https://github.com/earendil-works/pi/issues/5930"),
    pytest.param("input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000", id="https://github.com/windmill-labs/windmill/pull/10928"),
    pytest.param("request (124071 tokens) exceeds the available context size (123904 tokens), try increasing it", id="https://github.com/can1357/oh-my-pi/issues/3752"),
    pytest.param("prompt is too long: 210000 tokens > 200000 maximum", id="Anthropic"),
    pytest.param("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", id="Gemini"),
    pytest.param("the input length exceeds the context length", id="Ollama"),
]  # fmt: skip


@pytest.mark.parametrize("provider", list(ADAPTERS))
@pytest.mark.parametrize("words", TOO_LONG)
def test_a_prompt_that_is_too_long_is_known_in_the_words_of_any_vendor(provider: str, words: str) -> None:
    """Gateways hand on what the vendor behind them says, whatever protocol they speak."""
    body = json.dumps({"error": {"message": words, "type": "invalid_request_error"}}).encode()
    call = ChatCall(LLMRequest([ASKED]), ModelRef(provider, "m"))
    assert type(ADAPTERS[provider].error(400, {}, body, call)) is ProviderRequestTooLargeError


def test_a_host_without_room_in_its_flex_tier_is_overloaded() -> None:
    """https://github.com/laravel/ai/pull/925"""
    error = ADAPTERS["openai"].error(498, {}, b'{"error": {"message": "x"}}', call_of("openai"))
    assert type(error) is ProviderOverloadedError


@pytest.mark.parametrize("written", ['{"a": "b', "[1]", '{"a": NaN}'])
@pytest.mark.parametrize("replayed", [False, True])
def test_other_hosts_get_the_arguments_of_a_call_as_an_object(written: str, *, replayed: bool) -> None:
    """https://github.com/charmbracelet/crush/issues/3153"""
    made = Message(role="assistant", content=None, tool_calls=[tool_call("a", "f", written)])
    if replayed:
        raw = {**made.tool_calls[0], "index": 0} if made.tool_calls else {}
        made.metadata = {"native": {"provider": "openai", "api": "chat", "replay": [{"tool_calls": [raw]}]}}
    talk = (ASKED, made, Message(role="tool", tool_call_id="a", content="r"))

    def arguments(host: str) -> object:
        return sent(call_of("openai", *talk, host=host))["messages"][1]["tool_calls"][0]["function"][
            "arguments"
        ]

    assert json.loads(str(arguments("api.fireworks.ai"))) == {"INVALID_JSON": written}
    assert arguments("api.openai.com") == written


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_is_null_in_a_function_is_not_sent_to_openai(api: str) -> None:
    given = {"name": "f", "description": None, "parameters": None, "strict": None}
    tool = sent(call_of("openai", tools=[given], extra_params={"api": api}))["tools"][0]
    function = tool["function"] if api == "chat" else tool
    assert "description" not in function
    assert function.get("parameters", {}) is not None
    assert function.get("strict", False) is False


SEALED = {
    "anthropic:claude-3-haiku-20240307": [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "text", "text": "y"},
    ],
    "google:gemini-2.0-flash": [{"text": "t", "thought": True}, {"text": "y", "thoughtSignature": "s"}],
}


@pytest.mark.parametrize("ref", SEALED)
def test_a_model_that_does_not_reason_gets_no_sealed_reasoning(ref: str) -> None:
    provider, _, model = ref.partition(":")
    native = {"native": {"provider": provider, "replay": SEALED[ref]}}
    said = Message(role="assistant", content="y", metadata=native)
    wire = ADAPTERS[provider].encode(
        ChatCall(LLMRequest([ASKED, said, ASKED]), ModelRef(provider, model)), stream=False
    )
    assert b'"y"' in wire.body
    assert b'"t"' not in wire.body
    assert b'"s"' not in wire.body
    assert f"the reasoning of an earlier answer was left out: {ref} does not reason" in wire.warnings


def test_a_schema_in_words_says_nothing_of_endless_numbers() -> None:
    schema = {"type": "number", "maximum": float("inf"), "enum": [1, float("nan")]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    call = ChatCall(
        LLMRequest([ASKED], response_format=form), ModelRef("anthropic", "claude-3-haiku-20240307")
    )
    assert '{"type":"number","enum":[1]}' in str(sent(call)["system"])


@pytest.mark.parametrize(
    "model", ["gpt-4o-search-preview", "gpt-4o-mini-search-preview-2025-03-11", "gpt-5-search-api"]
)
def test_models_that_search_get_no_sampling_parameters(model: str) -> None:
    """https://github.com/vercel/ai/issues/5609 and https://github.com/ChatGPTNextWeb/NextChat/issues/6569"""
    refused = {"frequency_penalty": 0.1, "presence_penalty": 0.1, "top_p": 0.5}
    request = LLMRequest([ASKED], temperature=0.5, extra_params=dict(refused))
    wire = ADAPTERS["openai"].encode(ChatCall(request, ModelRef("openai", model)), stream=False)
    assert json.loads(wire.body).keys() == {"model", "messages"}
    assert sorted(warning.partition(" ")[0] for warning in wire.warnings) == sorted([*refused, "temperature"])


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_content_without_parts_is_an_empty_text_for_openai(api: str) -> None:
    """https://github.com/n8n-io/n8n/pull/38526"""
    made = Message(role="assistant", content=[], tool_calls=[tool_call("a", "f", "{}")])
    talk = [Message(role="user", content=[]), made, Message(role="tool", tool_call_id="a", content=[])]
    body = sent(call_of("openai", *talk, extra_params={"api": api}))
    assert b"[]" not in json.dumps(body).encode()


def test_mistral_gets_an_answer_between_results_and_the_user() -> None:
    """https://github.com/mistralai/mistral-common/issues/169"""
    made = Message(role="assistant", content=None, tool_calls=[tool_call("a", "f", "{}")])
    request = LLMRequest([ASKED, made, Message(role="tool", tool_call_id="a", content="r"), ASKED])
    call = ChatCall(request, ModelRef("mistral", "m"), quirks=HOSTS["mistral"].quirks)
    wire = ADAPTERS["openai"].encode(call, stream=False)
    told = "'Done.' was put between results of tools and the user's message: mistral wants an answer there"
    assert [each["role"] for each in json.loads(wire.body)["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert told in wire.warnings


@pytest.mark.parametrize("written", [HELLO, "{}"])
def test_arguments_that_were_encoded_twice_are_the_object_within(written: str) -> None:
    """https://github.com/openclaw/openclaw/pull/40425 and https://github.com/JetBrains/koog/issues/2095"""
    twice = json.dumps(written)
    for provider in ("openai", "anthropic"):
        call = delta(piece(twice, "f", "1", index=0))
        answer = streamed(provider, *([call, END] if provider == "openai" else block(twice)))
        assert [each["function"]["arguments"] for each in answer.tool_calls or ()] == [written]
    made = Message(role="assistant", content=None, tool_calls=[tool_call("a", "f", twice)])
    talk = (ASKED, made, Message(role="tool", tool_call_id="a", content="r"))
    part = sent(call_of("google", *talk))["contents"][1]["parts"][0]
    assert part["functionCall"]["args"] == json.loads(written)


def test_a_text_that_only_holds_quotes_stays_as_it_is() -> None:
    answer = streamed("openai", delta(piece('"a"', "f", "1", index=0)), END)
    assert [each["function"]["arguments"] for each in answer.tool_calls or ()] == ['"a"']


def test_items_of_a_stream_may_be_counted_in_texts() -> None:
    made = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": ""}
    call = call_of("openai", extra_params={"api": "responses"}, tools=[{"name": "f"}])
    decoder = ADAPTERS["openai"].stream_decoder(call, ADAPTERS["openai"].encode(call, stream=True))
    chunks = [
        chunk
        for event in (
            {"type": "response.output_item.added", "output_index": "0", "item": made},
            {"type": "response.function_call_arguments.delta", "output_index": "0", "delta": HELLO},
            {"type": "response.completed", "response": {"status": "completed", "output": []}},
        )
        for chunk in decoder.feed(f"data: {json.dumps(event)}\n\n".encode())
    ]
    answer = collect([*chunks, *decoder.close()])
    assert [each["function"]["arguments"] for each in answer.tool_calls or ()] == [HELLO]


def as_texts(said: Any) -> Any:
    """The same with every count as a text."""
    if isinstance(said, dict):
        return {name: as_texts(each) for name, each in said.items()}
    return (
        [as_texts(each) for each in said]
        if isinstance(said, list)
        else str(said)
        if type(said) is int
        else said
    )


@pytest.mark.parametrize(("provider", "events"), USAGES)
def test_numbers_of_a_stream_may_be_texts(provider: str, events: list[Any]) -> None:
    assert streamed(provider, *as_texts(events)).usage == streamed(provider, *events).usage
