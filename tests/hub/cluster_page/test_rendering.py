import re
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genkan_hub.cluster_page.hub_report import CatalogueReport, FrameReport
from genkan_hub.cluster_page.rendering import Place, Reader, Templates
from genkan_hub.cluster_page.selection import Selection
from genkan_hub.cluster_page.view import ClusterView
from genkan_hub.cluster_page.viewing import Ages
from genkan_profiles.language.sentences import say
from genkan_profiles.language.translations import Language

from .scenes import Scene, ordinary

ROOT = Reader("root", frozenset({"read:servers", "admin-ui"}), "the-token")
PLACE = Place(hub="/hub/", page="/services/cluster/")
TEMPLATES = Templates(PLACE)

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """What a browser makes of a page: its elements, its text, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(view: ClusterView, reader: Reader = ROOT, **values: Any) -> Page:
    selection = values.pop("selection", Selection())
    given = {"stopped": "", "names": False, "api": "api/v1/cluster"} | values
    found = Page(TEMPLATES.cluster(view, selection, reader, **given))
    assert found.open == []
    return found


@pytest.fixture
def scene() -> Scene:
    scene = Scene(idle_after=3600)
    scene.node("rack-1")
    scene.node("rack-2", unschedulable=True)
    scene.server("alice", on="rack-1", devices=("GPU-a",), hardware="1 x A100", team="Vision", minutes=130)
    scene.server("carol", on="rack-1", devices=("GPU-b",), minutes=302)
    scene.job("nlp", on="rack-1")
    scene.measure("GPU-a", 91.0, nodes=("rack-1",), index="0")
    scene.measure("GPU-b", 0.0, nodes=("rack-1",), index="2")
    scene.busy_until("GPU-b", minutes=74)
    return scene


def test_the_page_says_who_holds_what_since_when_and_whether_it_computes(scene: Scene) -> None:
    text = page(scene.view()).text
    assert "GPUs free 1 of 8" in text
    assert "alice Vision 1 x A100 rack-1 · 0 Normal 2 h 10 min 91 % 10 of 80 GB" in text
    assert "0 % for 1 h 14 min" in text
    assert "batch/ nlp" in text
    assert "rack-2 drained" in text
    assert "GPUs idle over 1 h 1" in text


def test_times_have_exact_values(scene: Scene) -> None:
    titles = {found["title"] for found in page(scene.view()).all("time")}
    assert {"2026-11-01 09:50:00 UTC", "2026-11-01 06:58:00 UTC", "2026-11-01 11:59:50 UTC"} <= titles


def test_without_prometheus_the_use_is_not_measured(scene: Scene) -> None:
    scene.measurements.clear()
    text = page(scene.view(ages=Ages(hub=1))).text
    assert "GPUs idle over 1 h not measured" in text
    assert "use of GPUs:" not in text


def test_filters_and_order_work_without_a_script(scene: Scene) -> None:
    found = page(scene.view(), selection=Selection(q="alice", team="Vision", sort="-since"))
    (form,) = found.all("form")
    assert (form["method"], form["action"]) == ("get", "/services/cluster/")
    assert {"name": "sort", "type": "hidden", "value": "-since"} in found.all("input")
    assert [row["data-key"] for row in found.all("tr") if "data-key" in row] == ["alice/"]
    heads = [link["href"] for link in found.all("a") if "data-sort" in link]
    assert "/services/cluster/?q=alice&team=Vision&sort=since" in heads
    assert "/services/cluster/?q=alice&team=Vision&sort=who" in heads
    files = [link["href"] for link in found.all("a") if "data-file" in link]
    assert files == [
        "/services/cluster/servers.csv?q=alice&team=Vision&sort=-since",
        "/services/cluster/api/v1/cluster?q=alice&team=Vision&sort=-since",
    ]
    assert "1 of 3 shown" in found.text


def test_an_ordinary_user_is_told_that_there_is_more(scene: Scene) -> None:
    found = page(scene.view(ordinary("alice")), Reader("alice", frozenset(), "x"))
    assert "administrators see all of them" in found.text
    assert "carol" not in found.text
    assert "nlp" not in found.text
    assert "in use" in found.text


def test_only_what_may_be_stopped_has_a_way_to(scene: Scene) -> None:
    stops = [link["href"] for link in page(scene.view()).all("a") if "stop?" in link["href"]]
    assert stops == ["/services/cluster/stop?user=alice&server=", "/services/cluster/stop?user=carol&server="]


def test_what_is_wrong_is_told(scene: Scene) -> None:
    scene.catalogue = CatalogueReport(problems=("catalogue.yaml, line 3: no.",))
    text = page(scene.view(ages=Ages(measured=True, measurements_problem="Prometheus does not answer."))).text
    assert "The catalogue has an error." in text
    assert "catalogue.yaml, line 3: no." in text
    assert "Not everything can be shown. Prometheus does not answer." in text
    scene.healthy = False
    assert "The cluster cannot be read at the moment. What is shown here is from just now." in page(scene.view()).text


class Capitals(NullTranslations):
    """A language in which everything is written large, so that what is not translated stands out."""

    def gettext(self, message: str) -> str:
        return re.sub(r"\{\w+\}|[^{]+", lambda part: part[0] if part[0][0] == "{" else part[0].upper(), message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


CAPITALS = Language("xx", Capitals())
OF_KUBERNETES = re.compile(r"nvidia\.com/\S+|1g\.10gb|genkan/jupyter-")
"""Names that are the same in all languages."""


def large_scene() -> Scene:
    """Return a cluster in which all names are large letters."""
    scene = Scene()
    scene.node("RACK", product="A100", gpus={"nvidia.com/gpu": 4, "nvidia.com/mig-1g.10gb": 2})
    scene.node("SPARE", product="A100", unschedulable=True)
    scene.server("ALICE", on="RACK", devices=("GPU-A",), hardware="A100", team="TEAM", priority="HIGH")
    scene.server("BOB", on=None, hardware="A100", priority="HIGH")
    scene.job("JOB", namespace="BATCH", resource="nvidia.com/mig-1g.10gb", on="RACK")
    scene.measure("GPU-A", 0.0, nodes=("RACK",))
    scene.busy_until("GPU-A", minutes=90)
    scene.catalogue = CatalogueReport(problems=("LINE 3",))
    return scene


@pytest.mark.parametrize("name", ["cluster.html", "panel.html", "stop.html", "problem.html"])
def test_every_text_is_in_the_readers_language(name: str) -> None:
    reader = Reader("ROOT", frozenset({"read:servers", "admin-ui"}), "x", CAPITALS)
    silent = say("Prometheus at {address} does not answer.", address="HTTP://P")
    view = large_scene().view(ages=Ages(hub=70, hub_problem=silent, measured=True, measurements=5))
    if name in {"cluster.html", "panel.html"}:
        text = TEMPLATES.cluster(view, Selection(), reader, name=name, stopped="ALICE", names=False, api="x")
    else:
        shown = {"server": view.servers[0], "view": view, "problem": silent, "note": "", "longest": 9}
        text = TEMPLATES.render(name, reader, status=404, sentence=silent, **shown)
    main = Page(text[text.index("<main") : text.index("</main>")])
    titles = ("title", "aria-label", "placeholder", "data-silent", "data-signed-out")
    said = OF_KUBERNETES.sub(
        "", " ".join([*main.words, *(row.get(title, "") for _, row in main.elements for title in titles)])
    )
    assert [word for word in said.split() if word != word.upper()] == []
    assert len(said) > 80


def test_an_empty_cluster_is_a_page_too() -> None:
    text = page(Scene().view()).text
    assert "There is no machine with GPUs." in text
    assert "No server runs." in text
    assert "0 of 0" in text


def test_the_site_is_named_and_its_notice_is_there(scene: Scene) -> None:
    templates = Templates(PLACE)
    templates.frame = FrameReport(site_name="Cards & Co", notice="Back at <noon>.")
    text = templates.cluster(scene.view(), Selection(), ROOT, stopped="", names=False, api="x")
    assert "Cluster · Cards &amp; Co" in text
    assert "Back at &lt;noon&gt;." in text


def test_the_panel_is_for_servers_with_gpus(scene: Scene) -> None:
    scene.server("bob", gpus=0, on="rack-1")
    text = page(scene.view(), name="panel.html").text
    assert "alice 1 x A100".replace("1 x", "1 ×") in text  # noqa: RUF001
    assert "bob" not in text
    assert "nlp" not in text


def test_nothing_comes_from_another_host(scene: Scene) -> None:
    for name in ("cluster.html", "panel.html"):
        found = page(scene.view(), name=name)
        addresses = [attributes.get("src") or attributes.get("href") or "/" for _, attributes in found.elements]
        assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in addresses)


def test_own_files_change_their_address_with_their_content(scene: Scene) -> None:
    (address,) = [link["href"] for link in page(scene.view()).all("link") if "cluster.css" in link["href"]]
    assert re.fullmatch(r"/services/cluster/static/cluster\.css\?v=[0-9a-f]{12}", address)


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "{0.__class__}{name}",
    "]]>--><!--",
    "</table></main><h1>",
    "javascript:alert(1)",
    "\u202e\u2066evil\ud7ff",
    "a\nb\tc\r",
    "&lt;b&gt;",
)


def hostile_scene(text: str) -> Scene:
    """Return a cluster in which everything that an outsider can write is this text."""
    scene = Scene()
    scene.node(text, product=text, labels={"nvidia.com/cuda.driver-version.full": text})
    scene.server(
        text,
        name=text,
        on=text,
        devices=(text,),
        display_name=text,
        hardware=text,
        image=text,
        team=text,
        priority=text,
    )
    scene.job(text, namespace=text, on=text, priorityClassName=text)
    scene.measure(text, 50.0, nodes=(text,), index=text, model=text)
    scene.catalogue = CatalogueReport(problems=(text,))
    return scene


def shape(found: Page) -> list[str]:
    return [tag for tag, _ in found.elements]


def draw(text: str) -> list[Page]:
    view = hostile_scene(text).view(ages=Ages(measured=True, measurements_problem=text, hub_problem=text))
    reader = Reader(text, frozenset({"admin-ui"}), "x")
    (server, _) = view.servers
    stop = TEMPLATES.render("stop.html", reader, server=server, view=view, problem=text, note=text, longest=500)
    problem = TEMPLATES.render("problem.html", reader, status=400, sentence=text)
    whole = page(view, reader, stopped=text, selection=Selection(q=text, sort="who"))
    return [whole, page(view, reader, name="panel.html"), Page(stop), Page(problem)]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_outsiders_write_is_text_everywhere(text: str) -> None:
    for found, plain in zip(draw(text), draw("plain"), strict=True):
        assert shape(found) == shape(plain)
        for (_, attributes), (_, others) in zip(found.elements, plain.elements, strict=True):
            assert attributes.keys() == others.keys()
    assert text.strip() in "".join(draw(text)[0].words)


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40))
def test_any_text_leaves_the_page_as_it_is(text: str) -> None:
    for found, plain in zip(draw(f"x{text}x"), draw("plain"), strict=True):
        assert shape(found) == shape(plain)


@pytest.mark.parametrize("name", ["</script><script>alert(1)//", 'a"b', "a\\b", "日本", "a\u2028b"])
def test_a_name_inside_the_script_of_the_frame_stays_inside_its_string(name: str) -> None:
    text = TEMPLATES.render("problem.html", Reader(name, frozenset(), "x"), status=400, sentence="")
    (line,) = re.findall(r'^\s*user: "(.*)",$', text, flags=re.MULTILINE)
    assert not re.search(r'[<\u2028]|(?<!\\)"', line)
