"""What only the aiohttp transport does."""

import pytest
import trio
from llmring_providers.transport import HttpRequest
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_types.exceptions import ConfigurationError


def test_it_says_what_to_use_on_trio() -> None:
    async def main() -> None:
        await AiohttpTransport().send(HttpRequest("GET", "http://127.0.0.1/", {}))

    with pytest.raises(ConfigurationError, match=r"Httpx2Transport.*\[httpx2\]"):
        trio.run(main)
