"""For whom a forecast holds: for all who are offered the same and choose the same, or for one server alone."""

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from .home_forecast import OwnHome
from .kubespawner_seam import expanded, mounted_claims

if TYPE_CHECKING:
    from .spawner import GenkanSpawner


def whose(spawner: "GenkanSpawner") -> Hashable:
    """Return a key of the servers whose pods ask for the same where the choice is the same; None stands for all."""
    if not any(_differences(spawner)):
        return None
    groups = frozenset(group.name for group in spawner.user.groups)
    return (spawner.user.name, spawner.name, groups)


def _differences(spawner: "GenkanSpawner") -> Iterator[bool]:
    """Yield whether each means of a site makes a difference; the home is looked at for each user anyhow."""
    yield spawner.enable_user_namespaces
    yield spawner.modify_pod_hook is not None
    yield bool(spawner.group_overrides)
    home = OwnHome.of(spawner).claims
    yield any(name != template and name not in home for template, name in mounted_claims(spawner))
    yield expanded(spawner, spawner.extra_pod_config) != spawner.extra_pod_config
