"""Bulk jobs: ``ring.map`` over any number of requests, with a journal to resume from.

``async for outcome in ring.map(requests, journal="job.db")``; ``docs/bulk.md`` has the whole of it.
"""

from llmring.bulk._batch_parts import BatchHandle, BatchPart, BatchProgress
from llmring.bulk._outcomes import Outcome, Progress, Row
from llmring.bulk._plan import Plan
from llmring.bulk._reading import JournalState, journal_outcomes, journal_state, retry_failed
from llmring.bulk._stream import Outcomes, SyncOutcomes
from llmring.bulk._templates import RequestTemplate, Template, parsed_values

__all__ = [
    "BatchHandle",
    "BatchPart",
    "BatchProgress",
    "JournalState",
    "Outcome",
    "Outcomes",
    "Plan",
    "Progress",
    "RequestTemplate",
    "Row",
    "SyncOutcomes",
    "Template",
    "journal_outcomes",
    "journal_state",
    "parsed_values",
    "retry_failed",
]
