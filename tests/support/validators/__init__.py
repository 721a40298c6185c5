"""What each vendor is known to refuse, as data with its source, held against every request that a test makes."""
