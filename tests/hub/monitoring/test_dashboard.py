import json
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from .expressions import asked, dashboard, known, named

COLUMNS = 24


def shown(value: Any, place: str = "") -> set[str]:
    """Return the places of all values inside a JSON value, but for what is nothing or empty."""
    match value:
        case dict():
            return {found for key, inner in value.items() for found in shown(inner, f"{place}.{key}")}
        case list():
            return {found for index, inner in enumerate(value) for found in shown(inner, f"{place}[{index}]")}
        case None | "" | False:
            return set()
        case _:
            return {f"{place}={value!r}"}


def test_grafanas_own_models_know_every_field_of_it() -> None:
    register_default_plugins()
    read = json.loads(json.dumps(Dashboard.from_json(dashboard()), cls=JSONEncoder))
    assert shown(dashboard()) - shown(read) == set()


def test_prometheus_understands_every_question(promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked())]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_asks_for_metrics_that_there_are() -> None:
    questions = list(asked())
    assert all(named(question) for question in questions)
    assert set().union(*map(named, questions)) <= known()


def test_panels_are_told_apart_and_lie_beside_each_other() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= COLUMNS
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below


@pytest.mark.parametrize("part", ["panels", "targets"])
def test_everything_comes_from_the_prometheus_that_the_reader_chooses(part: str) -> None:
    variables = {row["name"] for row in dashboard()["templating"]["list"]}
    assert variables == {"datasource", "namespace"}
    panels = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
    found = panels if part == "panels" else [target for panel in panels for target in panel["targets"]]
    assert {row["datasource"]["uid"] for row in found} == {"${datasource}"}
