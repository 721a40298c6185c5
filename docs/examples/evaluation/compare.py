"""Two models on the same questions. Answers are recorded once; from then on the comparison is free."""

import asyncio
import sys
from pathlib import Path

from llmring import LLMRequest, LLMRing, Message
from llmring.testing import record, replay

QUESTIONS = ["Name a river of Italy.", "What is 17 * 23?", "Spell Mississippi."]
CASSETTE = Path("compare.json")


async def answers(model: str) -> list[str]:
    async with LLMRing() as ring:
        requests = [
            LLMRequest([Message.user(question)], model=model, temperature=0) for question in QUESTIONS
        ]
        return [(await ring.chat(request)).content for request in requests]


async def main(models: list[str]) -> None:
    table = [await answers(model) for model in models]
    for number, question in enumerate(QUESTIONS):
        print(question)
        for model, column in zip(models, table, strict=True):
            print(f"  {model}: {column[number]}")


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["sim:demo", "sim:small"]
    with replay(CASSETTE) if CASSETTE.exists() else record(CASSETTE):
        asyncio.run(main(chosen))
