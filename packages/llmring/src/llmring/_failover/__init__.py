"""Failover: the model to try, the moment, and the number of attempts."""

from llmring._failover.failover import Answered, Attempting, Failover
from llmring._failover.limits import Permit, PlacedStream

__all__ = ["Answered", "Attempting", "Failover", "Permit", "PlacedStream"]
