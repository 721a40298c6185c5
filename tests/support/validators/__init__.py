"""Known refusals of each vendor, as data with their sources, held against every request that a test makes."""
