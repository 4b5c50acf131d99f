"""What a team is told that it has left."""

from genkan_spawner.checks.shares import Share, shares_of
from genkan_spawner.cluster.records import QuotaRecord, ScopeRule
from genkan_spawner.cluster.snapshot import Source

from .clusters import GPU, demand, pod, quota, snapshot

GPUS = "requests.nvidia.com/gpu"


def shares(*quotas: QuotaRecord, sizes: tuple[str, ...] = ("cpu=1", "gpu=1 cpu=2"), **cluster: object) -> list[Share]:
    state = snapshot(quotas=quotas, **cluster)  # type: ignore[arg-type]  # passed on
    return list(shares_of([demand(size) for size in sizes], state))


def test_what_can_be_asked_for_is_told_devices_first() -> None:
    found = shares(quota(f"cpu=8 {GPUS}=4 persistentvolumeclaims=3 requests.memory=1Gi", f"cpu=2 {GPUS}=3"))

    assert found == [Share(GPU, 3000, 4000), Share("cpu", 2000, 8000)]
    assert (found[0].left, found[0].percent) == (1000, 75)


def test_of_several_limits_the_tightest_counts() -> None:
    found = shares(quota(f"{GPUS}=8", f"{GPUS}=2"), quota(f"{GPUS}=4", f"{GPUS}=2", name="other"), sizes=("gpu=1",))

    assert found == [Share(GPU, 2000, 4000)]


def test_quotas_of_priorities_that_nobody_is_offered_are_left_out() -> None:
    scope = ScopeRule("PriorityClass", "In", ("high",))
    tight = quota(f"{GPUS}=1", name="high", scopes=[scope])

    assert shares(tight, sizes=("gpu=1",)) == []
    wanted = [demand("gpu=1"), demand("gpu=1", priorityClassName="high")]
    assert list(shares_of(wanted, snapshot(quotas=[tight]))) == [Share(GPU, 0, 1000)]


def test_servers_that_are_just_being_made_count() -> None:
    found = shares(quota(f"{GPUS}=4", f"{GPUS}=1"), sizes=("gpu=1",), assumed=[pod("new", "gpu=2", namespace="team")])

    assert found == [Share(GPU, 3000, 4000)]


def test_more_than_all_is_all_and_nothing_of_nothing_is_all() -> None:
    assert (Share(GPU, 5000, 4000).left, Share(GPU, 5000, 4000).percent) == (0, 100)
    assert Share(GPU, 0, 0).percent == 100


def test_what_is_not_known_is_not_told() -> None:
    assert shares(quota(f"{GPUS}=4"), unknown=[Source.QUOTAS]) == []


def test_places_for_servers_are_told_last() -> None:
    found = shares(quota("count/pods=5 pods=9 cpu=8", "count/pods=1 pods=1"))

    assert [share.resource for share in found] == ["cpu", "pods"]
    assert found[1].limit == 5000
