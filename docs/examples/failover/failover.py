"""What happens on a bad day, made to order: a simulated host is overloaded, and cuts a stream."""

import asyncio

from llmring import LLMRequest, LLMRing, Message, Policy, StreamInterruptedError
from llmring.testing import Answer, Rule, Script, Simulator, faults
from llmring_lockfile import Lockfile, parse

LOCKFILE = """
version = "1.0"

[[profiles.default.bindings]]
alias = "assistant"
models = ["openai:gpt-5", "anthropic:claude-haiku-4-5"]
"""
SCRIPT = Script(
    rules=(
        Rule(model="gpt-5", contains="overload", fault=faults.Status(status=503)),
        Rule(contains="cut", answer=Answer(text="A long answer that never"), fault=faults.Cut(after=3)),
        Rule(answer=Answer(text="All is well.")),
    )
)


def request(text: str) -> LLMRequest:
    return LLMRequest([Message.user(text)], model="assistant")


def lockfile() -> Lockfile:
    return parse(LOCKFILE)


async def main() -> None:
    async with Simulator(SCRIPT) as host, LLMRing(lockfile=lockfile(), policy=Policy(deadline_s=20)) as ring:
        for name in ("openai", "anthropic"):
            ring.register_provider(name, api_key="any", base_url=host.base_url(name))

        response = await ring.chat(request("overload"))
        print(response.content, "from", response.model)
        for attempt in response.attempts:
            print("  ", attempt.model, attempt.outcome)

        try:
            async for _ in ring.chat_stream(request("cut")):
                pass
        except StreamInterruptedError as error:
            print("cut after:", error.partial.content if error.partial else "nothing")


if __name__ == "__main__":
    asyncio.run(main())
