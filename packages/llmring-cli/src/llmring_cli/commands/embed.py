"""``llmring embed``."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from llmring import EmbeddingRequest, EmbeddingResponse
from llmring_types.exceptions import ValidationError

from llmring_cli._live import ring_for
from llmring_cli._output import print_json_line, report, report_logs
from llmring_cli._parameters import Count, Flag, ModelName, ProfileName
from llmring_cli.chat.answer import report_attempts
from llmring_cli.chat.message import piped, read_file


def embed(
    *texts: str,
    model: Annotated[ModelName | None, Parameter(alias="-m")] = None,
    file: Annotated[list[Path] | None, Parameter(name=("--file", "-f"), negative="")] = None,
    dimensions: Count | None = None,
    purpose: Literal["document", "query"] | None = None,
    profile: ProfileName = None,
    verbose: Annotated[Flag, Parameter(alias="-v")] = False,
) -> None:
    """Print the embeddings of texts as JSON lines.

    Each text gives one line with its "index", its "embedding" and its "text", or "file". Texts are the arguments, the
    files, and the lines of standard input if there are neither. Long lists are sent in batches.

    $ llmring embed "a green house" --model docs-index
    $ llmring embed --file chapter-1.txt --file chapter-2.txt --model openai:text-embedding-3-small
    $ cut -f 2 titles.tsv | llmring embed --model docs-index > titles.jsonl

    Args:
        texts: The texts. Read from standard input, one per line, if omitted.
        model: An alias or provider:model. Default: the alias "default".
        file: A text file to embed as a whole. May be given several times.
        dimensions: Length of the vectors. Default: the model's own, or what the lockfile locks for the alias.
        purpose: The role of the texts in a search, for models that distinguish the two.
        verbose: Report model, tokens, cost and attempts on standard error.
    """
    sources = _sources(texts, file or [])
    request = EmbeddingRequest(
        [text for _, text in sources], model=model, dimensions=dimensions, purpose=purpose
    )
    response = asyncio.run(_answer(request, profile))
    for index, ((source, text), vector) in enumerate(zip(sources, response.embeddings, strict=True)):
        origin = {"text": text} if source is None else {"file": str(source)}
        print_json_line({"index": index, **origin, "embedding": vector})
    for warning in response.warnings:
        report(f"warning: {warning}")
    if verbose:
        _account(response)


def _sources(texts: tuple[str, ...], files: list[Path]) -> list[tuple[Path | None, str]]:
    """Return the texts, each with the file that it is the content of."""
    found: list[tuple[Path | None, str]] = [(None, text) for text in texts]
    for path in files:
        try:
            found.append((path, read_file(path).decode()))
        except UnicodeDecodeError as error:
            raise ValidationError(f"cannot embed {path}: it is not text", field="file") from error
    if not found:
        found += [(None, line) for line in piped('llmring embed "a text"').splitlines() if line.strip()]
    return found


async def _answer(request: EmbeddingRequest, profile: str | None) -> EmbeddingResponse:
    report_logs()
    async with await ring_for(request.model) as ring:
        return await ring.embed(request, profile)


def _account(response: EmbeddingResponse) -> None:
    usage = response.usage or {}
    tokens = usage.get("prompt_tokens", "unknown")
    cost = usage.get("cost")
    report(
        f"{response.model}: {len(response.embeddings)} vectors of {response.dimensions} dimensions, "
        f"tokens: {tokens}, cost: {'unknown' if cost is None else f'${cost:.6f}'}"
    )
    if len(response.attempts) > 1:
        report_attempts(response.attempts)
