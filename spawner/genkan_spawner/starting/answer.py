"""The answer to a form as it comes in: a refusal at once, or a place that is held until the start takes it over.

What JupyterHub does for a start before it asks the spawner, and takes back after a refusal, costs twenty times what the
checks do: in a crowd that wants the last GPU everybody would wait for all the others.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from genkan_spawner.kubespawner_seam import can_be_foretold, log_name, note_refusal, owner_label, pod_manifest
from genkan_spawner.refusals import Refusal

from .earlier import is_in_the_way
from .promises import Wish
from .reservation import reserve, reserved

if TYPE_CHECKING:
    from genkan_spawner.cluster_spawner import ClusterSpawner


async def answer_form(spawner: "ClusterSpawner", options: Mapping[str, Any]) -> None:
    """Refuse the choice of a form, or hold its place; raises Refusal.

    It is decided as the start itself does. Where a site's own code has a say in the start before that, or an earlier
    server is in its way, nothing is decided here.
    """
    view = spawner.view
    spawner.user_options = dict(options)
    view.promises.release(spawner)
    if not can_be_foretold(spawner):
        return
    try:
        if not _held_as_before(spawner):
            await _hold(spawner)
    except Refusal as refusal:
        spawner.log.info("Not starting %s: %s", log_name(spawner), refusal)
        note_refusal(spawner, refusal)
        raise
    except Exception:
        # The start comes to the same point, where JupyterHub tells of it and counts it.
        spawner.log.debug("What %s asks for cannot be foretold.", log_name(spawner), exc_info=True)


def _held_as_before(spawner: "ClusterSpawner") -> bool:
    """Hold what the last one with the same choice needed, and return whether that was known and is there.

    It may not be quite what this start will need, which looks for it again then; no refusal rests on it.
    """
    view = spawner.view
    wish = view.promises.wish(spawner.user_options)
    if wish is None:
        return False
    demand = replace(wish.demand, name=spawner.pod_name, owner=owner_label(spawner))
    if is_in_the_way(view, demand.namespace, demand.name):
        return True
    try:
        view.promises.hold(spawner, reserve(view.cache, demand, examine=wish.conditions.examine))
    except Refusal:
        return False
    return True


async def _hold(spawner: "ClusterSpawner") -> None:
    """Hold what the pod of this very start needs; raises Refusal."""
    view = spawner.view
    await spawner.load_user_options()
    manifest = await pod_manifest(spawner)
    if is_in_the_way(view, spawner.namespace, spawner.pod_name):
        return
    view.promises.release(spawner)
    with reserved(view.cache, manifest, examine=spawner.examine) as reservation:
        view.promises.hold(spawner, reservation)
        view.promises.learn(spawner.user_options, Wish(reservation.demand, spawner.circumstances))
