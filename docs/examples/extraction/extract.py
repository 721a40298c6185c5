"""Read every PDF of a folder into a pydantic model, and print a table."""

import asyncio
import sys
from pathlib import Path

from llmring import LLMRequest, LLMRing, LLMRingError, Message
from llmring.content import document
from pydantic import BaseModel, Field

HERE = Path(__file__).parent


class Invoice(BaseModel):
    """What an invoice says."""

    seller: str
    total: float = Field(ge=0)
    currency: str = Field(description="ISO 4217, such as EUR")


async def read(ring: LLMRing, path: Path) -> Invoice | LLMRingError:
    question = "Read this invoice."
    request = LLMRequest([Message.user(document(path), question)], model="extractor", response_format=Invoice)
    try:
        response = await ring.chat(request)
    except LLMRingError as error:  # one that cannot be read does not end the others
        return error
    assert isinstance(response.parsed, Invoice)
    return response.parsed


async def main(paths: list[Path]) -> None:
    async with LLMRing(lockfile_path=HERE / "llmring.lock") as ring:
        for path, invoice in zip(
            paths, await asyncio.gather(*(read(ring, path) for path in paths)), strict=True
        ):
            if isinstance(invoice, Invoice):
                print(f"{path.name}\t{invoice.seller}\t{invoice.total:.2f} {invoice.currency}")
            else:
                print(f"{path.name}\tnot read: {invoice}", file=sys.stderr)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "invoices"
    asyncio.run(main(sorted(folder.glob("*.pdf"))))
