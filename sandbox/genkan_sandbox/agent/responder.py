"""One small web server for all simulated pods: it answers on their addresses as single-user servers would."""

import asyncio
import logging
from importlib.metadata import version

from aiohttp import web

from genkan_sandbox.agent.status import now, timestamp

log = logging.getLogger(__name__)

VERSION_HEADER = "X-JupyterHub-Version"
"""By this header the hub knows a single-user server and its version."""


class Responder:
    """Listens on any number of addresses; every request on one that is listened on is answered with 200."""

    def __init__(self) -> None:
        self._version = version("jupyterhub")
        self._server = web.Server(self._answer)
        self._listeners: dict[str, asyncio.Server] = {}

    async def listen(self, address: str, port: int) -> None:
        """Answer on an address; one that is taken is logged, as a pod with a broken server would run all the same."""
        if address in self._listeners:
            return
        try:
            listener = await asyncio.get_running_loop().create_server(self._server, address, port)
        except (OSError, OverflowError) as e:
            log.warning("No simulated server on %s:%d: %s", address, port, e)
            return
        if address in self._listeners:
            listener.close()
            return
        self._listeners[address] = listener

    def silence(self, address: str) -> None:
        """Stop answering on an address; connections that are open are answered no more."""
        listener = self._listeners.pop(address, None)
        if listener is not None:
            listener.close()

    async def close(self) -> None:
        """Stop answering altogether."""
        for address in list(self._listeners):
            self.silence(address)
        await self._server.shutdown(0)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        """Say what Jupyter Server's `/api` and `/api/status` say, whatever was asked."""
        address = request.transport.get_extra_info("sockname")[0] if request.transport else ""
        if address not in self._listeners:
            gone = web.Response(status=503)
            gone.force_close()
            return gone
        moment = timestamp(now())
        status = {"version": self._version, "started": moment, "last_activity": moment, "connections": 0, "kernels": 0}
        return web.json_response(status, headers={VERSION_HEADER: self._version})
