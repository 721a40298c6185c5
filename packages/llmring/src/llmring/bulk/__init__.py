"""Bulk jobs: ``ring.map`` over any number of requests, with a journal to resume from.

``async for outcome in ring.map(requests, journal="job.db")``; ``docs/bulk.md`` has the whole of it.
"""

from llmring.bulk._batch_parts import BatchHandle, BatchPart, BatchProgress
from llmring.bulk._outcomes import Outcome, Progress, Row
from llmring.bulk._stream import Outcomes, SyncOutcomes

__all__ = [
    "BatchHandle",
    "BatchPart",
    "BatchProgress",
    "Outcome",
    "Outcomes",
    "Progress",
    "Row",
    "SyncOutcomes",
]
