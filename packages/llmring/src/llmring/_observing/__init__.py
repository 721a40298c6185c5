"""Observation of calls: records, spans, logs."""
