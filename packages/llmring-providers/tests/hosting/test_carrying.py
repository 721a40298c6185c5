"""Reasoning of one vendor's model, through a client of another vendor's protocol and back."""

import base64
from typing import Any

import pytest
from hosted import SIDES, STAMP, Sides, chunks_of, hello
from hypothesis import example, given
from hypothesis import strategies as st
from llmring_providers.hosting import ProtocolName
from llmring_providers.hosting.answering import carried, restored
from llmring_types import LLMRequest, LLMResponse, Message, tool_call

NATIVES: dict[str, dict[str, Any]] = {
    "anthropic": {
        "provider": "anthropic",
        "replay": [
            {"type": "thinking", "thinking": "Hm?", "signature": "c2ln+/=="},
            {"type": "text", "text": "Look."},
        ],
    },
    "openai": {
        "provider": "openai",
        "api": "responses",
        "host": "api.openai.com",
        "replay": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}],
    },
    "bedrock": {
        "provider": "bedrock",
        "replay": [
            {"reasoningContent": {"reasoningText": {"text": "Hm?", "signature": "c2ln+/=="}}},
            {"text": "Look."},
        ],
    },
    "google": {"provider": "google", "replay": [{"text": "Look.", "thoughtSignature": "c2ln"}]},
}
OWN = {
    ("anthropic", "anthropic"),
    ("bedrock", "bedrock"),
    ("google", "gemini"),
    ("openai", "openai_responses"),
}
WAYS = [
    (vendor, protocol)
    for vendor in NATIVES
    for protocol in SIDES
    if (vendor, protocol) not in OWN and protocol != "ollama"
]
"""Whose model answers, and the protocol of the client; those of Ollama's send nothing back unchanged."""
MODELS = {"openai_responses": "o3"}
CALLS = [tool_call("call_1", "f", {"a": 1})]
VENDORS = pytest.mark.parametrize("vendor", NATIVES)


def answer(vendor: str, **more: Any) -> LLMResponse:
    said: dict[str, Any] = {"content": "Look.", "finish_reason": "stop", **more}
    return LLMResponse(model=f"{vendor}:big", native=NATIVES[vendor], **said)


def asked_again(sides: Sides, message: Message, model: str) -> Message:
    """The message as the host reads it, after a client has sent it back."""
    results = [
        Message(role="tool", content="1", tool_call_id=call["id"]) for call in message.tool_calls or ()
    ]
    asked = [*hello().messages, message, *results, Message(role="user", content="And?")]
    read = sides.read(sides.encode(LLMRequest(asked), model)).request.messages
    return read[1]


@pytest.mark.parametrize(("vendor", "protocol"), WAYS)
@pytest.mark.parametrize("reasoning", [None, "Hm?"])
@pytest.mark.parametrize("calls", [None, CALLS])
@pytest.mark.parametrize("stream", [False, True])
def test_what_a_vendor_wants_back_comes_back_through_a_client_of_another(
    vendor: str, protocol: ProtocolName, reasoning: str | None, calls: list[Any] | None, stream: bool
) -> None:
    sides = SIDES[protocol]
    said = answer(
        vendor, reasoning=reasoning, tool_calls=calls, finish_reason="tool_calls" if calls else "stop"
    )
    asked = sides.asked(stream=stream)
    if stream:
        writer = sides.codec.stream_writer(asked, STAMP)
        client = sides.collect(event for chunk in chunks_of(said) for event in writer.write(chunk))
    else:
        client = sides.decode(sides.codec.write(said, asked, STAMP))
    back = asked_again(sides, client.to_message(), MODELS.get(protocol, "m"))

    if stream and protocol == "anthropic" and not (reasoning or calls):
        # It stands behind the text, and a client of Anthropic's leaves out thinking that nothing follows.
        assert (back.content, back.metadata) == ([{"type": "text", "text": "Look."}], None)
        return
    assert back.metadata is not None
    assert back.metadata["native"] == NATIVES[vendor]
    assert (back.content, back.tool_calls) == ("Look.", calls)


@VENDORS
def test_what_is_of_the_protocol_itself_is_not_carried(vendor: str) -> None:
    api = NATIVES[vendor].get("api")

    assert carried(answer(vendor), vendor, api) == ""
    assert carried(answer(vendor), "ollama")


@VENDORS
def test_the_alphabet_for_urls_is_read_too(vendor: str) -> None:
    signature = carried(answer(vendor), "ollama")
    written = base64.urlsafe_b64encode(base64.b64decode(signature)).decode().rstrip("=")

    assert restored(written) == restored(signature) == NATIVES[vendor]


@given(
    st.one_of(
        st.text(),
        st.text().map(lambda text: f"bGxtcmluZzE6{text}"),
        st.binary().map(lambda data: base64.b64encode(b"llmring1:" + data).decode()),
    )
)
@example("bGxtcmluZzE6\N{LATIN SMALL LETTER E WITH ACUTE}")
def test_no_other_signature_is_taken_for_one(signature: str) -> None:
    assert restored(signature) is None
