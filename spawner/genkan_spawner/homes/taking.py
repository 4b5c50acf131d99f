"""What the catalogue says of homes, as values for KubeSpawner's traits."""

from typing import TYPE_CHECKING, Any

from jupyterhub.utils import maybe_future

from genkan_profiles import HOME, Catalogue, Home, HomeError, Homes, HomesKind, home_of
from genkan_profiles.choices import UNLISTED
from genkan_profiles.home_names import user_folder
from genkan_spawner.kubespawner_seam import knows_claim, take_claim
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

from .mounting import Rows, points_in_home, with_home
from .owner import Owner, owner_of
from .preparation import preparation

if TYPE_CHECKING:
    from genkan_spawner.spawner import GenkanSpawner


def users_home(homes: Homes, user: str) -> Home:
    """Return the home of a user; raises Refusal where it would be somebody else's too."""
    try:
        return home_of(homes, user)
    except HomeError as e:
        raise Refusal(e.sentence, reason=Reason.STORAGE) from e


async def home_traits(spawner: "GenkanSpawner", catalogue: Catalogue, homes: Homes) -> dict[str, Any]:
    """Return the traits with which a spawner, its profile applied already, mounts the home of its user.

    Raises Refusal where there is no home for this user.
    """
    home = users_home(homes, spawner.user.name)
    try:
        owner = await owner_of(homes.ownership, spawner.user)
    except Refusal:
        # What is foreseen is for others too, and whoever asks on a command line has not signed in.
        if not spawner.foresees:
            raise
        owner = Owner()
    claim = home.claim if homes.kind is HomesKind.SHARED else "{pvc_name}"
    others = [*_rows(spawner.init_containers), *_rows(spawner.extra_containers)]
    volumes, mounts = with_home(spawner.volumes, spawner.volume_mounts, claim=claim, path=home.path, others=others)
    values: dict[str, Any] = {
        "volumes": volumes,
        "volume_mounts": mounts,
        "working_dir": HOME,
        "environment": {**spawner.environment, "HOME": HOME},
    }
    values |= {name: number for name in ("uid", "gid") if (number := getattr(owner, name)) is not None}
    match homes.kind:
        case HomesKind.CLAIM:
            values |= {"home_claim": home.claim, **_of_claims(homes, owner)}
            if not knows_claim(spawner):
                take_claim(spawner, home.claim, exists=False)
        case HomesKind.SHARED:
            # Kubernetes would walk through everybody's files to give them to the group.
            values |= {"storage_pvc_ensure": False, "fs_gid": None, "home_path": home.path}
            owner = await _settled(spawner, owner)
            values |= {"uid": owner.uid, "gid": owner.gid}
            values["init_containers"] = _prepared(spawner, catalogue, homes, owner, mounts=mounts)
    return values


def _of_claims(homes: Homes, owner: Owner) -> dict[str, Any]:
    """Return what KubeSpawner is to know of new claims."""
    values: dict[str, Any] = {
        "storage_pvc_ensure": True,
        "storage_capacity": homes.capacity,
        "storage_access_modes": [homes.mode.value],
    }
    if homes.storage_class is not None:
        values["storage_class"] = homes.storage_class
    if owner.fs_gid is not None:
        values["fs_gid"] = owner.fs_gid
    return values


async def _settled(spawner: "GenkanSpawner", owner: Owner) -> Owner:
    """Return the owner with what the hub's configuration says where the catalogue does not.

    The group that Kubernetes would give volumes to stands for a group that nobody has said.
    """
    uid, gid = owner.uid, owner.gid
    if uid is None:
        uid = await _number(spawner, "uid")
    for trait in ("gid", "fs_gid"):
        if gid is None:
            gid = await _number(spawner, trait)
    return Owner(uid, gid)


def _prepared(
    spawner: "GenkanSpawner", catalogue: Catalogue, homes: Homes, owner: Owner, *, mounts: Rows
) -> dict[str, dict[str, Any]]:
    """Return what runs before the server: first what makes the home, then what the site has."""
    container = preparation(
        user_folder(homes, spawner.user.name),
        may_make=spawner.remake_homes or not spawner.all_had_homes.any,
        points=points_in_home(mounts),
        image=_trusted_image(spawner, catalogue),
        folder=homes.folder,
        uid=owner.uid,
        gid=owner.gid,
        resources=_resources(spawner),
        pull_policy=spawner.image_pull_policy,
    )
    own = {f"1-{number:02}": row for number, row in enumerate(_rows(spawner.init_containers))}
    return {"0": container, **own}


def _trusted_image(spawner: "GenkanSpawner", catalogue: Catalogue) -> str:
    """Return the image of the server, which its machine has in any case, unless the user brought it.

    What prepares a home has the folder of all homes before it: that is for none of a user's programs to see.
    """
    brought = any(name.endswith(UNLISTED) and value for name, value in spawner.user_options.items())
    return catalogue.images[0].image if brought else str(spawner.image)


def _resources(spawner: "GenkanSpawner") -> dict[str, dict[str, Any]]:
    """Return the CPUs and memory of the server's own container, which quotas and limit ranges want of all."""
    amounts = {
        "requests": {"cpu": spawner.cpu_guarantee, "memory": spawner.mem_guarantee},
        "limits": {"cpu": spawner.cpu_limit, "memory": spawner.mem_limit},
    }
    return {kind: {name: amount for name, amount in rows.items() if amount} for kind, rows in amounts.items()}


async def _number(spawner: "GenkanSpawner", trait: str) -> int | None:
    """Return a trait that may be a function of the spawner."""
    found = getattr(spawner, trait)
    number: int | None = await maybe_future(found(spawner)) if callable(found) else found
    return number


def _rows(found: Any) -> list[dict[str, Any]]:
    """Return rows in the order in which KubeSpawner takes them."""
    return [found[key] for key in sorted(found)] if isinstance(found, dict) else list(found or ())
