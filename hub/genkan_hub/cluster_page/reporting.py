"""The hub's side: what it tells the cluster page, gathered from what it has in memory.

JupyterHub's own list of users would say the same at the cost of some milliseconds of the hub for each of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from traitlets.config import Config

from genkan_profiles import Catalogue, DocumentError
from genkan_profiles.choices import PROFILE, UNLISTED
from genkan_profiles.compiler import IMAGE, PRIORITY, TEAM
from genkan_spawner.catalogue_source import Loaded
from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.marks import hub_mark
from genkan_spawner.offering import catalogue_source, team_namespaces

from .hub_report import CatalogueReport, FrameReport, HubReport, ServerReport
from .settings import ClusterPage

_MOST_PROBLEMS = 20
_LONGEST_TEXT = 200


async def report(users: Mapping[int, Any], settings: Mapping[str, Any], *, metrics_for_everyone: bool) -> HubReport:
    """Return the hub as it is now; `users` and `settings` are JupyterHub's."""
    config: Config = settings["config"]
    catalogue_file = _trait(settings["spawner_class"], config, "catalogue_file")
    loaded = await _catalogue(catalogue_file)
    names = _Names(loaded if isinstance(loaded, Loaded) else None)
    spawners = list(_active(users.values()))
    secret = settings.get("cookie_secret")
    namespaces = {str(spawner.namespace) for spawner in spawners if spawner.namespace}
    return HubReport(
        mark=hub_mark(secret) if secret else "",
        namespaces=tuple(sorted({*namespaces, *team_namespaces(catalogue_file)})),
        servers=tuple(_server(spawner, names) for spawner in spawners),
        priorities=_priorities(loaded),
        catalogue=_catalogue_report(loaded),
        settings=page_settings(config).report(metrics_for_everyone=metrics_for_everyone),
        frame=_frame(settings),
    )


def page_settings(config: Config) -> ClusterPage:
    """Return the settings of the page; raises TraitError where a value cannot be."""
    return ClusterPage(config=config)


def _frame(settings: Mapping[str, Any]) -> FrameReport:
    """Return what the templates of all pages know; a site without Genkan's theme has none of it."""
    known = settings["jinja2_env"].globals
    return FrameReport(site_name=str(known.get("site_name", "")), notice=str(known.get("notice", "")))


def _active(users: Iterable[Any]) -> Iterator[ClusterSpawner]:
    for user in list(users):
        for spawner in list(user.spawners.values()):
            if spawner.active and isinstance(spawner, ClusterSpawner):
                yield spawner


async def _catalogue(catalogue_file: str) -> Loaded | DocumentError:
    try:
        return await catalogue_source(catalogue_file).current()
    except DocumentError as error:
        return error


def _catalogue_report(loaded: Loaded | DocumentError) -> CatalogueReport:
    if isinstance(loaded, DocumentError):
        return CatalogueReport(problems=_problems(loaded), known=False)
    gpus = {row.gpu.resource for row in loaded.catalogue.hardware if row.gpu is not None}
    return CatalogueReport(
        problems=_problems(loaded.broken) if loaded.broken is not None else (),
        loaded_at=loaded.loaded_at,
        gpu_resources=tuple(sorted(gpus)),
    )


def _priorities(loaded: Loaded | DocumentError) -> dict[str, str]:
    if isinstance(loaded, DocumentError):
        return {}
    return {row.priority_class: row.display_name for row in reversed(loaded.catalogue.priorities)}


def _problems(error: DocumentError) -> tuple[str, ...]:
    return tuple(str(problem) for problem in error.problems[:_MOST_PROBLEMS]) or (str(error),)


class _Names:
    """What the catalogue calls what users have chosen; a choice that it does not know keeps its own name."""

    def __init__(self, loaded: Loaded | None) -> None:
        self._names = _display_names(loaded.catalogue) if loaded is not None else {}

    def of(self, section: str, options: Mapping[str, Any]) -> str:
        chosen = options.get(section + UNLISTED) or options.get(section) or ""
        if not isinstance(chosen, str):
            return ""
        return self._names.get((section, chosen), chosen)[:_LONGEST_TEXT]


def _display_names(catalogue: Catalogue) -> Mapping[tuple[str, str], str]:
    return {
        **{(PROFILE, row.slug): row.display_name for row in catalogue.hardware},
        **{(IMAGE, row.slug): row.display_name for row in catalogue.images},
        **{(PRIORITY, row.slug): row.display_name for row in catalogue.priorities},
        **{(TEAM, row.key): row.display_name for row in catalogue.teams},
    }


def _server(spawner: ClusterSpawner, names: _Names) -> ServerReport:
    record: Any = spawner.orm_spawner
    options = spawner.user_options if isinstance(spawner.user_options, dict) else {}
    return ServerReport(
        user=spawner.user.name,
        name=spawner.name,
        display_name=record.display_name or "",
        groups=tuple(group.name for group in spawner.user.groups),
        namespace=spawner.namespace,
        pod=spawner.pod_name,
        hardware=names.of(PROFILE, options),
        image=names.of(IMAGE, options),
        priority=names.of(PRIORITY, options),
        team=names.of(TEAM, options),
        started=_utc(record.started),
        last_activity=_utc(record.last_activity),
        pending=spawner.pending or "",
    )


def _utc(moment: datetime | None) -> datetime | None:
    """Read a time of the hub's database, which has no zones and means UTC."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def _trait(spawner_class: Any, config: Config, name: str) -> str:
    """Return what the configuration says of a trait, without a spawner; the nearest class counts."""
    sections = (config[section] for section in reversed(spawner_class.section_names()) if section in config)
    return next((str(section[name]) for section in sections if name in section), "")
