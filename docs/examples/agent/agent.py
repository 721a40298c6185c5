"""An agent: the tools of an MCP server, one of its own, and a person who approves each call."""

import asyncio
import sys
from pathlib import Path

from llmring import LLMRequest, LLMRing, Message
from llmring.tools import mcp_tools

HERE = Path(__file__).parent


def note(text: str) -> str:
    """Write a note for later."""
    print("note:", text)
    return "noted"


async def main(question: str) -> None:
    async with (
        LLMRing(lockfile_path=HERE / "llmring.lock") as ring,
        mcp_tools([sys.executable, str(HERE / "server.py")]) as tools,
    ):
        request = LLMRequest([Message.user(question)], model="assistant")
        run = await ring.run(request, tools=[*tools, note], max_rounds=8, max_cost_usd=0.10)
        for result in run.results:
            print("called:", result.call["function"]["name"])
        print(run.content)


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Use weather: is it warm in Rome? Note it."))
