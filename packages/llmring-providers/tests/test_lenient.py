"""Answers as hosts write them."""

from typing import Any

import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers._json import REPAIRED, STREAMED
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, collect
from llmring_types.exceptions import LLMRingError, MalformedResponseError, StreamInterruptedError

ADAPTERS: dict[str, Adapter] = {
    "openai": OpenAIAdapter(),
    "responses": OpenAIAdapter(),
    "anthropic": AnthropicAdapter(),
    "google": GoogleAdapter(),
    "ollama": OllamaAdapter(),
}
WHOLE = {
    "openai": b'{"choices":[{"message":{"content":"%s"},"finish_reason":"stop","logprobs":{"content":[{"logprob":-0.5}]}}]}',
    "responses": b'{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"%s","logprobs":[{"logprob":-0.5}]}]}]}',
    "anthropic": b'{"type":"message","content":[{"type":"text","text":"%s"}],"stop_reason":"end_turn","diagnostics":{"x":-0.5}}',
    "google": b'{"candidates":[{"content":{"parts":[{"text":"%s"}]},"finishReason":"STOP","avgLogprobs":-0.5}]}',
    "ollama": b'{"message":{"content":"%s"},"done":true,"done_reason":"stop","logprobs":[-0.5]}',
}
PIECE = {
    "openai": b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n',
    "responses": b'data: {"type":"response.output_text.delta","delta":"%s"}\n\n',
    "anthropic": b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}\n\n',
    "google": b'data: {"candidates":[{"content":{"parts":[{"text":"%s"}]}}]}\n\n',
    "ollama": b'{"message":{"content":"%s"},"done":false}\n',
}
END = {
    "openai": b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    "responses": b'data: {"type":"response.completed","response":{"status":"completed","output":[]}}\n\n',
    "anthropic": b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\ndata: {"type":"message_stop"}\n\n',
    "google": b'data: {"candidates":[{"content":{"parts":[]},"finishReason":"STOP"}]}\n\n',
    "ollama": b'{"message":{"content":""},"done":true,"done_reason":"stop"}\n',
}


def call_for(protocol: str, *messages: Message, **more: Any) -> ChatCall:
    extra = {"api": "responses"} if protocol == "responses" else {}
    request = LLMRequest(list(messages) or [Message(role="user", content="x")], extra_params=extra, **more)
    return ChatCall(request, ModelRef("openai" if protocol == "responses" else protocol, "m"))


def decoded(protocol: str, body: bytes) -> LLMResponse:
    call = call_for(protocol)
    adapter = ADAPTERS[protocol]
    return adapter.decode(body, call, adapter.encode(call, stream=False))


def streamed(protocol: str, *pieces: bytes) -> LLMResponse:
    call = call_for(protocol)
    adapter = ADAPTERS[protocol]
    decoder = adapter.stream_decoder(call, adapter.encode(call, stream=True))
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    return collect([*chunks, *decoder.close()])


@pytest.mark.parametrize("protocol", ADAPTERS)
@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"Infinity"])
def test_a_number_that_json_has_not_does_not_cost_the_answer(protocol: str, number: bytes) -> None:
    response = decoded(protocol, (WHOLE[protocol] % b"NaN stays").replace(b"-0.5", number))
    assert (response.content, response.finish_reason) == ("NaN stays", "stop")
    assert response.warnings == [REPAIRED]


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_half_a_character_at_the_end_is_one_that_is_missing(protocol: str) -> None:
    assert (
        decoded(protocol, WHOLE[protocol] % b"so \\\\ud83d \\ud83d").content
        == "so \\ud83d \N{REPLACEMENT CHARACTER}"
    )


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_a_character_cut_between_two_chunks_is_whole_again(protocol: str) -> None:
    pieces = [PIECE[protocol] % half for half in (b"a\\ud83d", b"\\ude00b", b"\\ud83dc")]
    response = streamed(protocol, *pieces, END[protocol])
    assert response.content == "a\N{GRINNING FACE}b\N{REPLACEMENT CHARACTER}c"
    assert response.warnings == [REPAIRED]


def test_arguments_with_half_characters_are_mended_too() -> None:
    pieces = [
        b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\\"a\\":\\"\\ud83d"}}]}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\ude00\\"}"}}]}}]}\n\n',
    ]
    calls = streamed("openai", *pieces, END["openai"]).tool_calls
    assert calls is not None
    assert calls[0]["function"]["arguments"] == '{"a":"\N{GRINNING FACE}"}'


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_a_byte_order_mark_is_passed_over(protocol: str) -> None:
    mark = b"\xef\xbb\xbf"
    assert decoded(protocol, mark + WHOLE[protocol] % b"ok").content == "ok"
    assert streamed(protocol, mark + PIECE[protocol] % b"ok", END[protocol]).content == "ok"


