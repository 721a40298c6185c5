"""A chat bot in a web page: the answer appears while the model writes it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, StreamingResponse
from llmring import LLMRequest, LLMRing, LLMRingError, Message
from pydantic import BaseModel

PAGE = Path(__file__).with_name("page.html")


class Turn(BaseModel):
    role: Literal["user", "assistant"]
    content: str


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, LLMRing]]:
    async with LLMRing(lockfile_path=Path(__file__).with_name("llmring.lock")) as ring:
        yield {"ring": ring}


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.post("/answer")
async def answer(request: Request, turns: list[Turn]) -> StreamingResponse:
    ring: LLMRing = request.state.ring
    messages = [Message(role=turn.role, content=turn.content) for turn in turns]
    try:  # an error before the first chunk becomes a status
        stream = await ring.chat_stream(LLMRequest(messages, model="assistant")).start()
    except LLMRingError as error:
        raise HTTPException(502, str(error)) from error

    async def events() -> AsyncIterator[str]:
        try:
            async for text in stream.text():
                yield _event("text", text)
        except LLMRingError as error:  # a cut answer never looks finished
            yield _event("failure", str(error))
        else:
            yield _event("end", "")

    return StreamingResponse(events(), media_type="text/event-stream")


def _event(kind: str, text: str) -> str:
    return f"data: {json.dumps({'kind': kind, 'text': text})}\n\n"
