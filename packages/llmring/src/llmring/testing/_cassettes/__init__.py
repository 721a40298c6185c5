"""Recordings of what providers said, for tests that need neither network nor keys.

A cassette is a JSON file made to be read and reviewed. What goes into it has passed :mod:`redaction`; what is asked at
replay passes it too, so that both are compared without their keys.
"""

from llmring.testing._cassettes.recording import Recording, record
from llmring.testing._cassettes.replaying import Replay, replay

__all__ = ["Recording", "Replay", "record", "replay"]
