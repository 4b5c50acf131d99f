"""Starts of a hub that is gone: the one that came after it sees them to their end, or removes what cannot start.

JupyterHub itself would ask for `http_timeout` seconds at an address that is not there yet, and then stop the server.
"""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from genkan_spawner.aftermath import Aftermath
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.following.pod_state import moment
from genkan_spawner.hub_view import HubView
from genkan_spawner.kinds import PODS
from genkan_spawner.kubespawner_seam import pod_url
from genkan_spawner.refusals import Refusal

from .pursuit import Pursuit
from .story import Story

if TYPE_CHECKING:
    from genkan_spawner.cluster_spawner import ClusterSpawner

AT_LEAST = 10.0
"""Seconds that a start is followed whose time ran out while no hub was there to see it."""


async def taken_up(spawner: "ClusterSpawner", view: HubView, *, story: Story) -> Aftermath | None:
    """Follow a start that an earlier hub has begun until its server answers; a server that runs is left alone.

    Returned is why it cannot start any more, for its user's next visit: then the pod is to be removed. A pod that
    cannot be read is not concluded from.
    """
    found = view.servers.get(spawner.namespace, spawner.pod_name)
    if found is None or found.running or view.servers.ending(spawner.namespace, spawner.pod_name) is not None:
        return None
    spawner.log.info("Taking up the start of %s/%s.", spawner.namespace, spawner.pod_name)
    try:
        await _follow(spawner, view, story=story)
    except Refusal as refusal:
        spawner.log.warning("The start of %s/%s cannot go on: %s", spawner.namespace, spawner.pod_name, refusal)
        return Aftermath(refusal.jupyterhub_message, datetime.now(tz=UTC))
    except KubernetesError as e:
        spawner.log.warning("The start of %s/%s cannot be seen: %s", spawner.namespace, spawner.pod_name, e.message)
    return None


async def _follow(spawner: "ClusterSpawner", view: HubView, *, story: Story) -> None:
    """Raise Refusal where the server cannot start, or not in the time that was left to it."""
    await spawner.recall()
    created = await view.api.get(PODS, spawner.pod_name, namespace=spawner.namespace)
    deadline = asyncio.get_running_loop().time() + max(AT_LEAST, spawner.start_timeout - _age(created))
    pursuit = Pursuit(view, created, story=story, patience=spawner.patience, deadline=deadline)
    pod = await pursuit.until_running()
    await pursuit.until_answering(pod_url(spawner, pod), within=spawner.http_timeout)


def _age(pod: JsonObject) -> float:
    created = moment(pod["metadata"].get("creationTimestamp"))
    return (datetime.now(tz=UTC) - created).total_seconds() if created is not None else 0.0
