"""The pod that a hub would create for a profile, made as the form and the start make it."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jupyterhub import orm
from jupyterhub.objects import Hub
from jupyterhub.user import User
from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from genkan_hub.configuration import configure
from genkan_profiles import Catalogue, DocumentError
from genkan_profiles.choices import PROFILE, UNLISTED
from genkan_profiles.compiler import IMAGE, PRIORITY, TEAM
from genkan_profiles.names import is_image_reference
from genkan_spawner import GenkanSpawner, Reason, Refusal, offered_profiles
from genkan_spawner.api import KubernetesApi
from genkan_spawner.kubespawner_seam import connected_to, pod_manifest
from genkan_spawner.offering import current_catalogue

from .questions import Asked, InputError, NotOfferedError, Profile


async def planned(profile: Profile, api: KubernetesApi, *, namespace: str) -> Asked:
    """Return the pod of a profile, with the conditions under which the hub examines it.

    `namespace` is where servers without a team run if nothing else says so. Raises InputError for what cannot be
    understood, and NotOfferedError for what this user cannot choose.
    """
    config = _hub_config(profile, namespace=namespace)
    with _problems_only(), _user(profile, config) as user, connected_to(api):
        spawner = _spawner(user)
        try:
            spawner.user_options = await _options(spawner, profile)
            await spawner.load_user_options()
        except Refusal as refusal:
            if refusal.reason == Reason.ACCESS:
                raise NotOfferedError(refusal.jupyterhub_message) from refusal
            raise InputError(refusal.jupyterhub_message) from refusal
        return Asked(profile.hardware, await pod_manifest(spawner), profile.hardware, spawner.circumstances)


def _hub_config(profile: Profile, *, namespace: str) -> Config:
    """Return the hub's configuration, or what `configure` sets up where there is none."""
    config = Config()
    try:
        if profile.hub_config is not None:
            config = _executed(profile.hub_config)
        else:
            configure(config, catalogue_file=profile.catalogue or "")
    except DocumentError as error:
        raise InputError(f"The catalogue cannot be used.\n{error}") from error
    if profile.catalogue is not None:
        config.GenkanSpawner.catalogue_file = str(profile.catalogue)
    sections = (config.GenkanSpawner, config.KubeSpawner)
    if profile.namespace is not None or not any("namespace" in section for section in sections):
        config.GenkanSpawner.namespace = profile.namespace or namespace
    return config


def _executed(path: Path) -> Config:
    """Read a jupyterhub_config.py as JupyterHub does; it is a program, and may fail in any way."""
    try:
        config: Config = PyFileConfigLoader(path.name, path=str(path.resolve().parent)).load_config()
    except DocumentError:
        raise
    except Exception as e:
        raise InputError(f"{path}: The hub's configuration cannot be executed here ({type(e).__name__}).") from e
    return config


@contextmanager
def _problems_only() -> Iterator[None]:
    """Leave out what a hub would log while all goes well: this is an answer on a command line."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _user(profile: Profile, config: Config) -> Iterator[User]:
    """Make a user with these groups in a database of its own, which lasts as long as the question."""
    # JupyterHub's own way to a database brings migrations with it, which write to the terminal.
    engine = orm.create_engine("sqlite://")
    orm.Base.metadata.create_all(engine)
    session = orm.sessionmaker(engine)()
    settings = {"hub": Hub(base_url="/hub/"), "config": config, "spawner_class": GenkanSpawner}
    try:
        record = orm.User(name=profile.user, groups=[orm.Group(name=name) for name in sorted({*profile.groups})])
        session.add(record)
        session.commit()
        yield User(record, settings)
    finally:
        session.close()
        engine.dispose()


def _spawner(user: User) -> GenkanSpawner:
    try:
        spawner: GenkanSpawner = user.get_spawner()
    except TraitError as error:
        # What Genkan says of its own traits is a sentence; so is what traitlets says of a value of the wrong type.
        raise InputError(f"The hub's configuration cannot be used. {error}") from error
    # Nobody has signed in, so that nothing is known of the user but the groups.
    spawner.foresees = True
    return spawner


async def _options(spawner: GenkanSpawner, profile: Profile) -> dict[str, str]:
    """Return the choice as a form sends it. Raises InputError for names that the catalogue does not have.

    A site's own list of profiles has names of its own, which the start looks at.
    """
    options = {PROFILE: profile.hardware}
    options |= {
        name: value
        for name, value in ((IMAGE, profile.image), (PRIORITY, profile.priority), (TEAM, profile.team))
        if value is not None
    }
    if spawner.profile_list is not offered_profiles:
        return options
    catalogue = (await current_catalogue(spawner)).catalogue
    if profile.image is not None and _is_own_image(profile.image, catalogue):
        options[IMAGE + UNLISTED] = options.pop(IMAGE)
    _require_known(options, catalogue)
    return options


def _is_own_image(image: str, catalogue: Catalogue) -> bool:
    listed = {row.slug for row in catalogue.images}
    return image not in listed and catalogue.own_image is not None and is_image_reference(image)


def _require_known(options: Mapping[str, str], catalogue: Catalogue) -> None:
    known = {
        PROFILE: ("hardware", [row.slug for row in catalogue.hardware]),
        IMAGE: ("image", [row.slug for row in catalogue.images]),
        PRIORITY: ("priority", [row.slug for row in catalogue.priorities]),
        TEAM: ("team", [row.key for row in catalogue.teams]),
    }
    for option, value in options.items():
        what, names = known.get(option, ("", [value]))
        if value not in names:
            has = f"it has {', '.join(names)}" if names else "it has none"
            raise InputError(f"There is no {what} {value!r} in the catalogue; {has}.")
