"""The claim of a home under whatever name it has: one made by an older hub must be found, for another one is empty.

The names that hubs have given overlap: `home-lab-40` was the claim of `lab@` on one and is that of `lab-40` on another.
So whose a claim is says the annotation with which KubeSpawner marks what it makes, and never the name alone.
"""

from typing import TYPE_CHECKING

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.denials import refusal_of
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import CLAIMS
from genkan_spawner.kubespawner_seam import claim_names, knows_claim, take_claim
from genkan_spawner.marks import USER_NAME
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

if TYPE_CHECKING:
    from genkan_spawner.cluster_spawner import ClusterSpawner

_MEND = "Tell an administrator: the hub's documentation on moving homes says what to do."


async def settle_claim(spawner: "ClusterSpawner", api: KubernetesApi) -> None:
    """Have the spawner mount the claim that its user has, before its pod is made. Raises Refusal.

    Of several names the first is that of a claim which is yet to be made. The one that was used last comes before it.
    """
    names = claim_names(spawner, proposed=spawner.home_claim)
    if not spawner.storage_pvc_ensure or names == (spawner.pvc_name,):
        return
    remembered = spawner.pvc_name if knows_claim(spawner) else ""
    for name in sorted(names, key=lambda name: name != remembered):
        found = await _found(api, name, spawner.namespace)
        if found is not None and _is_taken(found, spawner.user.name, surely=name in {remembered, names[0]}):
            if name != names[0]:
                spawner.log.info("The home of %s keeps its earlier name %s.", spawner.user.name, name)
            take_claim(spawner, name, exists=True)
            return
    take_claim(spawner, names[0], exists=False)


def _is_taken(claim: JsonObject, user: str, *, surely: bool) -> bool:
    """Return whether a claim is this user's home; raises Refusal where that cannot be, or is not known.

    `surely` is said of a name that no other user's home has.
    """
    marked = (claim["metadata"].get("annotations") or {}).get(USER_NAME)
    if marked == user or (marked is None and surely):
        return True
    if marked is not None and not surely:
        return False
    name = claim["metadata"]["name"]
    sentence = (
        f"The storage {name} may be your home, but nothing says whose it is. {_MEND}"
        if marked is None
        else f"The storage {name} should be your home, and is marked as that of another user. {_MEND}"
    )
    raise Refusal(sentence, reason=Reason.STORAGE)


async def _found(api: KubernetesApi, name: str, namespace: str) -> JsonObject | None:
    try:
        return await api.get(CLAIMS, name, namespace=namespace)
    except NotFoundError:
        return None
    except KubernetesError as e:
        raise refusal_of(e) from e