@pytest.mark.parametrize("protocol", ["openai", "responses", "anthropic", "google"])
def test_a_stream_where_a_document_was_due_is_read(protocol: str) -> None:
    response = decoded(protocol, PIECE[protocol] % b"o" + PIECE[protocol] % b"k" + END[protocol])
    assert (response.content, response.warnings) == ("ok", [STREAMED])


@pytest.mark.parametrize("protocol", ["openai", "anthropic", "google", "ollama"])
def test_a_document_where_a_stream_was_due_is_read(protocol: str) -> None:
    body = (WHOLE[protocol] % b"ok").replace(b",", b",\n\n").replace(b"{", b"{\n")
    for size in (1, 7, len(body)):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert streamed(protocol, *pieces).content == "ok", size


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_an_end_of_stream_behind_a_document_is_passed_over(protocol: str) -> None:
    assert decoded(protocol, WHOLE[protocol] % b"ok" + b"\n\ndata: [DONE]\n\n").content == "ok"


def test_a_stream_cut_where_a_document_was_due_is_no_answer() -> None:
    with pytest.raises(MalformedResponseError):
        decoded("openai", PIECE["openai"] % b"o")


@pytest.mark.parametrize("body", [b'{"detail": "not today"}', b'{"message": "not today", "code": 5}'])
@pytest.mark.parametrize("protocol", ["openai", "anthropic", "google"])
def test_an_error_with_a_status_of_success_says_what_it_says(protocol: str, body: bytes) -> None:
    with pytest.raises(LLMRingError, match="not today"):
        decoded(protocol, body)


def test_ollama_framed_as_events_is_read() -> None:
    pieces = [b"data: " + line + b"\n" for line in (PIECE["ollama"] % b"ok", END["ollama"])]
    assert streamed("ollama", *pieces, b"data: [DONE]\n\n").content == "ok"


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_a_server_that_only_loaded_the_model_is_asked_again(reason: str) -> None:
    body = b'{"message":{"content":""},"done":true,"done_reason":"%s"}\n' % reason.encode()
    for read in (decoded, streamed):
        with pytest.raises(MalformedResponseError, match=reason) as caught:
            read("ollama", body)
        assert caught.value.retryable


@pytest.mark.parametrize("index", [b'"%d"', b"%d.0"])
def test_an_index_of_another_type_counts(index: bytes) -> None:
    pieces = [
        b'data: {"choices":[{"index":%s,"delta":{"tool_calls":[{"index":%s,"id":"c%d","function":{"name":"f","arguments":"{}"}}]}}]}\n\n'
        % (index % 0, index % place, place)
        for place in (0, 1)
    ]
    calls = streamed("openai", *pieces, END["openai"]).tool_calls
    assert calls is not None
    assert [made["id"] for made in calls] == ["c0", "c1"]


@pytest.mark.parametrize("protocol", ADAPTERS)
@pytest.mark.parametrize("body", [b"[1,2]", b"[]", b"[[[", b"\xef\xbb\xbf[true]"])
def test_an_array_of_something_else_is_no_broken_stream(protocol: str, body: bytes) -> None:
    call = call_for(protocol)
    adapter = ADAPTERS[protocol]
    with pytest.raises(MalformedResponseError) as caught:
        adapter.decode(body, call, adapter.encode(call, stream=False))
    assert type(caught.value) is MalformedResponseError


PAGE = b"<!DOCTYPE html>\n<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>"


@pytest.mark.parametrize("protocol", ADAPTERS)
@pytest.mark.parametrize("read", [decoded, streamed])
def test_a_web_page_with_a_status_of_success_is_named(protocol: str, read: Any) -> None:
    with pytest.raises(MalformedResponseError, match=r"a web page came as the answer \(502 Bad Gateway\)"):
        read(protocol, PAGE)


@pytest.mark.parametrize("read", [decoded, streamed])
def test_a_web_page_without_a_title_is_one_too(read: Any) -> None:
    with pytest.raises(MalformedResponseError, match="a web page came as the answer; check the base URL"):
        read("openai", b"  <html></html>")


@pytest.mark.parametrize("protocol", ["openai", "responses", "anthropic", "google"])
@pytest.mark.parametrize("framing", ["no blank lines", "lines alone", "no blank line at the end"])
def test_events_without_blank_lines_between_them_are_read(protocol: str, framing: str) -> None:
    body = PIECE[protocol] % b"a" + PIECE[protocol] % b"b" + END[protocol]
    if framing == "no blank line at the end":
        body = body.replace(b"\n\n", b"\n", body.count(b"\n\n") - 1)
    else:
        body = body.replace(b"\n\n", b"\n")
    if framing == "lines alone":
        body = body.replace(b"data: ", b"").replace(b"[DONE]\n", b"")
    answer = streamed(protocol, body[:30], body[30:])
    assert (answer.content, answer.finish_reason) == ("ab", "stop")


