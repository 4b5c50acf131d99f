"""Starts of a hub that is gone: the one that came after it sees them to their end, or removes what cannot start.

JupyterHub itself would ask for `http_timeout` seconds at an address that is not there yet, and then stop the server.
"""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from genkan_spawner.aftermath import Aftermath
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.following.endings import end_of
from genkan_spawner.following.pod_state import PodState, moment
from genkan_spawner.hub_view import HubView
from genkan_spawner.kinds import PODS
from genkan_spawner.kubespawner_seam import has_address, note_address, pod_url
from genkan_spawner.refusals import Refusal

from .pursuit import Pursuit
from .story import Story

if TYPE_CHECKING:
    from genkan_spawner.cluster_spawner import ClusterSpawner

AT_LEAST = 10.0
"""Seconds that a start is followed whose time ran out while no hub was there to see it."""


async def taken_up(spawner: "ClusterSpawner", view: HubView, *, story: Story) -> Aftermath | None:
    """Follow a start that an earlier hub has begun until its server answers; one that was completed is left alone.

    Returned is why it cannot start any more, for its user's next visit: then the pod is to be removed. A pod that
    cannot be read is not concluded from. A hub that has just come back may see no pods yet, so it asks for this one.
    """
    if has_address(spawner):
        return None
    namespace, name = spawner.namespace, spawner.pod_name
    try:
        pod = await view.api.get(PODS, name, namespace=namespace)
        state = PodState.of(pod)
        if state.deleted is None and end_of(state) is None:
            spawner.log.info("Taking up the start of %s/%s.", namespace, name)
            await _follow(spawner, view, pod, story=story)
    except Refusal as refusal:
        spawner.log.warning("The start of %s/%s cannot go on: %s", namespace, name, refusal)
        return Aftermath(refusal.jupyterhub_message, datetime.now(tz=UTC))
    except NotFoundError:
        pass
    except KubernetesError as e:
        spawner.log.warning("Whether %s/%s is starting cannot be seen: %s", namespace, name, e.message)
    return None


async def _follow(spawner: "ClusterSpawner", view: HubView, created: JsonObject, *, story: Story) -> None:
    """Note where the server answers; raise Refusal where it does not, or not in the time that was left to it."""
    await spawner.recall()
    deadline = asyncio.get_running_loop().time() + max(AT_LEAST, spawner.start_timeout - _age(created))
    pursuit = Pursuit(view, created, story=story, patience=spawner.patience, deadline=deadline)
    url = pod_url(spawner, await pursuit.until_running())
    await pursuit.until_answering(url, within=spawner.http_timeout)
    note_address(spawner, url)


def _age(pod: JsonObject) -> float:
    created = moment(pod["metadata"].get("creationTimestamp"))
    return (datetime.now(tz=UTC) - created).total_seconds() if created is not None else 0.0
