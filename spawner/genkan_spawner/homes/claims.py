"""The claim of a home under whatever name it has: one made by an older hub must be found, for another one is empty."""

from typing import TYPE_CHECKING

from genkan_spawner.api import KubernetesApi
from genkan_spawner.denials import refusal_of
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import CLAIMS
from genkan_spawner.kubespawner_seam import claim_names, take_claim

if TYPE_CHECKING:
    from genkan_spawner.cluster_spawner import ClusterSpawner


async def settle_claim(spawner: "ClusterSpawner", api: KubernetesApi) -> None:
    """Have the spawner mount the claim that its user has, before its pod is made. Raises Refusal.

    Of several names the first is that of a claim which is yet to be made.
    """
    names = claim_names(spawner, proposed=spawner.home_claim)
    if not spawner.storage_pvc_ensure or names == (spawner.pvc_name,):
        return
    for name in names:
        if await _is_there(api, name, spawner.namespace):
            if name != names[0]:
                spawner.log.info("The home of %s keeps its earlier name %s.", spawner.user.name, name)
            take_claim(spawner, name, exists=True)
            return
    take_claim(spawner, names[0], exists=False)


async def _is_there(api: KubernetesApi, name: str, namespace: str) -> bool:
    try:
        await api.get(CLAIMS, name, namespace=namespace)
    except NotFoundError:
        return False
    except KubernetesError as e:
        raise refusal_of(e) from e
    return True
