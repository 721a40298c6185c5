"""``llmring export``."""

import io
import sys
from pathlib import Path
from typing import Annotated, get_args

from cyclopts import Parameter
from llmring.usage import Format, read
from llmring.usage import export as write

from llmring_cli._failure import CommandError
from llmring_cli._files import replacing_output
from llmring_cli._moments import Since, Until
from llmring_cli._output import report, write_exact
from llmring_cli._usage_log import LogPath, OfAlias, OfModel, OfOrigin, find_usage_log


def export(
    *,
    format: Format | None = None,  # noqa: A002 - the option's name
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    since: Since = None,
    until: Until = None,
    model: OfModel = None,
    alias: OfAlias = None,
    origin: OfOrigin = None,
    log: LogPath = None,
) -> None:
    """Write the rows of the local usage log for other tools.

    One row for each call: tokens, cost, times and who asked; no messages. Parquet needs pyarrow. A file is
    replaced whole, or not at all. Exit code 1 when there is no log.

    $ llmring export --format csv --output usage.csv
    $ llmring export --format jsonl --since 7d | jq .cost
    $ llmring export --output usage.parquet

    Args:
        format: What is written; when it is left out, what the output's name ends in, else csv.
        output: The file; standard output when it is left out.
    """
    form = format or _form_of(output)
    entries = read(find_usage_log(log), since=since, until=until, model=model, alias=alias, origin=origin)
    if output is None:
        if form == "parquet" and sys.stdout.isatty():
            raise CommandError("parquet is not for a terminal; name a file with --output FILE")
        if sys.stdout.isatty():
            text = io.BytesIO()
            write(entries, text, form)
            write_exact(text.getvalue().decode())
        else:
            write(entries, sys.stdout.buffer, form)
        return
    with replacing_output(output) as file:
        count = write(entries, file, form)
    report(f"wrote {count:,} rows to {output}")


def _form_of(output: Path | None) -> Format:
    suffix = "" if output is None else output.suffix.removeprefix(".").lower()
    return next((form for form in get_args(Format) if form == suffix), "csv")
