from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_sandbox.exceptions import SiteError
from genkan_sandbox.sites import load_site

RIGHT = """\
description: A small site.
pools:
  - name: a
    count: 2
    cpu: 8
    memory: 50Gi
    devices: [{count: 2, product: NVIDIA-GeForce-RTX-2080-Ti}]
priority_classes:
  - {name: high, value: 1000}
namespaces:
  - {name: genkan}
quotas:
  - {name: gpus, namespace: genkan, hard: {requests.nvidia.com/gpu: 2}, priority_classes: [high]}
tenants:
  - {name: job, namespace: genkan, cpu: 1, memory: 1Gi}
users:
  - {name: alice, groups: [vision]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.yaml"


def refusal(file: Path) -> list[str]:
    with pytest.raises(SiteError) as refused:
        load_site(str(file))
    return [line.removeprefix(f"{file}:") for line in str(refused.value).splitlines()]


def test_a_site_comes_from_a_file(file: Path) -> None:
    file.write_text(RIGHT)

    site = load_site(str(file))

    assert site.hub_namespace == "genkan"
    assert site.node_count == 2
    assert site.scheduler.packing


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("name: alice", "name: ../../etc", "17:12: users[0].name: '../../etc' cannot be a user: a name has at most 64"),
        ("name: alice", "name: Alice", "17:12: users[0].name: 'Alice' cannot be a user"),
        ("groups: [vision]", "groups: vision", "17:27: users[0].groups: This must be a list, not 'vision'."),
        ("count: 2\n", "count: -2\n", "4:12: pools[0].count: This must be at least 0, not -2."),
        ("count: 2\n", "count: two\n", "4:12: pools[0].count: This must be a whole number, not 'two'."),
        ("count: 2\n", "count: 9000\n", "4:12: pools[0].count: This must be at most 5000, not 9000."),
        ("cpu: 8", "cpus: 8", "3:5: pools[0].cpu: This field is missing."),
        ("cpu: 8", "cpu: 0", "5:10: pools[0].cpu: This must be more than nothing."),
        ("50Gi", "50 GB", "6:13: pools[0].memory: '50 GB' is no quantity of Kubernetes; write G or Gi instead of GB."),
        ("name: a\n", "name: A\n", "3:11: pools[0].name: 'A' cannot stand here: a name has at most 63 small letters"),
        ("name: a\n", f"name: {'a' * 62}\n", "3:11: pools[0].name: Names of nodes (this and a number) have at most 63"),
        (
            "product: NVIDIA-GeForce-RTX-2080-Ti",
            "product: RTX-2080",
            "7:35: pools[0].devices[0].product: This product is not known; give memory, family and compute_capability",
        ),
        (
            ", product: NVIDIA-GeForce-RTX-2080-Ti",
            "",
            "7:15: pools[0].devices[0]: NVIDIA's devices need a product, such as Tesla-V100-SXM2-16GB.",
        ),
        (
            "{count: 2,",
            "{resource: gpu, count: 2,",
            "7:26: pools[0].devices[0].resource: 'gpu' cannot stand here: a device's resource is a domain, a slash",
        ),
        (
            "{count: 2,",
            "{count: 3, product: NVIDIA-A100-SXM4-80GB}, {count: 2,",
            "7:59: pools[0].devices[1].resource: nvidia.com/gpu is already in this pool.",
        ),
        (
            "{count: 2,",
            "{resource: nvidia.com/mig-3g.40gb, count: 3, cards: 1, memory: 40Gi,",
            "7:57: pools[0].devices[0].count: 1 cards give at most 2 of these slices.",
        ),
        (
            "{count: 2,",
            "{resource: nvidia.com/mig-3g.40gb, count: 2, cards: 1, memory: 40Gi,",
            "7:93: pools[0].devices[0].product: NVIDIA-GeForce-RTX-2080-Ti cannot be divided into MIG slices.",
        ),
        (
            "    cpu: 8\n",
            "    cpu: 8\n    cordoned: [2]\n",
            "6:16: pools[0].cordoned[0]: The pool's nodes are numbered from 0 to 1.",
        ),
        (
            "    cpu: 8\n",
            "    cpu: 8\n    taints: [{key: a, effect: NoExec}]\n",
            "6:31: pools[0].taints[0].effect: 'NoExec' is not one of the values that may stand here; did you mean",
        ),
        (
            "  - {name: genkan}",
            "  - {name: genkan}\n  - {name: genkan}",
            "12:12: namespaces[1].name: 'genkan' is already the name of namespaces[0].",
        ),
        ("  - {name: genkan}", "  - {name: hub}", "1:1: hub_namespace: There is no namespace 'genkan' in this site."),
        ("  - {name: genkan}", "  []", "11:3: namespaces: This must have at least 1 entry, not 0."),
        (
            "gpus, namespace: genkan",
            "gpus, namespace: vision",
            "13:29: quotas[0].namespace: There is no namespace 'vision' in this site. (allowed: genkan)",
        ),
        (
            "requests.nvidia.com/gpu: 2",
            "nvidia.com/gpu: 2",
            "13:44: quotas[0].hard[\"nvidia.com/gpu\"]: Quotas do not count 'nvidia.com/gpu'. They count devices as",
        ),
        (
            "quotas:",
            "limit_ranges: [{name: sizes, namespace: genkan, max: {gpu: 2}}]\nquotas:",
            "12:55: limit_ranges[0].max.gpu: Containers have no limit of 'gpu'. They have limits of cpu, memory,",
        ),
        (
            "[high]",
            "[higher]",
            "13:92: quotas[0].priority_classes[0]: There is no priority class 'higher' in this site. (allowed: high, ",
        ),
        (
            "job, namespace: genkan, cpu: 1",
            "job, namespace: genkan, cpu: 9",
            "15:5: tenants[0]: A pod of this tenant fits on no node of this site, even an empty one.",
        ),
        (
            "job, namespace: genkan",
            "job, namespace: nowhere",
            "15:28: tenants[0].namespace: There is no namespace 'nowhere' in this site. (allowed: genkan)",
        ),
        (
            "\npools:",
            "\ncatalogue: samples\npools:",
            "2:12: catalogue: 'samples' is not one of the values that may stand here; did you mean 'sample'?",
        ),
        (
            "\npools:",
            "\ncatalogue: sample\npools:",
            "2:12: catalogue: A team of this catalogue has the namespace 'vision', which this site lacks.",
        ),
        (
            "\npools:",
            "\ncatalogue: sample\npools:",
            "2:12: catalogue: A priority of this catalogue has the class 'genkan-burst', which this site lacks.",
        ),
        ("description: A small site.\n", "", "1:1: description: This field is missing."),
        ("\npools:", "\npolls:", "2:1: polls: There is no field 'polls' here; did you mean 'pools'?"),
        ("\npools:", "\n\tpools:", "2:1: A tab stands here; YAML indents with spaces."),
    ],
)  # fmt: skip
def test_a_broken_site_names_line_and_what_is_allowed(file: Path, right: str, wrong: str, expected: str) -> None:
    assert right in RIGHT
    file.write_text(RIGHT.replace(right, wrong, 1))

    assert any(line.startswith(expected) for line in refusal(file)), refusal(file)


def test_a_site_has_what_its_catalogue_needs(file: Path) -> None:
    classes = "\n".join(f"  - {{name: genkan-{name}, value: 1}}" for name in ("high", "normal", "burst"))
    file.write_text(
        RIGHT.replace("\npools:", "\ncatalogue: sample\npools:")
        .replace("priority_classes:\n", f"priority_classes:\n{classes}\n", 1)
        .replace("  - {name: genkan}", "  - {name: genkan}\n  - {name: vision}\n  - {name: language}")
    )

    assert load_site(str(file)).server_namespaces == ("genkan", "vision", "language")


def test_every_problem_is_told_at_once(file: Path) -> None:
    file.write_text(RIGHT.replace("cpu: 8", "cpu: x").replace("value: 1000", "value: y").replace("alice", "-"))

    assert [line.split(": ")[1] for line in refusal(file)] == [
        "pools[0].cpu",
        "priority_classes[0].value",
        "users[0].name",
    ]


@pytest.mark.parametrize(
    "tenant",
    [
        "devices: {nvidia.com/gpu: 3}",
        "devices: {example.org/tpu: 1}",
        "node_selector: {pool: b}",
        "node_selector: {kubernetes.io/hostname: a-2}",
        "node_selector: {kubernetes.io/hostname: a-1, pool: c}",
    ],
)
def test_a_tenant_that_no_node_can_hold_is_refused(file: Path, tenant: str) -> None:
    file.write_text(RIGHT.replace("cpu: 1, ", f"cpu: 1, {tenant}, "))

    assert refusal(file) == ["15:5: tenants[0]: A pod of this tenant fits on no node of this site, even an empty one."]


def test_a_tenant_may_ask_for_what_one_node_has(file: Path) -> None:
    wishes = "node_selector: {kubernetes.io/hostname: a-1}, tolerations: [{key: x}], devices: {nvidia.com/gpu: 2}"
    file.write_text(
        RIGHT.replace("cpu: 1, ", f"cpu: 1, {wishes}, ").replace(
            "cpu: 8\n", "cpu: 8\n    taints: [{key: x, effect: NoExecute}]\n"
        )
    )

    assert load_site(str(file)).tenants[0].devices == {"nvidia.com/gpu": 2}


@pytest.mark.parametrize("name", ["datacentre", "", "..", "con\0trol", "x" * 500])
def test_an_unknown_name_lists_the_shipped_sites(name: str) -> None:
    with pytest.raises(SiteError) as refused:
        load_site(name)

    assert "(shipped: datacenter, empty, large, machine, workstations)" in str(refused.value)
    assert refused.value.mend == "Give one of these names, or the path of a site file that ends in .yaml."


def test_a_missing_file_is_a_sentence() -> None:
    with pytest.raises(SiteError, match=r"^gone\.yaml: There is no such file\.$"):
        load_site("./gone.yaml")


@given(st.text(max_size=30))
def test_any_name_is_a_site_or_refused(name: str) -> None:
    try:
        load_site(name)
    except SiteError:
        return
