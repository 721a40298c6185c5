"""What the tests of ``tests/interop`` share: recordings, and readings of them that use none of our decoders."""
