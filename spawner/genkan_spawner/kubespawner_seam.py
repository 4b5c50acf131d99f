"""Every place where more of KubeSpawner is used than its published names, so that a new version is read once.

Written against jupyterhub-kubespawner 7.1.
"""

import asyncio
import copy
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.auth import Authenticator
from jupyterhub.metrics import SERVER_SPAWN_DURATION_SECONDS, ServerSpawnStatus
from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubespawner import KubeSpawner
from kubespawner.objects import make_namespace, make_owner_reference

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.checks.claims import NewClaim
from genkan_spawner.checks.demand import OWNER
from genkan_spawner.following.server_pods import ServerPods
from genkan_spawner.hooks import call_hook
from genkan_spawner.kinds import SECRETS, SERVICES, Kind

_SERVERS_NAME = re.compile(r"\{(unescaped_|safe_|escaped_)?servername\}")
_USER_SERVER = re.compile(r"\{(safe_|escaped_)?user_server\}")
"""What stands for a server's own name in KubeSpawner's templates."""
_OF_USER = re.compile(r"\{((unescaped_|safe_|escaped_)?username|(safe_|escaped_)?user_server|userid)\}")
"""What is different for each user there."""


class ServersAsReflector(Mapping[str, JsonObject]):
    """The servers' pods in the shape of KubeSpawner's reflector, whose own watch is not started."""

    def __init__(self, servers: ServerPods) -> None:
        self._servers = servers

    @property
    def pods(self) -> Mapping[str, JsonObject]:
        """The pods by namespace and name, as `namespace/name`."""
        return self

    def __getitem__(self, key: str) -> JsonObject:
        namespace, _, name = key.partition("/")
        found = self._servers.raw(namespace, name)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        return (f"{namespace}/{name}" for namespace, name in self._servers)

    def __len__(self) -> int:
        return sum(1 for _ in self._servers)


@contextmanager
def connected_to(api: KubernetesApi) -> Iterator[None]:
    """Have the spawners that are made meanwhile use this connection.

    KubeSpawner looks for its cluster by itself: in the pod that it runs in, then in the default kubeconfig.
    """
    names = vars(sys.modules[KubeSpawner.__module__])
    found = {name: names[name] for name in ("load_config", "shared_client")}
    names.update(load_config=lambda **_: None, shared_client=lambda _: CoreV1Api(api.client))
    try:
        yield
    finally:
        names.update(found)


def unlimited_connection(spawner: KubeSpawner) -> KubernetesApi:
    """Return another connection to the spawner's cluster, to be closed, with as many sockets as are wanted.

    Each watch holds one as long as it lives, and the client that KubeSpawner has allows a hundred in all: where only
    namespaces may be watched, the watches of twenty teams would leave none for starts.
    """
    configuration = copy.deepcopy(spawner.api.api_client.configuration)
    configuration.connection_pool_maxsize = 0  # aiohttp's word for no limit
    return KubernetesApi(ApiClient(configuration))


def commit(spawner: KubeSpawner) -> None:
    """Write what was changed of the server's record into the hub's database."""
    user: Any = spawner.user
    user.db.commit()


def namespace_manifest(spawner: KubeSpawner) -> JsonObject | None:
    """Return the user's own namespace, or None where the hub is not set up for one per user."""
    if not spawner.enable_user_namespaces:
        return None
    labels, annotations = spawner.user_namespace_labels, spawner.user_namespace_annotations
    return _serialised(
        spawner, make_namespace(spawner.namespace, spawner._expand_all(labels), spawner._expand_all(annotations))
    )


def log_name(spawner: KubeSpawner) -> str:
    """Return by which name JupyterHub's log knows a server."""
    return str(spawner._log_name)


def is_looked_for_again(spawner: KubeSpawner) -> bool:
    """Return whether JupyterHub has just come back and asks whether a server of its database is still there."""
    return bool(spawner._check_pending)


