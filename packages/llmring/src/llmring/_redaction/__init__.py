"""Secrets taken out of what is written: recordings, the usage log, reports to the usage server."""

from llmring._redaction.redactor import REDACTED, SHORTEST, Edit, Redactor, edited

__all__ = ["REDACTED", "SHORTEST", "Edit", "Redactor", "edited"]