def test_lines_that_break_off_are_a_cut() -> None:
    body = (PIECE["openai"] % b"a" + PIECE["openai"] % b"b").replace(
        b"\n\n", b"\n"
    ) + b'data: {"choices":[{"del'
    with pytest.raises(StreamInterruptedError):
        streamed("openai", body)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b'{"error": {"message": "busy", "code": 503}}', LLMRingError),
        (b'{"choices": 5}', MalformedResponseError),
    ],
)
def test_a_line_among_others_may_be_an_error(line: bytes, kind: type[Exception]) -> None:
    body = (PIECE["openai"] % b"a").replace(b"\n\n", b"\ndata: ") + line + b"\n\n"
    with pytest.raises(kind):
        streamed("openai", body)


SHORT = [
    pytest.param("anthropic", b'{"type":"message","content":"plain","stop_reason":"end_turn"}', id="a text for blocks"),
    pytest.param("openai", b'{"choices":[{"text":"plain","finish_reason":"stop"}]}', id="an older completion"),
    pytest.param("responses", b'{"status":"completed","output":[{"type":"message","role":"assistant","content":"plain"}]}', id="a text for parts"),
    pytest.param("responses", b'{"status":"completed","output":[{"role":"assistant","content":[{"type":"output_text","text":"plain"}]}]}', id="an item without a type"),
    pytest.param("responses", b'{"status":"completed","output":[{"type":"message","content":[{"type":"text","text":"plain"}]}]}', id="a part of chat completions"),
    pytest.param("responses", b'{"status":"completed","output":[],"output_text":"plain"}', id="a text for the output"),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "body"), SHORT)
def test_short_forms_of_an_answer_are_read(protocol: str, body: bytes) -> None:
    assert decoded(protocol, body).content == "plain"


STREAMED_SHORT = [
    pytest.param("anthropic", [b'data: {"type":"message_start","message":{"content":"plain"}}\n\n', END["anthropic"]], id="a text for blocks"),
    pytest.param("openai", [b'data: {"choices":[{"text":"pl"}]}\n\n', b'data: {"choices":[{"text":"ain","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'], id="an older completion"),
    pytest.param("responses", [b'data: {"type":"response.output_text.done","text":"plain"}\n\n', END["responses"]], id="a text at once"),
    pytest.param("responses", [PIECE["responses"] % b"plain", b'data: {"type":"response.output_text.done","text":"plain"}\n\n', END["responses"]], id="a text in pieces and at once"),
    pytest.param("responses", [PIECE["responses"] % b"pl", b'data: {"type":"response.output_text.done","text":"pl"}\n\n', b'data: {"type":"response.output_text.done","text":"ain"}\n\n', END["responses"]], id="a second part at once"),
    pytest.param("responses", [b'data: {"type":"response.completed","response":{"status":"completed","output":[],"output_text":"plain"}}\n\n'], id="a text at the end"),
    pytest.param("responses", [PIECE["responses"] % b"plain", b'data: {"type":"response.done","response":{"status":"completed","output":[]}}\n\n'], id="another last event"),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "pieces"), STREAMED_SHORT)
def test_short_forms_of_a_stream_are_read(protocol: str, pieces: list[bytes]) -> None:
    assert streamed(protocol, *pieces).content == "plain"


def test_a_refusal_at_once_is_one() -> None:
    answer = streamed(
        "responses", b'data: {"type":"response.refusal.done","refusal":"no"}\n\n', END["responses"]
    )
    assert (answer.content, answer.refusal) == ("no", "no")


def test_the_input_of_a_custom_tool_is_what_its_end_says() -> None:
    adapter = ADAPTERS["responses"]
    call = call_for("responses", tools=[{"type": "custom", "name": "sql"}])
    item = b'{"type":"custom_tool_call","id":"ct","call_id":"c","name":"sql","input":""}'
    decoder = adapter.stream_decoder(call, adapter.encode(call, stream=True))
    chunks = decoder.feed(
        b'data: {"type":"response.output_item.added","output_index":0,"item":%s}\n\n' % item
        + b'data: {"type":"response.custom_tool_call_input.delta","output_index":0,"delta":"SEL"}\n\n'
        + b'data: {"type":"response.custom_tool_call_input.done","output_index":0,"input":"SELECT 1"}\n\n'
        + END["responses"]
    )
    calls = collect([*chunks, *decoder.close()]).tool_calls or []
    assert [made["function"]["arguments"] for made in calls] == ['{"input":"SELECT 1"}']
