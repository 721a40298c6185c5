"""Classify the lines of a file. Kill it and start it again: no line that was answered is asked again."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llmring import LLMRequest, LLMRing, Message

HERE = Path(__file__).parent


@dataclass
class Verdict:
    mood: Literal["glad", "angry", "neutral"]


def requests(path: Path) -> Iterator[LLMRequest]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield LLMRequest(
                [Message.user(f"The mood of: {line.strip()}")], model="classifier", response_format=Verdict
            )


async def main(path: Path) -> None:
    async with LLMRing(lockfile_path=HERE / "llmring.lock") as ring:
        outcomes = ring.map(requests(path), journal=path.with_suffix(".db"), budget_usd=1, ordered=True)
        async for outcome in outcomes:
            print(outcome.response.parsed.mood if outcome.response else outcome.error)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "reviews.txt"))
