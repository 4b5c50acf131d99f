"""The chart genkan-platform as Helm renders it."""

import copy
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from genkan_spawner.api import JsonObject

from ..support.golden import Golden
from ..support.helm import PLATFORM, Helm, HelmError, merged, of_kind

SITE = Path(__file__).with_name("platform.yaml")
LEAST: dict[str, Any] = {"catalogue": {"content": "hardware: []"}}
KUBERNETES = ("1.32", "1.36")
"""The oldest that the chart is for, and the one that the sandbox runs."""


@pytest.fixture(scope="module")
def objects(helm: Helm) -> list[JsonObject]:
    return helm.render(PLATFORM, SITE, name="genkan-platform")


def test_lint_finds_nothing(helm: Helm) -> None:
    said = helm.run("lint", "--strict", PLATFORM, "--values", SITE)

    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


def test_a_site_is_rendered_as_before(objects: list[JsonObject], golden: Golden) -> None:
    golden.check("platform", sorted(objects, key=lambda one: (one["kind"], *sorted(of_kind([one], one["kind"])))))


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_object_is_one_of_kubernetes(objects: list[JsonObject], version: str) -> None:
    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_catalogue_is_enough(helm: Helm) -> None:
    rendered = helm.render(PLATFORM, values=LEAST)

    assert set(of_kind(rendered, "Role")) == {"genkan/genkan-hub"}
    assert of_kind(rendered, "Namespace") == {}
    assert of_kind(rendered, "CronJob") == {}


def test_without_a_catalogue_it_says_how_to_give_one(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"--set-file catalogue\.content=catalogue\.yaml"):
        helm.render(PLATFORM, values={})


