import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from traitlets.config import Config

from genkan_hub.static_files import STATIC, StaticFiles
from genkan_hub.theme import TEMPLATES, apply_theme

JUPYTERHUB = Path(DATA_FILES_PATH)
BASE = "/teams/hub/static/"
SETTINGS: dict[str, Any] = {"static_path": str(JUPYTERHUB / "static"), "static_url_prefix": BASE}


def environment(c: Config) -> Environment:
    """Return an environment of templates as JupyterHub makes one."""
    stock = str(JUPYTERHUB / "templates")
    loader = ChoiceLoader(
        [
            PrefixLoader({"templates": FileSystemLoader([stock])}, "/"),
            FileSystemLoader([*c.JupyterHub.template_paths, stock]),
        ]
    )
    return Environment(loader=loader, autoescape=True, **c.JupyterHub.jinja_environment_options)


def page(c: Config, template: str = "404.html", **values: object) -> str:
    """Render a page that needs nothing of a request."""
    given = {"base_url": "/hub/", "static_url": lambda path, **_: f"/hub/static/{path}", "services": [], **values}
    return environment(c).get_template(template).render(given)


@asynccontextmanager
async def static_server() -> AsyncIterator[httpx.AsyncClient]:
    application = Application([], static_handler_class=StaticFiles, **SETTINGS)
    server = HTTPServer(application)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port = sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            yield client
    finally:
        server.stop()
        await server.close_all_connections()


def test_the_name_of_the_site_and_its_notice_are_on_each_page_as_text() -> None:
    c = Config()
    apply_theme(c, site_name="A & B", notice="Back at <b>noon</b>.")

    html = page(c)

    assert "A &amp; B</title>" in html
    assert "Back at &lt;b&gt;noon&lt;/b&gt;." in html


def test_an_announcement_that_a_site_sets_for_jupyterhub_drops_nothing_of_ours() -> None:
    c = Config()
    apply_theme(c, site_name="Lab", notice="Ours.")
    c.JupyterHub.template_vars = {"announcement": "<em>Theirs.</em>"}

    html = page(c, **c.JupyterHub.template_vars)

    assert "Lab</title>" in html
    assert "Ours." in html
    assert "<em>Theirs.</em>" in html


def test_templates_of_a_site_go_before_ours(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text('{% extends "page.html" %}{% block main %}Nothing here.{% endblock %}')
    c = Config()
    c.JupyterHub.template_paths = [str(tmp_path)]
    apply_theme(c)

    html = page(c)

    assert "Nothing here." in html
    assert "genkan.css" in html
    assert c.JupyterHub.template_paths == [str(tmp_path), str(TEMPLATES)]


def test_settings_that_a_chart_made_before_stay() -> None:
    c = Config()
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
    c.JupyterHub.jinja_environment_options = {"extensions": ["jinja2.ext.do"]}
    apply_theme(c)

    assert c.JupyterHub.tornado_settings == {"slow_spawn_timeout": 0, "static_handler_class": StaticFiles}
    assert "jinja2.ext.do" in c.JupyterHub.jinja_environment_options["extensions"]


def test_a_logo_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="logo_file must be an image that the hub can read; there is none at /nowhere"):
        apply_theme(Config(), logo_file="/nowhere.svg")


@pytest.mark.parametrize(
    "block", sorted(set(re.findall(r"{% block (\w+)", (JUPYTERHUB / "templates/page.html").read_text())))
)
def test_the_frame_has_every_block_that_templates_of_sites_may_fill(block: str) -> None:
    assert f"{{% block {block} " in (TEMPLATES / "page.html").read_text()


async def test_our_files_are_served_beside_those_of_jupyterhub_whatever_the_base_url() -> None:
    async with static_server() as client:
        ours = await client.get("genkan/genkan.css")
        theirs = await client.get("css/style.min.css")
        missing = await client.get("genkan/nothing.css")

    assert ours.headers["content-type"] == "text/css"
    assert ours.content == (STATIC / "genkan.css").read_bytes()
    assert theirs.status_code == 200
    assert missing.status_code == 404


@pytest.mark.parametrize(
    "path", ["genkan/..%2Ftheme.py", "genkan/%2e%2e/theme.py", "genkan/../../../etc/passwd", "genkan/"]
)
async def test_nothing_outside_of_the_folder_is_served(path: str) -> None:
    async with static_server() as client:
        answer = await client.get(path)

    assert answer.status_code in {403, 404}


def test_an_address_changes_with_the_content() -> None:
    address = StaticFiles.make_static_url(SETTINGS, f"genkan{os.sep}genkan.css")

    assert re.fullmatch(r"/teams/hub/static/genkan/genkan\.css\?v=[0-9a-f]{32,}", address)


def outside_addresses(text: str) -> Iterator[str]:
    for address in re.findall(r"""(?:https?:)?//[^\s"')]+""", text):
        if not address.startswith("http://www.w3.org/"):
            yield address


@pytest.mark.parametrize("path", sorted([*STATIC.iterdir(), *TEMPLATES.iterdir()]), ids=lambda path: path.name)
def test_no_page_names_another_host(path: Path) -> None:
    assert list(outside_addresses(path.read_text())) == []
