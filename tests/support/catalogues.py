"""Catalogues of any kind, as an administrator might write them, for property-based tests.

A document is what the file says, before any model has seen it, so that tests can change it and hold the models against
it. All parts occur: groups, whole cards, MIG slices, time-sliced cards and other vendors' cards, products of the
catalogue's own, volumes, an own image, and names in any script.
"""

import copy
import json
import re
from typing import Any, TypeAlias

import yaml
from hypothesis import strategies as st
from pydantic import ValidationError

from genkan_profiles import Catalogue
from genkan_profiles.gpu_products import gpu_products

Document: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[dict[str, Any]]

GROUPS = ("vision", "speech", "admins", "Lab 7", "org/team@example.org", "a:b_c.d")
"""Few, so that rows and users share some."""
CAPABILITIES = ("5.0", "6.1", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0")
CUDA = ("9.0", "10.2", "11.0", "11.1", "11.8", "12.4", "12.8", "13.0", "13.0.1")
OWN_IMAGE_PATTERN = r"registry\.example\.org/own/.+"

_WHOLE = tuple(gpu_products())
_DIVISIBLE = tuple(name for name, card in gpu_products().items() if card.mig)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z -]*[A-Za-z]")
_WORDS = frozenset({"true", "false", "null"})


def words(*, most: int = 20) -> st.SearchStrategy[str]:
    """Text for people on one line, in any script."""
    return st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cn")), min_size=1, max_size=most).filter(
        lambda text: bool(text.strip())
    )


def slugs() -> st.SearchStrategy[str]:
    """Among them `null`, `1e3` and `0o17`, which are something else in YAML unless they are quoted."""
    return st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,6}", fullmatch=True) | st.sampled_from(["null", "1e3", "0o17", "7"])


def group_sets() -> st.SearchStrategy[frozenset[str]]:
    """The groups of a user."""
    return st.frozensets(st.sampled_from([*GROUPS, "nobody-knows"]))


def cores() -> st.SearchStrategy[Any]:
    """Numbers of cores in every notation that people use."""
    return (
        st.integers(1, 256)
        | st.sampled_from([0.5, 1.5, 0.1, "100m", "2500m", "1e1", "0.25", "3", 64.0])
        | st.integers(1, 64_000).map(lambda count: f"{count}m")
    )


def memory() -> st.SearchStrategy[Any]:
    """Amounts of memory in every notation that people use, none of them below 16Mi."""
    return (
        st.integers(1, 2000).map(lambda count: f"{count}Gi")
        | st.integers(16, 10_000).map(lambda count: f"{count}Mi")
        | st.sampled_from(["17M", "1.5Gi", "2e9", "0.5Ti", 2**34, "1T"])
    )


def _groups() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(GROUPS), max_size=3)


def _label_keys() -> st.SearchStrategy[str]:
    return st.sampled_from(["pool", "nvidia.com/gpu", "example.org/rack_1.a", "Zone", "a" * 63])


def _label_values() -> st.SearchStrategy[str]:
    return st.from_regex(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,6}[A-Za-z0-9])?)?", fullmatch=True)


def _paths() -> st.SearchStrategy[str]:
    segment = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._ -]{0,6}", fullmatch=True) | st.sampled_from(["データ", ".cache"])
    return st.lists(segment, min_size=1, max_size=3).map("/".join)


