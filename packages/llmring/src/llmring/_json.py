"""The ways in which JSON fails: that of others when it is read, values without a form in JSON when they are written."""

import msgspec

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises for bytes that are not the JSON that was expected, however deep they are nested."""

ENCODE_ERRORS = (TypeError, ValueError, OverflowError, RecursionError)
"""All that msgspec raises for values that JSON has no form for: an object, a lone surrogate, a cycle."""