def can_be_foretold(spawner: KubeSpawner) -> bool:
    """Return whether no code of a site's own can change what is started between the form and the pod."""
    hooks = (spawner.pre_spawn_hook, spawner.auth_state_hook, spawner.modify_pod_hook, spawner.group_overrides)
    authenticator = spawner.authenticator
    if any(hooks) or (authenticator is not None and authenticator.refresh_pre_spawn):
        return False
    return getattr(type(authenticator), "pre_spawn_start", None) in {None, Authenticator.pre_spawn_start}


def note_refusal(spawner: KubeSpawner, refusal: SpawnException) -> None:
    """Let a refusal before the start count and be told as one by the start: on the waiting page, to event streams."""
    ended = asyncio.get_running_loop().create_future()
    ended.set_exception(refusal)
    # Else the loop would report an exception that nobody looked at.
    ended.exception()
    # JupyterHub reads a form that follows a refusal with a spawner that it does not keep.
    kept: Any = spawner
    kept._spawn_future = ended
    kept.user.spawners[spawner.name] = kept
    labels = {"status": ServerSpawnStatus.failure, "reason": refusal.reason}
    SERVER_SPAWN_DURATION_SECONDS.labels(**labels).observe(0)


async def pod_manifest(spawner: KubeSpawner) -> JsonObject:
    """Return the pod that would be created, as the site's hook leaves it."""
    pod = await spawner.get_pod_manifest()
    if spawner.modify_pod_hook:
        pod = await call_hook("modify_pod_hook", spawner.modify_pod_hook, spawner, pod, log=spawner.log)
    return _plain(spawner, pod)


async def claim_manifest(spawner: KubeSpawner) -> JsonObject | None:
    """Return the claim of the user's home, or None where it is not the hub's business.

    What KubeSpawner remembers is a name only, while each team's namespace has a claim of that name to itself.
    """
    return _plain(spawner, spawner.get_pvc_manifest()) if spawner.storage_pvc_ensure else None


def claim_names(spawner: KubeSpawner, *, proposed: str) -> tuple[str, ...]:
    """Return the names under which the claim of the user's home may be, first that of a new one.

    `proposed` is what the catalogue calls it, empty where it says nothing; then KubeSpawner's rules hold. KubeSpawner 6
    did not remember names.
    """
    if proposed:
        known = [spawner.pvc_name] if spawner._pvc_exists else []
        return tuple(dict.fromkeys([proposed, *known, *_earlier_names(spawner)]))
    remembers = spawner.handle_legacy_names and spawner.remember_pvc_name
    if not remembers or spawner._pvc_exists or spawner._state_kubespawner_version != "unknown":
        return (spawner.pvc_name,)
    legacy = spawner._expand_user_properties(spawner.pvc_name_template, slug_scheme="escape")
    return tuple(dict.fromkeys([spawner.pvc_name, legacy]))


def _earlier_names(spawner: KubeSpawner) -> Iterator[str]:
    """Yield what KubeSpawner's rules call the claim: of the default server, whose files a home is, then of this one."""
    for template in dict.fromkeys([_of_default(spawner), spawner.pvc_name_template]):
        for scheme in (spawner.slug_scheme, "safe", "escape"):
            yield str(spawner._expand_user_properties(template, slug_scheme=scheme))


def _of_default(spawner: KubeSpawner) -> str:
    """Return the template for the name of a claim as it is for the default server."""
    own = str(spawner.pvc_name_template)
    found = _SERVERS_NAME.sub("", _USER_SERVER.sub(r"{\1username}", own))
    return found if own.endswith("-") else found.rstrip("-")


def claims_are_shared(spawner: KubeSpawner) -> bool:
    """Return whether KubeSpawner's rules call the claims of all users the same."""
    return _OF_USER.search(spawner.pvc_name_template) is None


def is_of_named_server(spawner: KubeSpawner) -> bool:
    """Return whether a named server has a claim that the user's default server has not."""
    shared = {spawner._expand_user_properties(_of_default(spawner), slug_scheme=name) for name in ("safe", "escape")}
    return _of_default(spawner) != spawner.pvc_name_template and spawner.pvc_name not in shared


