"""Who gets to know how calls end: records, spans, logs."""
