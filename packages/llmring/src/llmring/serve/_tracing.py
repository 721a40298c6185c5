"""The trace of a client, continued: https://www.w3.org/TR/trace-context/"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def continued_trace(headers: Mapping[str, str]) -> Iterator[None]:
    """Put the calls of a request below the span that the client names, where the application uses OpenTelemetry."""
    if "traceparent" not in headers or "opentelemetry" not in sys.modules:
        yield
        return
    from opentelemetry import context, propagate  # noqa: PLC0415 - loaded by the application

    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
