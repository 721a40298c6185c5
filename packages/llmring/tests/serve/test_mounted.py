"""The gateway inside an application of somebody else's."""

import pytest
from asgi import ask
from gateways import ANTHROPIC, CHAT, CLAUDE, OPENAI, WORDS, ring_of
from llmring.serve import app
from starlette.applications import Starlette
from starlette.routing import Mount


@pytest.mark.parametrize(("path", "body"), [(OPENAI, CHAT), (ANTHROPIC, CLAUDE), ("/v1/models/fast", None)])
async def test_a_mounted_gateway_answers_below_its_place_alone(path: str, body: object) -> None:
    async with ring_of() as ring:
        application = Starlette(routes=[Mount("/ai", app(ring))])
        below = await ask(application, f"/ai{path}", body)
        beside = await ask(application, path, body)
        alive = await ask(application, "/ai/healthz")
    assert (below.status, beside.status, alive.body) == (200, 404, b"ok\n")
    assert str(WORDS.text if body else "fast") in below.body.decode()
