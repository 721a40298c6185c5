"""Details of errors in Google's form, well made and not."""

from typing import Any

import pytest
from llmring_providers._google_rpc import RpcDetails, read_details

DETAILS = [
    pytest.param([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
                 RpcDetails(reason="API_KEY_INVALID"), id="reason"),
    pytest.param([{"retryDelay": "48.9s"}], RpcDetails(wait=48.9), id="wait"),
    pytest.param([{"retryDelay": {"seconds": 3, "nanos": 500000000}}], RpcDetails(wait=3.5), id="wait as an object"),
    pytest.param([{"violations": [1]}, {"fieldViolations": [2]}], RpcDetails(violations=(1, 2)), id="violations"),
    pytest.param([{"reason": ""}, 5, {"retryDelay": "soon"}, {"violations": "all"}], RpcDetails(), id="odd"),
    pytest.param({"reason": "of another form"}, RpcDetails(), id="no list"),
    pytest.param(None, RpcDetails(), id="nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("details", "read"), DETAILS)
def test_details_tell_reason_wait_and_violations(details: Any, read: RpcDetails) -> None:
    assert read_details(details) == read
