import csv
import json
from pathlib import Path

from genkan_sandbox.control_plane.access import (
    CLUSTER_PAGE_ACCOUNT,
    HUB_ACCOUNT,
    Identity,
    NodeToken,
    account_token,
    kubeconfig,
    make_tokens,
    role_manifests,
    token_file,
)
from genkan_spawner.kinds import SERVICE_ACCOUNTS

from ...support.fake_cluster import FakeCluster


def test_the_token_file_gives_every_right_to_two_identities_only() -> None:
    tokens = make_tokens()
    rows = list(csv.reader(token_file(tokens).splitlines()))
    groups = {row[1]: row[3:] for row in rows}
    assert {name for name, of in groups.items() if of == ["system:masters"]} == {
        Identity.ADMINISTRATOR,
        Identity.NODE_AGENT,
    }
    assert len({row[0] for row in rows}) == len(Identity)


def test_a_kubelet_is_its_node_and_nothing_else() -> None:
    rows = list(csv.reader(token_file(make_tokens(), kubelet=NodeToken("machine-0", "secret")).splitlines()))

    assert [row[1:] for row in rows if row[0] == "secret"] == [["system:node:machine-0", "machine-0", "system:nodes"]]


def test_a_kubeconfig_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("authority")
    text = kubeconfig(server="https://127.77.1.1:1", authority=tmp_path / "ca.crt", token="t", namespace="genkan")
    assert str(tmp_path) not in text
    assert json.loads(text)["contexts"][0]["context"]["namespace"] == "genkan"


def test_the_hub_may_change_nothing_but_pods_and_claims_where_it_starts_servers() -> None:
    changes = {"create", "update", "patch", "delete", "deletecollection", "*"}
    rights = role_manifests("genkan", servers=["genkan", "vision"])
    may_change = {
        (manifest["kind"], manifest["metadata"].get("namespace"), resource)
        for manifest in rights
        for rule in manifest.get("rules", [])
        for resource in rule["resources"]
        if changes & set(rule["verbs"])
    }
    assert may_change == {
        ("Role", namespace, resource)
        for namespace in ("genkan", "vision")
        for resource in ("pods", "persistentvolumeclaims")
    }
    assert [row for manifest in rights for row in manifest.get("subjects", [])] == [
        *[{"kind": "ServiceAccount", "name": HUB_ACCOUNT, "namespace": "genkan"}] * 3,
        *[{"kind": "ServiceAccount", "name": CLUSTER_PAGE_ACCOUNT, "namespace": "genkan"}] * 3,
    ]


async def test_a_token_of_an_earlier_start_ends_with_its_account() -> None:
    api = FakeCluster()
    uids = []
    for _ in range(2):
        assert await account_token(api, HUB_ACCOUNT, namespace="genkan")
        uids.append((await api.get(SERVICE_ACCOUNTS, HUB_ACCOUNT, namespace="genkan"))["metadata"]["uid"])
    assert uids[0] != uids[1]
