"""The page's templates, in the frame that all pages of the hub have."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH  # jupyterhub.app has it too, and takes seconds to import

from genkan_hub.page_globals import PageGlobals
from genkan_hub.theme import TEMPLATES as THEME
from genkan_profiles.language.translations import Language, language

from . import wording
from .hub_report import FrameReport
from .registration import SERVICE
from .selection import Choices, Selection, haystack, is_idle, machine_haystack, sort_number, sort_text
from .view import ClusterView, MachineView

ENGLISH = language("en")

HERE = Path(__file__).parent
STATIC = HERE / "static"

_JUPYTERHUB = Path(DATA_FILES_PATH) / "templates"


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever a page is drawn for, as the frame of all pages knows them."""

    name: str = ""
    """Empty for whoever is not signed in."""
    scopes: frozenset[str] = frozenset()
    xsrf_token: str = ""
    language: Language = ENGLISH

    @property
    def json_escaped_name(self) -> str:
        """The name inside a string of a script, whatever is in it."""
        return json.dumps(self.name)[1:-1].replace("<", "\\u003c").replace("/", "\\/")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page and its hub are, as browsers reach them."""

    hub: str
    """Such as `/hub/`."""
    page: str
    """Such as `/services/cluster/`."""

    def static(self, path: str, *, include_version: bool = True) -> str:  # noqa: ARG002  # JupyterHub's templates say it
        """Return the address of a static file of the hub."""
        return f"{self.hub}static/{path}"


class Templates:
    """Draws pages; autoescape is on, so that whatever anybody wrote is text."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.frame = FrameReport()
        """What the site says on all pages of its hub."""
        default = FileSystemLoader(_JUPYTERHUB)
        own = FileSystemLoader([HERE / "templates", THEME])
        self._environment = Environment(
            loader=ChoiceLoader([own, PrefixLoader({"templates": default}), default]),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[PageGlobals],
        )
        self._environment.globals.update(
            {
                "base_url": place.hub,
                "prefix": place.page,
                "page_url": place.page,
                "static_url": place.static,
                "own_static": _OwnStatic(place.page),
                "logout_url": f"{place.hub}logout",
                "login_url": f"{place.hub}login",
                "no_spawner_check": True,
                "words": wording,
                "haystack": haystack,
                "machine_haystack": machine_haystack,
                "holders": _holders,
                "sort_text": sort_text,
                "sort_number": sort_number,
                "zip": zip,
            }
        )

    def render(self, name: str, reader: Reader, **values: Any) -> str:
        """Return a page."""
        service = {"name": SERVICE, "href": self._place.page}
        frame: dict[str, Any] = {
            "user": reader if reader.name else None,
            "readers_language": reader.language,
            "services": [service],
            "here": SERVICE,
            **self.frame.model_dump(),
        }
        if reader.name:
            frame |= {"parsed_scopes": reader.scopes, "xsrf_token": reader.xsrf_token, "xsrf": reader.xsrf_token}
        return self._environment.get_template(name).render(frame | values)

    def cluster(self, view: ClusterView, selection: Selection, reader: Reader, **values: Any) -> str:
        """Return the whole page, or with another `name` a part of it."""
        shown = selection.applied(view)
        return self.render(
            values.pop("name", "cluster.html"),
            reader,
            view=shown,
            every=view,
            selection=selection,
            choices=Choices.of(view),
            servers={row.key: row for row in view.servers},
            idle=lambda row: is_idle(row, view),
            span=lambda since: wording.duration((view.at - since).total_seconds()),
            short=lambda since: wording.short((view.at - since).total_seconds()),
            **values,
        )


def _holders(machine: MachineView) -> list[str]:
    """Return the keys of all that hold devices of a machine."""
    found = (device.server for kind in machine.kinds for device in kind.devices)
    return list(dict.fromkeys(key for key in found if key is not None))


class _OwnStatic:
    """Addresses of the page's own static files, which change with their content."""

    def __init__(self, page_url: str) -> None:
        self._page_url = page_url
        self._versions = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in sorted(STATIC.iterdir())
        }

    def __call__(self, name: str) -> str:
        return f"{self._page_url}static/{name}?v={self._versions[name]}"
