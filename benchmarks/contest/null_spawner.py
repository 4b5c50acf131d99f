"""A spawner that starts nothing, for the part of each figure that is JupyterHub's own."""

import asyncio
from typing import Any

from jupyterhub.spawner import Spawner
from traitlets import Float, Unicode


class NullSpawner(Spawner):  # type: ignore[misc]  # JupyterHub is published without types
    """Says that every server is at one address, where something answers as a server would."""

    address = Unicode("127.0.0.1", config=True, help="Where all servers are.")
    start_seconds = Float(0, config=True, help="How long a start takes.")
    options_form = "<p>There is nothing to choose.</p>"

    _started = False

    async def start(self) -> tuple[str, int]:
        """Wait as long as a pod would."""
        await asyncio.sleep(self.start_seconds)
        self._started = True
        return self.address, self.port

    async def stop(self, now: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # JupyterHub's signature
        """Forget the server."""
        self._started = False

    async def poll(self) -> int | None:
        """Say whether the server runs, as JupyterHub wants to hear it: None if it does."""
        return None if self._started else 0

    def get_state(self) -> dict[str, Any]:
        """Return what a hub that is started anew needs."""
        return {**super().get_state(), "started": self._started}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what an earlier hub knew."""
        super().load_state(state)
        self._started = bool(state.get("started"))
