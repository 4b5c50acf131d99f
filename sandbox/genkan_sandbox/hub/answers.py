"""Requests of the sandbox to its own hub, each repeated until it is answered."""

import asyncio

import aiohttp

_POLL = 0.1

_PATIENCE = aiohttp.ClientTimeout(total=5)
"""For one request: a hub that hangs is asked again."""


async def hub_answers(public_url: str) -> None:
    """Wait until the hub answers through the proxy."""
    await _insist("GET", f"{public_url}hub/health", headers={})


async def fill_proxy(hub_url: str, *, token: str) -> None:
    """Ask the hub to write its routes into a proxy that was started anew; by itself it looks every five minutes."""
    await _insist("POST", f"{hub_url}/hub/api/proxy", headers={"Authorization": f"token {token}"})


async def _insist(method: str, url: str, *, headers: dict[str, str]) -> None:
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        while True:
            try:
                async with session.request(method, url, headers=headers) as response:
                    if response.ok:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_POLL)
