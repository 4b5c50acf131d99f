import json
import re
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # published without types
import pytest
import yaml

from genkan_profiles import compile_profiles, load_catalogue, offers_for
from genkan_profiles.linting import lint_catalogue
from genkan_profiles.schema import catalogue_schema

PAGE = Path(__file__).parents[2] / "docs/administrators/catalogue.md"
FILES = sorted(PAGE.with_name("catalogues").glob("*.yaml"))


def test_the_page_shows_every_catalogue_beside_it() -> None:
    shown = re.findall(r"{literalinclude} catalogues/(\S+)", PAGE.read_text())

    assert sorted(shown) == [file.name for file in FILES]
    assert len(FILES) == 4


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_catalogue_of_the_documentation_has_no_flaw(file: Path) -> None:
    found = lint_catalogue(file)

    assert [str(problem) for problem in (*found.problems, *found.warnings)] == []
    jsonschema.validate(yaml.safe_load(file.read_text()), catalogue_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_everybody_is_offered_something_by_it(file: Path) -> None:
    catalogue = load_catalogue(file)

    for groups in ([], *([group] for group in catalogue.named_groups), catalogue.named_groups):
        assert json.dumps(compile_profiles(offers_for(catalogue, groups))) != "[]"


def test_the_oldest_card_of_the_workstations_keeps_an_image() -> None:
    catalogue = load_catalogue(PAGE.with_name("catalogues") / "workstations.yaml")

    offered = {row.hardware.slug: [image.slug for image in row.images] for row in offers_for(catalogue, []).hardware}

    assert offered["gtx-1080"] == ["pytorch-cuda-12"]
    assert offered["rtx-5080"] == ["pytorch"]
