import itertools
from collections import Counter
from typing import Any

import pytest

from genkan_profiles import Hardware, load_catalogue
from genkan_profiles.quantities import parse_quantity, quantity_bytes
from genkan_sandbox.sites import Pool, Site, load_site, node_manifest, shipped_sites, site_manifests

SITES = ["datacenter", "empty", "large", "machine", "workstations"]


def nodes(site: Site) -> list[dict[str, Any]]:
    return [manifest for manifest in site_manifests(site) if manifest["kind"] == "Node"]


def test_the_shipped_sites_say_what_they_are() -> None:
    assert list(shipped_sites()) == SITES
    assert all(description.endswith(".") for description in shipped_sites().values())


def test_workstations_are_those_of_the_scheduling_fixture() -> None:
    site = load_site("workstations")

    shapes = Counter(
        (
            node["status"]["allocatable"]["cpu"],
            node["status"]["allocatable"]["memory"],
            node["status"]["allocatable"]["nvidia.com/gpu"],
            node["metadata"]["labels"]["nvidia.com/gpu.product"],
        )
        for node in nodes(site)
    )

    assert shapes == {
        ("8", "50Gi", "2", "NVIDIA-GeForce-RTX-2080-Ti"): 2,
        ("4", "20Gi", "1", "NVIDIA-GeForce-GTX-1080"): 3,
    }


def test_the_datacenter_has_every_kind_of_machine() -> None:
    site = load_site("datacenter")
    cards = Counter(
        (node["metadata"]["labels"].get("nvidia.com/gpu.product"), node["status"]["allocatable"].get("nvidia.com/gpu"))
        for node in nodes(site)
    )

    assert site.node_count == 17
    assert cards == {
        (None, None): 3,
        ("NVIDIA-GeForce-GTX-1080", "1"): 2,
        ("NVIDIA-GeForce-RTX-2080-Ti", "2"): 2,
        ("Tesla-T4", None): 1,
        ("Tesla-V100-SXM2-16GB", "4"): 3,
        ("Tesla-V100-SXM2-32GB", "8"): 2,
        ("NVIDIA-A100-SXM4-80GB", "4"): 3,
        ("NVIDIA-A100-SXM4-80GB", "2"): 1,
    }
    assert site.offered["nvidia.com/mig-1g.10gb"] == 7
    assert site.offered["nvidia.com/gpu.shared"] == 8
    assert site.tenants


def test_the_datacenter_has_a_machine_for_every_hardware_of_its_catalogue() -> None:
    site = load_site("datacenter")
    catalogue = load_catalogue(site.catalogue.path)

    assert {row.slug for row in catalogue.hardware if any(fits(row, pool) for pool in site.pools)} == {
        row.slug for row in catalogue.hardware
    }


def fits(row: Hardware, pool: Pool) -> bool:
    """Return whether a node of the pool that is open and empty takes a server of this hardware."""
    labels = node_manifest(pool, 0)["metadata"]["labels"]
    gpu = row.gpu
    return (
        pool.count > len(pool.cordoned)
        and parse_quantity(pool.cpu) >= parse_quantity(row.cpu)
        and quantity_bytes(pool.memory) >= quantity_bytes(row.memory)
        and row.node_selector.items() <= labels.items()
        and (gpu is None or pool.offered.get(gpu.resource, 0) >= gpu.count)
        and (gpu is None or not gpu.product or labels.get(gpu.label) in gpu.product)
    )


@pytest.mark.parametrize("namespace", ["vision", "language"])
def test_a_team_of_the_datacenter_has_a_third_of_it_and_the_same_rules(namespace: str) -> None:
    site = load_site("datacenter")
    (quota,) = [quota for quota in site.quotas if quota.namespace == namespace]
    (row,) = [row for row in site.namespaces if row.name == namespace]

    assert {name: int(amount) for name, amount in quota.hard.items() if "/" in name} == {
        f"requests.{resource}": count
        for resource, count in (
            ("nvidia.com/gpu", site.offered["nvidia.com/gpu"] // 3),
            ("nvidia.com/mig-1g.10gb", site.offered["nvidia.com/mig-1g.10gb"] // 3),
            ("nvidia.com/gpu.shared", round(site.offered["nvidia.com/gpu.shared"] / 3)),
        )
    }
    assert row.pod_security == "restricted"
    assert namespace in {limits.namespace for limits in site.limit_ranges}


@pytest.mark.parametrize("name", SITES)
def test_the_hub_has_a_namespace_for_every_team_of_its_catalogue(name: str) -> None:
    site = load_site(name)

    assert site.server_namespaces[0] == site.hub_namespace
    assert set(site.server_namespaces) <= {row.name for row in site.namespaces}


def test_the_large_site_is_large() -> None:
    site = load_site("large")

    assert site.node_count == 130
    assert site.offered["nvidia.com/gpu"] >= 520
    assert sum(int(node["status"]["allocatable"]["pods"]) for node in nodes(site)) > 3000
    free = sum(int(node["status"]["allocatable"]["cpu"]) for node in nodes(site))
    free -= sum(tenant.replicas * int(tenant.cpu) for tenant in site.tenants)
    assert free > 3000, "three thousand small servers find CPUs"


def test_the_empty_site_has_no_nodes() -> None:
    assert nodes(load_site("empty")) == []


@pytest.mark.parametrize("name", SITES)
def test_four_users_can_start_two_gpus_each_and_a_fifth_meets_a_limit(name: str) -> None:
    site = load_site(name)
    limits = [int(quota.hard["requests.nvidia.com/gpu"]) for quota in site.quotas if quota.namespace == "genkan"]

    assert len(site.users) >= 2
    assert any(user.admin for user in site.users)
    if site.quotas:
        assert min(limits) >= 4
        assert min(limits) <= site.offered["nvidia.com/gpu"]


@pytest.mark.parametrize("name", SITES)
def test_tenants_leave_room_and_stay_within_their_quota(name: str) -> None:
    site = load_site(name)
    asked: Counter[str] = Counter()
    for tenant in site.tenants:
        asked.update({resource: tenant.replicas * count for resource, count in tenant.devices.items()})
    limits = {
        quota.namespace: int(quota.hard["requests.nvidia.com/gpu"])
        for quota in site.quotas
        if "requests.nvidia.com/gpu" in quota.hard
    }

    assert all(count < site.offered[resource] for resource, count in asked.items())
    for namespace, group in itertools.groupby(
        sorted(site.tenants, key=lambda tenant: tenant.namespace), key=lambda tenant: tenant.namespace
    ):
        used = sum(tenant.replicas * tenant.devices.get("nvidia.com/gpu", 0) for tenant in group)
        assert used <= limits.get(namespace, used)


@pytest.mark.parametrize("name", SITES)
def test_every_gpu_machine_has_room_for_the_servers_that_use_its_cards(name: str) -> None:
    """Otherwise cards would be free that no profile of the catalogues can reach."""
    for pool in load_site(name).pools:
        cards = pool.offered.get("nvidia.com/gpu", 0)
        assert float(pool.cpu) >= 4 * cards
        assert quantity_bytes(pool.memory) >= cards * 16 * 2**30
