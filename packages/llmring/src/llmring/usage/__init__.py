"""The local usage log: what calls used and cost, in one SQLite file, and what can be read from it.

A ring writes it where ``LLMRing(usage_log=PATH)`` or ``LLMRING_USAGE_LOG`` names a file; several processes
may share one. It holds no messages and no answers.
"""

from llmring.usage._entry import UsageEntry
from llmring.usage._export import Format, export
from llmring.usage._log import UsageLog
from llmring.usage._moments import Moment, parse_moment
from llmring.usage._queries import Group, UsageLatency, UsageStats, latencies, read, stats

__all__ = [
    "Format",
    "Group",
    "Moment",
    "UsageEntry",
    "UsageLatency",
    "UsageLog",
    "UsageStats",
    "export",
    "latencies",
    "parse_moment",
    "read",
    "stats",
]
