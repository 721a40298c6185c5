"""The parameters of a request: those that Converse has, and those that it hands on to the model.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from collections.abc import Mapping
from typing import Any

from llmring_providers._fit.models import fitted_effort
from llmring_providers._fit.parameters import NOT_OF_ANTHROPIC, without_foreign
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.reasoning import limits
from llmring_providers.bedrock.models import claude_of, rules_for

_OF_CONVERSE = frozenset(
    {
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "inferenceConfig",
        "outputConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
        "toolConfig",
    }
)
"""Fields of a request that ``extra_params`` may set or complete."""
_FOREIGN = (NOT_OF_ANTHROPIC - _OF_CONVERSE - {"reasoning"}) | {"betas"}
_MOST = 1
"""Of ``temperature``: elsewhere it is 2."""
_EFFORTS = ((4096, "low"), (16384, "medium"))
"""Effort for a budget of at most so many tokens; ``high`` above."""
_UNLIMITED = "reasoningConfig.maxReasoningEffort"
"""At its highest effort, Nova takes neither a limit nor sampling parameters.

https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
"""


def inference(
    body: dict[str, Any], call: ChatCall, *, thinking_barred: str | None, warnings: list[str]
) -> None:
    """Write the parameters of a request into its body.

    ``extra_params`` that Converse has are taken by its names or OpenAI's (``stop``, ``top_p``, ``service_tier``,
    ``metadata``, ``user``); all others go to the model, in ``additionalModelRequestFields``.

    Args:
        body: has its messages, and ``toolConfig`` if there are tools.
        call: as it is sent.
        thinking_barred: why a thinking budget cannot be had in this conversation, if it cannot.
        warnings: takes a sentence for whatever was dropped or changed.
    """
    writer = _Writer(body, call, warnings)
    if claude_of(call.ref.model) is not None:
        writer.of_claude(thinking_barred)
    else:
        writer.of_others()
    if call.request.extra_params:
        writer.extra()
    writer.finish()


class _Writer:
    def __init__(self, body: dict[str, Any], call: ChatCall, warnings: list[str]) -> None:
        self._body, self._call, self._warnings = body, call, warnings
        self._claude, self._rules = claude_of(call.ref.model), rules_for(call)
        self._config: dict[str, Any] = {}
        self._additional: dict[str, Any] = {}

    def of_claude(self, thinking_barred: str | None) -> None:
        """Reasoning, limit and temperature as Anthropic ties them together."""
        request = self._call.request
        found = limits(self._call, thinking_barred=thinking_barred, warnings=self._warnings)
        most = found.pop("max_tokens")
        if request.max_tokens is not None or "thinking" in found:
            self._config["maxTokens"] = most
        if "temperature" in found:
            self._config["temperature"] = found.pop("temperature")
        self._additional |= found

    def of_others(self) -> None:
        request, rules = self._call.request, self._rules
        if request.max_tokens is not None:
            self._config["maxTokens"] = request.max_tokens
        if (temperature := request.temperature) is not None:
            if rules.sampling == "never":
                self._drop("temperature", f"{self._call.ref} does not take it")
            else:
                if temperature > _MOST:
                    self._warn(f"temperature was cut from {temperature} to {_MOST}, Bedrock's most")
                self._config["temperature"] = min(temperature, _MOST)
        if request.reasoning_effort is not None or request.reasoning_tokens is not None:
            self._reason()

    def _reason(self) -> None:
        request, rules = self._call.request, self._rules
        effort, tokens, wanted = request.reasoning_effort, request.reasoning_tokens, ""
        if effort == "none" or (effort is None and not tokens):
            if rules.efforts and rules.effort_form in ("reasoning_effort", "reasoning.effort"):
                self._warn(f"{self._call.ref} cannot be kept from reasoning")
            return
        if rules.effort_form is None:
            self._drop(
                "reasoning", f"Converse has no parameter for it that {self._call.ref} is known to take"
            )
            return
        if effort is None:
            wanted = next((word for most, word in _EFFORTS if (tokens or 0) <= most), "high")
            self._warn(f"reasoning_tokens became effort {wanted!r}: {self._call.ref} takes no budget")
        level = fitted_effort(effort or wanted, rules.efforts or (), self._call.ref, self._warnings)
        name, _, inner = rules.effort_form.partition(".")
        self._additional[name] = {inner: level} if inner else level
        if rules.effort_form == _UNLIMITED:
            self._additional[name]["type"] = "enabled"
            if level == "high":
                for taken in ("maxTokens", "temperature"):
                    if self._config.pop(taken, None) is not None:
                        self._drop(taken, f"{self._call.ref} takes none at its highest effort")

    def extra(self) -> None:
        """Merge ``extra_params`` into the body."""
        extra = without_foreign(self._call.request.extra_params, _FOREIGN, "Bedrock", self._warnings)
        if extra.pop("parallel_tool_calls", None) is False:
            self._one_call_at_a_time()
        if stop := extra.pop("stop", None) or extra.pop("stop_sequences", None):
            self._stop(stop)
        if (top_p := extra.pop("top_p", None)) is not None:
            self._top_p(top_p)
        if (tier := extra.pop("service_tier", None)) is not None:
            self._body["serviceTier"] = {"type": "default" if tier in ("auto", "standard") else tier}
        self._label(extra.pop("metadata", None), extra.pop("user", None))
        for name, value in extra.items():
            if name in _OF_CONVERSE:
                self._merge(name, value)
            else:
                self._additional[name] = value

    def _label(self, metadata: Any, user: Any) -> None:
        labels = (
            {str(name): str(value) for name, value in metadata.items()}
            if isinstance(metadata, Mapping)
            else {}
        )
        if user is not None:
            labels["user"] = str(user)
        if labels:
            self._body["requestMetadata"] = labels

    def _merge(self, name: str, value: Any) -> None:
        """Complete a field of Converse's by one that the user wrote."""
        own = {"inferenceConfig": self._config, "additionalModelRequestFields": self._additional}.get(name)
        if own is not None and isinstance(value, Mapping):
            own |= value
            return
        there = self._body.get(name)
        merged = isinstance(there, dict) and isinstance(value, Mapping)
        self._body[name] = {**(there or {}), **value} if merged else value

    def _one_call_at_a_time(self) -> None:
        """Anthropic's models alone take this, and then the whole choice stands where theirs does.

        https://github.com/vercel/ai/blob/1cb74bcf1383557ccbfb6712a933130792a4521b/packages/amazon-bedrock/src/__fixtures__/issue-17267-tool-choice-conflict.json
        """
        tools = self._body.get("toolConfig")
        if tools is None or self._claude is None:
            why = (
                f"{self._call.ref} does not take it" if tools else "Bedrock takes it together with tools only"
            )
            self._drop("parallel_tool_calls", why)
            return
        ((kind, inner),) = tools.pop("toolChoice", {"auto": {}}).items()
        self._additional["tool_choice"] = {"type": kind, **inner, "disable_parallel_tool_use": True}

    def _stop(self, given: Any) -> None:
        if self._rules.stop is False:
            self._drop("stop", f"{self._call.ref} does not take it")
            return
        stops = given if isinstance(given, list) else [given]
        kept = [stop for stop in stops if not isinstance(stop, str) or stop.strip()]
        if len(kept) < len(stops):
            self._warn("a blank stop sequence was dropped: Bedrock takes none of white space alone")
        if kept:
            self._config["stopSequences"] = kept

    def _top_p(self, value: Any) -> None:
        claude = self._claude
        if self._rules.sampling == "never" or (claude is not None and not claude.sampling):
            self._drop("top_p", f"{self._call.ref} does not take it")
        elif claude is not None and claude.either_sampler and "temperature" in self._config:
            self._drop("top_p", f"{self._call.ref} takes temperature or top_p, not both")
        else:
            self._config["topP"] = value

    def finish(self) -> None:
        """Put what was gathered into the body."""
        if self._config:
            self._body["inferenceConfig"] = self._config
        if self._additional:
            self._body["additionalModelRequestFields"] = self._additional

    def _drop(self, name: str, why: str) -> None:
        self._warn(f"{name} was dropped: {why}")

    def _warn(self, sentence: str) -> None:
        self._warnings.append(sentence)