def test_a_catalogue_is_carried_to_the_letter(helm: Helm, tmp_path: Path) -> None:
    text = 'hardware: # "quoted" {{ braces }}\n\n  - slug: "ä"\n\ttab: \'x\'\n'
    (tmp_path / "catalogue.yaml").write_text(text)

    printed = helm.run("template", "x", PLATFORM, "--set-file", f"catalogue.content={tmp_path}/catalogue.yaml")

    (carried,) = of_kind(yaml.safe_load_all(printed), "ConfigMap").values()
    assert carried["data"] == {"catalogue.yaml": text}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"teams": {"vision": {"quotas": {}}}}, "quotas"),
        ({"hub": {"seeAllPods": True}}, "seeAllPods"),
        ({"hubNamespace": {"createNamespace": True}}, "createNamespace"),
        ({"teamDefaults": {"namespace": "x"}}, "namespace"),
        ({"teams": {"Vision": {}}}, "Vision"),
        ({"teams": {"vision": {"quota": {"requests.cpu": "many"}}}}, "requests.cpu"),
        ({"teams": {"vision": {"maxPods": -1}}}, "maxPods"),
        ({"teams": {"vision": {"podSecurity": "strict"}}}, "podSecurity"),
        ({"teams": {"vision": {"viewers": [{"kind": "ServiceAccount", "name": "x"}]}}}, "namespace"),
        ({"sharedVolumes": {"homes": {"size": "1Ti"}}}, "nfs"),
        ({"sharedVolumes": {"homes": {"nfs": {"server": "x", "path": "/x"}, "csi": {"driver": "y"}}}}, "homes"),
        ({"network": {"metadataAddresses": ["everything"]}}, "metadataAddresses"),
        ({"imagePullers": {"classes": {"cpu": {"images": {}}}}}, "images"),
        ({"cleanUp": {"finishedFor": "1h"}}, "finishedFor"),
        ({"priorityClasses": {"classes": {"x": {"value": 2000000000}}}}, "value"),
    ],
)
def test_what_is_not_meant_so_is_refused(helm: Helm, values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(HelmError, match=sentence):
        helm.render(PLATFORM, values=merged(LEAST, values))


@pytest.mark.parametrize(
    ("teams", "sentence"),
    [
        ({"a": {"namespace": "same"}, "b": {"namespace": "same"}}, "teams.b: The namespace same is that of teams.a"),
        ({"a": {"namespace": "genkan"}}, "teams.a: The namespace genkan is that of the hub already"),
    ],
)
def test_a_namespace_is_of_one_team(helm: Helm, teams: dict[str, Any], sentence: str) -> None:
    with pytest.raises(HelmError, match=sentence):
        helm.render(PLATFORM, values=merged(LEAST, {"teams": teams}))


def test_a_team_says_what_differs_from_all(helm: Helm) -> None:
    values = merged(
        LEAST,
        {"teamDefaults": {"quota": {"requests.cpu": 10}}, "teams": {"a": {}, "b": {"quota": {"requests.cpu": 5}}}},
    )

    quotas = of_kind(helm.render(PLATFORM, values=values), "ResourceQuota")

    assert quotas["a/genkan-share"]["spec"]["hard"] == {"requests.cpu": "10", "pods": "100", "count/pods": "200"}
    assert quotas["b/genkan-share"]["spec"]["hard"]["requests.cpu"] == "5"


def test_the_hubs_own_namespace_has_no_share_by_default(helm: Helm) -> None:
    defaults = {"quota": {"requests.cpu": 10}, "viewers": [{"kind": "Group", "name": "everybody"}]}

    rendered = helm.render(PLATFORM, values=merged(LEAST, {"teamDefaults": defaults}))

    assert of_kind(rendered, "ResourceQuota") == {}
    assert set(of_kind(rendered, "RoleBinding")) == {"genkan/genkan-hub"}


@pytest.mark.parametrize("kind", ["Namespace", "PersistentVolume", "PersistentVolumeClaim"])
def test_what_homes_are_in_stays_when_the_release_goes(objects: list[JsonObject], kind: str) -> None:
    found = of_kind(objects, kind)

    assert found
    assert {one["metadata"]["annotations"]["helm.sh/resource-policy"] for one in found.values()} == {"keep"}


def test_volumes_are_never_wiped(objects: list[JsonObject]) -> None:
    volumes = of_kind(objects, "PersistentVolume").values()

    assert {one["spec"]["persistentVolumeReclaimPolicy"] for one in volumes} == {"Retain"}


def test_a_shared_volume_has_a_claim_of_its_name_in_each_namespace(objects: list[JsonObject]) -> None:
    claims, volumes = of_kind(objects, "PersistentVolumeClaim"), of_kind(objects, "PersistentVolume")

    assert set(claims) == {"genkan/homes", "vision/homes", "language-models/homes", "vision/weights"}
    for place, claim in claims.items():
        reference = volumes[claim["spec"]["volumeName"]]["spec"]["claimRef"]
        assert f"{reference['namespace']}/{reference['name']}" == place


def test_a_hub_without_sight_of_all_pods_may_list_none_elsewhere(helm: Helm) -> None:
    (role,) = of_kind(
        helm.render(PLATFORM, values=merged(LEAST, {"hub": {"seesAllPods": False}})), "ClusterRole"
    ).values()

    assert [rule for rule in role["rules"] if "pods" in rule["resources"]] == []


def test_a_hub_whose_users_are_all_in_teams_starts_nothing_in_its_own_namespace(helm: Helm) -> None:
    values = merged(LEAST, {"hubNamespace": {"servers": False}, "teams": {"vision": {}}})

    assert set(of_kind(helm.render(PLATFORM, values=values), "Role")) == {"vision/genkan-hub"}


def test_no_role_gives_more_than_the_file_of_rights_and_what_a_site_adds(objects: list[JsonObject]) -> None:
    rights = yaml.safe_load((PLATFORM / "files" / "rights.yaml").read_text())
    listed = {(row["resource"], verb) for rows in rights.values() for row in rows for verb in row["verbs"]}
    roles = [*of_kind(objects, "Role").values(), *of_kind(objects, "ClusterRole").values()]
    given = {
        (".".join(filter(None, (resource, group))), verb)
        for role in roles
        if role["metadata"]["name"] not in {"genkan-viewer", "genkan-clean-up"}
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert given == listed | {("services", "create")}


def test_nobody_reads_secrets_or_runs_commands_in_pods(objects: list[JsonObject]) -> None:
    roles = [*of_kind(objects, "Role").values(), *of_kind(objects, "ClusterRole").values()]
    rules = [rule for role in roles for rule in role["rules"]]

    assert not any({"*", "secrets", "pods/exec"} & set(rule["resources"]) for rule in rules)
    assert not any({"*", "update", "patch", "deletecollection"} & set(rule["verbs"]) for rule in rules)


def peers(policy: JsonObject, direction: str) -> Iterator[JsonObject]:
    for rule in policy["spec"].get(direction, ()):
        yield from rule["to" if direction == "egress" else "from"]


def test_servers_are_reached_by_the_hub_and_its_proxy_alone(objects: list[JsonObject]) -> None:
    policies = of_kind(objects, "NetworkPolicy")

    assert set(policies) == {
        f"{namespace}/{name}"
        for namespace in ("vision", "language-models")
        for name in ("genkan-nothing", "genkan-servers")
    }
    for policy in policies.values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        for peer in peers(policy, "ingress"):
            assert peer == {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "genkan"}},
                "podSelector": {"matchLabels": {"hub.jupyter.org/network-access-singleuser": "true"}},
            }


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "10.0.0.1", "192.168.7.7", "172.20.0.1"],
)
def test_an_address_of_metadata_or_of_the_sites_own_is_in_no_rule(objects: list[JsonObject], address: str) -> None:
    wanted = ipaddress.ip_address(address)
    blocks = [
        peer["ipBlock"]
        for policy in of_kind(objects, "NetworkPolicy").values()
        for peer in peers(policy, "egress")
        if "ipBlock" in peer
    ]

    assert blocks
    assert [
        block
        for block in blocks
        if wanted in ipaddress.ip_network(block["cidr"])
        and not any(wanted in ipaddress.ip_network(hole) for hole in block.get("except", ()))
    ] == []


