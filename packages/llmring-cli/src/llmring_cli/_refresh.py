"""Asking the registry over the network."""

import asyncio
from collections.abc import Iterable

from llmring.registry import Registry, RegistryClient
from llmring_providers.transport import AutoTransport
from llmring_types.exceptions import RegistryConnectionError, RegistryError

from llmring_cli._output import report_logs

PATIENCE_S = 20.0
"""How long a registry may take."""


async def refresh(
    registry: Registry, providers: Iterable[str], *, force: bool = False
) -> dict[str, RegistryError | None]:
    """Ask the registry about these providers, all at once; the error of each, if there was one."""
    report_logs()
    names = list(providers)
    transport = AutoTransport(trust_env=True)
    client = RegistryClient(registry, transport)

    async def one(provider: str) -> RegistryError | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await client.refresh(provider, force=force)
        except TimeoutError:
            return RegistryConnectionError(
                f"{registry.location.document(provider)} did not answer within {PATIENCE_S:g} s"
            )
        except RegistryError as error:
            return error
        return None

    try:
        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
    finally:
        await transport.aclose()
