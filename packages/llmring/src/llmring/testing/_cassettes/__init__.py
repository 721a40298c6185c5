"""Recordings of providers' answers, for tests that need neither network nor keys.

A cassette is a JSON file made to be read and reviewed. Requests and answers are recorded without secrets
(:mod:`redaction`); requests at replay lose theirs too, so that both are compared without keys.
"""

from llmring.testing._cassettes.recording import Recording, record
from llmring.testing._cassettes.replaying import Replay, replay
from llmring.testing._cassettes.requests import RecordedRequest, recorded_requests

__all__ = ["RecordedRequest", "Recording", "Replay", "record", "recorded_requests", "replay"]
