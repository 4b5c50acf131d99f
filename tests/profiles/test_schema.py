import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # published without types
import pytest
import yaml
from hypothesis import given, settings

from genkan_profiles import BUILT_IN, SAMPLE, DocumentError, load_catalogue
from genkan_profiles.schema import SCHEMA_FILE, catalogue_schema

from ..support.catalogues import Document, documents
from ..support.golden import Golden

SCHEMA = catalogue_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

RIGHT: Document = {
    "hardware": [{"slug": "small", "display_name": "Small", "cpu": 1, "memory": "2Gi"}],
    "images": [{"slug": "scipy", "display_name": "SciPy", "image": "registry.example.org/scipy:1"}],
}


def test_the_shipped_schema_is_that_of_the_models(request: pytest.FixtureRequest) -> None:
    Golden(SCHEMA_FILE.parent, update=bool(request.config.getoption("--update-golden"))).check(
        "catalogue.schema", SCHEMA
    )


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_field_is_explained() -> None:
    models = {"Catalogue": SCHEMA, **{name: row for name, row in SCHEMA["$defs"].items() if "properties" in row}}

    assert {
        f"{model}.{name}"
        for model, schema in models.items()
        for name, field in schema["properties"].items()
        if not field.get("description", "").endswith((".", "/"))
    } == set()
    assert all("description" in model for model in models.values())


@pytest.mark.parametrize("file", [BUILT_IN, SAMPLE], ids=["built-in", "sample"])
def test_the_shipped_catalogues_fit(file: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(file.read_text()))


def test_the_sample_names_the_schema_beside_it() -> None:
    first = SAMPLE.read_text().splitlines()[0]

    assert first == f"# yaml-language-server: $schema={SCHEMA_FILE.name}"
    assert SCHEMA_FILE.parent == SAMPLE.parent


@pytest.mark.parametrize("section", ["hardware", "images"])
def test_a_file_of_a_directory_needs_no_section(section: str) -> None:
    VALIDATOR.validate({section: RIGHT[section]})


def changed(section: str, **fields: Any) -> Document:
    rows = [{**RIGHT[section][0], **fields}] if section in RIGHT else [fields]
    return {**RIGHT, section: rows}


@pytest.mark.parametrize(
    "broken",
    [
        {**RIGHT, "machines": []},
        {**RIGHT, "hardware": {}},
        changed("hardware", cpus=1),
        changed("hardware", cpu=[1]),
        changed("hardware", default="yes"),
        changed("hardware", gpu={"count": 0}),
        changed("hardware", gpu={}),
        changed("hardware", tolerations=[{"operator": "Is"}]),
        changed("images", runs_on="tpu"),
        changed("images", cuda=13.0),
        changed("volumes", slug="data", display_name="Data"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_by_the_loader_too(broken: Document, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(json.dumps(broken))

    assert not VALIDATOR.is_valid(broken)
    with pytest.raises(DocumentError):
        load_catalogue(file)


@settings(max_examples=25, deadline=None)
@given(documents())
def test_every_catalogue_that_is_accepted_fits(document: Document) -> None:
    VALIDATOR.validate(document)