def saved_states(spawner: KubeSpawner) -> Iterator[Any]:
    """Yield what JupyterHub keeps of each server of the user."""
    user = getattr(spawner.user, "orm_user", None)
    yield from (row.state for row in user.orm_spawners.values()) if user is not None else ()


def expanded(spawner: KubeSpawner, value: Any) -> Any:
    """Return a value of a trait with what KubeSpawner puts into its templates."""
    return spawner._expand_all(value)


def mounted_claims(spawner: KubeSpawner) -> Iterator[tuple[str, str]]:
    """Yield the claims of a spawner's volumes, which have either spelling: as they are configured, and their names."""
    for volume in spawner._sorted_dict_values(spawner.volumes):
        claim = volume.get("persistentVolumeClaim") or volume.get("persistent_volume_claim") or {}
        template = str(claim.get("claimName", ""))
        yield template, str(expanded(spawner, template))


def take_claim(spawner: KubeSpawner, name: str, *, exists: bool) -> None:
    """Have the user's home be in the claim of this name, and remember it once it exists."""
    spawner.pvc_name = name
    spawner._pvc_exists = exists


def knows_claim(spawner: KubeSpawner) -> bool:
    """Return whether the name of the user's claim is that of one which was there."""
    return bool(spawner._pvc_exists)


def new_claim(spawner: KubeSpawner) -> NewClaim | None:
    """Return what the claim of the user's home asks for, or None where it is not the hub's business."""
    return NewClaim.of(_plain(spawner, spawner.get_pvc_manifest())) if spawner.storage_pvc_ensure else None


def owner_label(spawner: KubeSpawner) -> str:
    """Return the label by which the pods of a user are told from those of others."""
    return str(spawner._build_common_labels({}).get(OWNER, ""))


def claim_is_there(spawner: KubeSpawner) -> None:
    """Remember under which name the claim exists."""
    spawner._pvc_exists = True


def pod_url(spawner: KubeSpawner, pod: JsonObject) -> str:
    """Return the address at which a running pod's server is asked."""
    return str(spawner._get_pod_url(pod))


def has_address(spawner: KubeSpawner) -> bool:
    """Return whether a start was completed, as far as the hub's database knows: only then there is an address."""
    server: Any = spawner.server
    return server is not None and bool(server.ip)


def note_address(spawner: KubeSpawner, url: str) -> None:
    """Write down where a server answers whose start this hub has not seen from the beginning."""
    parts = urlsplit(url)
    server: Any = spawner.server
    server.proto, server.ip, server.port = parts.scheme, parts.hostname, parts.port
    commit(spawner)


def companions(spawner: KubeSpawner, pod: JsonObject) -> Iterator[tuple[Kind, JsonObject]]:
    """Yield what some hubs have beside a pod, and which it owns (internal_ssl, services_enabled)."""
    owner = make_owner_reference(spawner.pod_name, pod["metadata"]["uid"])
    if spawner.internal_ssl:
        yield SECRETS, _plain(spawner, spawner.get_secret_manifest(owner))
    if spawner.internal_ssl or spawner.services_enabled:
        yield SERVICES, _plain(spawner, spawner.get_service_manifest(owner, spawner._get_pod_port(pod)))


async def call_pod_created_hook(spawner: KubeSpawner, pod: JsonObject) -> None:
    """Let the site's own hook make what it wants beside a pod."""
    if spawner.after_pod_created_hook:
        await call_hook("after_pod_created_hook", spawner.after_pod_created_hook, spawner, pod, log=spawner.log)


def _plain(spawner: KubeSpawner, manifest: Any) -> JsonObject:
    plain = _serialised(spawner, manifest)
    plain["metadata"]["namespace"] = spawner.namespace
    return plain


def _serialised(spawner: KubeSpawner, manifest: Any) -> JsonObject:
    plain: JsonObject = spawner.api.api_client.sanitize_for_serialization(manifest)
    return plain
