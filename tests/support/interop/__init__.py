"""Shared by the tests of ``tests/interop``: recordings, and readings of them that use none of our decoders."""
