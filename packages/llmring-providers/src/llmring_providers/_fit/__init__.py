"""Requests fitted to the protocol, model and host that they go to, with a warning for each change."""