def _tolerations() -> st.SearchStrategy[dict[str, Any]]:
    effect = {"effect": st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"])}
    equal = st.fixed_dictionaries(
        {"key": _label_keys()}, optional={"operator": st.just("Equal"), "value": _label_values(), **effect}
    )
    exists = st.fixed_dictionaries({"operator": st.just("Exists")}, optional={"key": _label_keys(), **effect})
    return equal | exists


def _one_or_several(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return names | st.lists(names, max_size=3)


def _gpus(own_products: Rows) -> st.SearchStrategy[dict[str, Any]]:
    count = {"count": st.integers(1, 16)}
    whole = st.sampled_from([*_WHOLE, *(row["product"] for row in own_products)])
    divisible = st.sampled_from([*_DIVISIBLE, *(row["product"] for row in own_products if row.get("mig"))])
    label = {"product_label": st.sampled_from(["nvidia.com/gpu.product", "example.org/card"])}
    slices = st.sampled_from(["nvidia.com/mig-1g.10gb", "nvidia.com/mig-3g.40gb"])
    return st.one_of(
        st.fixed_dictionaries(count, optional={"resource": st.just("nvidia.com/gpu")}),
        st.fixed_dictionaries(count, optional={"product": _one_or_several(whole), **label}),
        st.fixed_dictionaries({**count, "resource": slices}, optional={"product": _one_or_several(divisible)}),
        st.fixed_dictionaries(
            {**count, "resource": slices}, optional={"product": divisible.map(lambda name: f"{name}-MIG-1g.10gb")}
        ),
        st.fixed_dictionaries(
            {**count, "resource": st.sampled_from(["nvidia.com/gpu.shared", "nvidia.com/gpu"])},
            optional={"product": whole.map(lambda name: f"{name}-SHARED")},
        ),
        st.fixed_dictionaries({**count, "resource": st.sampled_from(["amd.com/gpu", "gpu.intel.com/i915"])}),
        st.fixed_dictionaries(
            {
                **count,
                "resource": st.just("amd.com/gpu"),
                "product": _one_or_several(st.sampled_from(["MI300X", "MI210"])),
                "product_label": st.just("amd.com/gpu.product-name"),
            }
        ),
    )


def _own_products() -> st.SearchStrategy[Rows]:
    row = st.fixed_dictionaries(
        {
            "product": st.sampled_from(["Example-X1", "Example-X2", "Tesla-T4"]),
            "family": st.just("example"),
            "compute_capability": st.sampled_from(CAPABILITIES),
            "memory": st.integers(1, 10**6),
        },
        optional={"mig": st.booleans()},
    )
    return st.lists(row, max_size=2, unique_by=lambda found: found["product"])


def _seen(**more: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """What every row may have that users see."""
    return {"description": words(most=40), "groups": _groups(), **more}


@st.composite
def _hardware(draw: st.DrawFn, slug: str, own_products: Rows) -> dict[str, Any]:
    row = draw(
        st.fixed_dictionaries(
            {"slug": st.just(slug), "display_name": words(), "cpu": cores(), "memory": memory()},
            optional=_seen(
                gpu=_gpus(own_products),
                node_selector=st.dictionaries(_label_keys(), _label_values(), max_size=3),
                tolerations=st.lists(_tolerations(), max_size=3),
            ),
        )
    )
    # Whatever a row has, its half is less and 300 cores are more.
    if draw(st.booleans()):
        row["cpu_limit"] = draw(st.integers(300, 4096) | st.just(row["cpu"]))
    if draw(st.booleans()):
        row["shared_memory"] = draw(st.sampled_from(["16Mi", "2000k", row["memory"]]))
    if draw(st.booleans()):
        row["when_full"] = draw(st.sampled_from(["refuse", "wait"]))
    if "gpu" not in row and draw(st.booleans()):
        row["rescue"] = True
    return row


def _image(slug: str) -> st.SearchStrategy[dict[str, Any]]:
    digest = f"@sha256:{'0a' * 32}"
    base = {
        "slug": st.just(slug),
        "display_name": words(),
        "image": st.sampled_from(
            [f"registry.example.org/genkan/{slug}:1", f"registry.example.org/x:1.2{digest}", "a:1"]
        ),
    }
    anywhere = st.fixed_dictionaries(
        base,
        optional=_seen(
            framework=words(),
            runs_on=st.sampled_from(["any", "cpu", "gpu"]),
            min_driver=st.sampled_from(["450", "580.65"]),
        ),
    )
    with_cuda = st.fixed_dictionaries(
        {**base, "cuda": st.sampled_from(CUDA)},
        optional=_seen(
            runs_on=st.sampled_from(["any", "gpu"]),
            min_driver=st.sampled_from(["580", "580.65.06"]),
            min_compute_capability=st.sampled_from(CAPABILITIES),
        ),
    )
    return anywhere | with_cuda


def _priority(slug: str) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["genkan-normal", "genkan.example.org", "system-cluster-critical"])
    return st.fixed_dictionaries(
        {"slug": st.just(slug), "display_name": words(), "priority_class": names}, optional=_seen()
    )


def _team(slug: str) -> st.SearchStrategy[dict[str, Any]]:
    base = {"display_name": words(), "namespace": st.sampled_from(["team-a", "b", "7"])}
    more = {"description": words(most=40)}
    return st.fixed_dictionaries(
        {**base, "slug": st.just(slug)}, optional={**more, "group": st.sampled_from(GROUPS)}
    ) | st.fixed_dictionaries({**base, "group": st.just(slug)}, optional=more)


def _volume(slug: str, mount_path: str, hardware: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    base = {"slug": st.just(slug), "display_name": words(), "mount_path": st.just(f"/{mount_path}")}
    more = {"groups": _groups(), "hardware": st.lists(st.sampled_from(hardware), max_size=2)}
    claim = {"claim": st.sampled_from(["data", "shared-7"])}
    of_claims = {"sub_path": _paths(), "read_only": st.booleans()}
    share = st.fixed_dictionaries({**base, **claim}, optional={**more, **of_claims})
    return st.tuples(share, st.sampled_from(_SHARES)).map(
        lambda parts: {**parts[0], **parts[1]}
    ) | st.fixed_dictionaries({**base, "scratch": memory().map(lambda size: {"size": size})}, optional=more)


_FILL = (
    {"hub_path": "/srv/データ"},
    {"hub_path": "/srv/homes", "warn_from": 50, "refuse_from": 95.5, "largest": "/srv/largest.json"},
    {"prometheus": "http://prometheus.example.org:9090", "refuse_from": 100},
)
_SHARES: Rows = [{}, {"gid": 3001}, {"fill": _FILL[0]}, {"gid": 1, "fill": _FILL[2]}]
_SHARED = {"kind": "shared", "claim": "homes"}
HOMES: Rows = [
    {"kind": "claim"},
    {"kind": "claim", "size": "1.5Ti", "ownership": {"uid": 1, "gid_claim": "gid", "fs_gid": 100}},
    {"kind": "claim", "storage_class": "nfs.example.org", "access_mode": "ReadWriteMany"},
    _SHARED,
    {**_SHARED, "folder": "ホーム/a b", "names": "escaped", "fill": _FILL[0]},
    {**_SHARED, "folder": "home", "ownership": {"uid_claim": "uidNumber", "gid_claim": "gidNumber"}},
    {**_SHARED, "folders": {"ann": "a.smith"}, "ownership": {"uid": 1000, "gid": 100}, "fill": _FILL[1]},
    {**_SHARED, "folders": {"データ": "x/1", "Bob": "x/2", "{bob}": "bob"}, "names": "stable", "fill": _FILL[2]},
]
"""Homes of either kind; no volume of these catalogues has their claim."""


def _own_image() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"pattern": st.just(OWN_IMAGE_PATTERN), "message": words()},
        optional={"display_name": words(), "groups": _groups()},
    )


@st.composite
def _marked(draw: st.DrawFn, rows: st.SearchStrategy[Rows]) -> Rows:
    """Make one row the default, or none, as often as not."""
    found = draw(rows)
    free = [row for row in found if not row.get("groups")]
    wanted = draw(st.booleans())
    if free and wanted:
        draw(st.sampled_from(free))["default"] = True
    return found


@st.composite
def documents_of_rows(draw: st.DrawFn) -> Document:
    """Documents each of whose rows is right; on some hardware somebody may find nothing to choose."""

    def some(least: int, most: int) -> list[str]:
        return draw(st.lists(slugs(), min_size=least, max_size=most, unique=True))

    products = draw(_own_products())
    hardware = some(1, 4)
    document: Document = {
        "hardware": draw(_marked(st.tuples(*(_hardware(slug, products) for slug in hardware)).map(list))),
        "images": draw(_marked(st.tuples(*map(_image, some(1, 4))).map(list))),
        "priorities": draw(_marked(st.tuples(*map(_priority, some(0, 3))).map(list))),
        "teams": draw(st.tuples(*map(_team, some(0, 3))).map(list)),
        "gpu_products": products,
    }
    names = some(0, 3)
    places = draw(st.lists(_paths(), min_size=len(names), max_size=len(names), unique=True))
    document["volumes"] = [draw(_volume(name, place, hardware)) for name, place in zip(names, places, strict=True)]
    if draw(st.booleans()):
        document["homes"] = draw(st.sampled_from(HOMES))
    if draw(st.booleans()):
        document["own_image"] = draw(_own_image())
    # Tests break documents on purpose, and what they break must not be a part that the next document has too.
    return copy.deepcopy(
        {section: rows for section, rows in document.items() if rows or section in {"hardware", "images"}}
    )


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Documents that are right; where an image or a priority is missing for somebody, one for everybody is added."""
    document = draw(documents_of_rows())
    if not _is_right(document):
        rescue = {"slug": "rescue", "display_name": "Rescue"}
        document["images"].append({**rescue, "image": "registry.example.org/rescue:1"})
        if "priorities" in document:
            document["priorities"].append({**rescue, "priority_class": "rescue"})
    return document


def catalogues() -> st.SearchStrategy[Catalogue]:
    """Catalogues that are right."""
    return documents().map(Catalogue.model_validate)


def texts() -> st.SearchStrategy[tuple[Document, str]]:
    """Right documents with a text that says the same."""
    return documents().flatmap(lambda document: written(document).map(lambda text: (document, text)))


def written(document: Document) -> st.SearchStrategy[str]:
    """The texts of a document in several styles: JSON, blocks, and braces within blocks."""
    return st.sampled_from([as_json, as_blocks, as_flow]).map(lambda write: write(document))


def as_json(document: Document) -> str:
    """Write a document as JSON, which is YAML too."""
    return json.dumps(document, indent=1, ensure_ascii=False)


def as_blocks(document: Document) -> str:
    """Write a document a field per line."""
    return yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True)


def as_flow(document: Document) -> str:
    """Write a document a row per line, as far as it is long enough."""
    return yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, default_flow_style=None, width=300)


class _Writer(yaml.SafeDumper):
    """Quotes all but plain words: what PyYAML leaves without quotes is not text in YAML 1.2 now and then."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True

    def text(self, text: str) -> yaml.ScalarNode:
        plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Writer.add_representer(str, _Writer.text)


def _is_right(document: Document) -> bool:
    try:
        Catalogue.model_validate(document)
    except ValidationError:
        return False
    return True
