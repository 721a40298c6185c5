"""Sleeping with whichever async library runs."""

import asyncio
import math
import sys


async def pause(seconds: float) -> None:
    """Sleep; an infinite number of seconds is for ever. Works on asyncio and on trio, which it never imports."""
    if not seconds:
        return
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        await trio.sleep(seconds)
    elif math.isinf(seconds):
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(seconds)