def test_only_what_the_site_lists_is_reached(helm: Helm) -> None:
    values = merged(LEAST, {"network": {"internet": False}, "teams": {"vision": {}}})
    policy = of_kind(helm.render(PLATFORM, values=values), "NetworkPolicy")["vision/genkan-servers"]

    ports = [[port["port"] for port in rule["ports"]] for rule in policy["spec"]["egress"]]
    assert ports == [[8080, 8443], [8081], [8000], [53, 53]]
    assert not any("ipBlock" in peer for peer in peers(policy, "egress"))


def test_no_pod_needs_more_than_the_restricted_standard_lets_it(objects: list[JsonObject]) -> None:
    for template in templates(objects):
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]) == {"requests", "limits"}


def templates(objects: list[JsonObject]) -> Iterator[JsonObject]:
    for one in of_kind(objects, "DaemonSet").values():
        yield one["spec"]["template"]
    for one in of_kind(objects, "CronJob").values():
        yield one["spec"]["jobTemplate"]["spec"]["template"]


def test_each_kind_of_machine_gets_its_images(objects: list[JsonObject]) -> None:
    pullers = of_kind(objects, "DaemonSet")
    pulled = {
        place: [container["image"] for container in [*pod.get("initContainers", []), *pod["containers"]]]
        for place, pod in ((place, one["spec"]["template"]["spec"]) for place, one in pullers.items())
    }

    assert pulled == {
        "genkan/genkan-pull-a100": [
            "registry.example.org/genkan/jax:26.04",
            "registry.example.org/genkan/pytorch:26.09",
        ],
        "genkan/genkan-pull-cpu": ["registry.example.org/genkan/scipy:2026.09"],
    }


def test_two_hubs_share_a_cluster(helm: Helm) -> None:
    """What belongs to no namespace must not have the same name twice, or one release takes the other's."""
    values = merged(LEAST, {"sharedVolumes": {"homes": {"nfs": {"server": "x", "path": "/x"}}}})
    first, second = (
        {
            (one["kind"], one["metadata"]["name"])
            for one in helm.render(PLATFORM, values=merged(values, more), namespace=where)
            if "namespace" not in one["metadata"]
        }
        for where, more in (("one", {}), ("two", {"priorityClasses": {"create": False}}))
    )

    assert first & second == set()


def schema_nodes(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each schema of an object, with its place."""
    if isinstance(node, dict):
        if node.get("properties"):
            yield place, node
        for key, inner in node.items():
            yield from schema_nodes(inner, f"{place}/{key}")


def test_the_schema_that_helm_reads_is_made_from_the_written_one(request: pytest.FixtureRequest) -> None:
    schema = yaml.safe_load((PLATFORM / "values.schema.yaml").read_text())

    Golden(PLATFORM, update=bool(request.config.getoption("--update-golden"))).check("values.schema", schema)


def test_the_schema_is_strict_and_explains_everything() -> None:
    schema = yaml.safe_load((PLATFORM / "values.schema.yaml").read_text())
    for place, node in schema_nodes(schema):
        if place.endswith("/if"):
            continue
        assert node.get("additionalProperties") is False or place.endswith(("/cephfs", "/csi")), place
        if not place.startswith("/definitions") or place == "/definitions/subject":
            assert [name for name, one in node["properties"].items() if not one.get("description")] == [], place


def test_the_schema_knows_every_default(helm: Helm) -> None:
    """A default that the schema forbids would refuse every site."""
    defaults = yaml.safe_load((PLATFORM / "values.yaml").read_text())
    before = copy.deepcopy(defaults)

    helm.render(PLATFORM, values=merged(defaults, LEAST))

    assert defaults == before
    assert set(defaults) == set(yaml.safe_load((PLATFORM / "values.schema.yaml").read_text())["properties"]) - {
        "global"
    }
