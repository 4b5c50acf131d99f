"""The check of storage: what stands against a claim, with its numbers, and to which machines it keeps a pod."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from genkan_profiles import WhenFull
from genkan_spawner.checks.claims import ClaimUse, NewClaim
from genkan_spawner.checks.demand import OWNER, Demand, demand_of
from genkan_spawner.checks.findings import Check, Finding, State, Verdict
from genkan_spawner.checks.outlook import Outlook
from genkan_spawner.checks.placement import Operator, Requirement, Term
from genkan_spawner.checks.preflight import examine
from genkan_spawner.checks.storage import SERVER_NAME, check_storage
from genkan_spawner.cluster.records import PodRecord
from genkan_spawner.cluster.snapshot import Health, Snapshot, Source
from genkan_spawner.cluster.storage_records import (
    ClaimRecord,
    Phase,
    StorageClassRecord,
    StorageDriverRecord,
    VolumeRecord,
)
from genkan_spawner.cluster.storage_view import StorageView
from genkan_spawner.storage.fill import DiskFill

from .clusters import demand, manifest, node, pod, quota, snapshot

GIB = 2**30 * 1000
FAST = StorageClassRecord("fast", provisions=True, waits_for_pod=True, is_default=True)
BLOCK = VolumeRecord("pv-1", free=False, kept_for=None, storage_class="fast", size=10 * GIB, access_modes=())
NEW = NewClaim("claim-alice", 10 * GIB, ("ReadWriteOnce",))
CLASS = "fast.storageclass.storage.k8s.io"
SPARE = replace(BLOCK, free=True, storage_class="slow", access_modes=NEW.access_modes)
TB = 2**40
TWO_NODES: dict[str, Any] = {"nodes": [node("a"), node("b")]}
BOUNDS: dict[str, Any] = {"warn_from": 85, "refuse_from": 97}


def claim(name: str = "claim-alice", phase: Phase = Phase.BOUND, **fields: Any) -> ClaimRecord:
    record = ClaimRecord(
        namespace="team",
        name=name,
        uid=f"uid-{name}",
        phase=phase,
        size=10 * GIB,
        access_modes=("ReadWriteOnce",),
        storage_class="fast",
        volume="pv-1" if phase is Phase.BOUND else "",
    )
    return replace(record, **fields)


def cluster(
    *claims: ClaimRecord,
    classes: Iterable[StorageClassRecord] = (FAST,),
    volumes: Iterable[VolumeRecord] = (BLOCK,),
    drivers: Iterable[StorageDriverRecord] = (),
    fills: Mapping[tuple[str, str], DiskFill] | None = None,
    **parts: Any,
) -> Snapshot:
    view = StorageView(
        claims={(row.namespace, row.name): row for row in claims},
        classes={row.name: row for row in classes},
        volumes={row.name: row for row in volumes},
        drivers={row.name: row for row in drivers},
    )
    return replace(snapshot(**{**TWO_NODES, **parts}), storage=view, fills=fills or {})


def asking(*names: str, size: str = "cpu=1", owner: str = "alice") -> Demand:
    claims = tuple(ClaimUse(name, home=name.startswith("claim-")) for name in names or ("claim-alice",))
    return replace(demand(size), claims=claims, owner=owner)


def found(wanted: Demand, view: Snapshot, **terms: Any) -> tuple[Finding, ...]:
    return check_storage(wanted, Outlook.of(view), **terms).findings


def holder(
    name: str = "other", *, on: str = "a", owner: str = "alice", server: str = "second", **more: Any
) -> PodRecord:
    labels = {OWNER: owner, SERVER_NAME: server}
    return pod(name, on=on, namespace="team", claims=("claim-alice",), labels=labels, **more)


def storage_of(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.check is Check.STORAGE]


def test_claims_and_whose_pod_it_is_are_read_from_the_manifest() -> None:
    volumes = [
        {"name": "home", "persistentVolumeClaim": {"claimName": "claim-alice"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "images"}},
        {"name": "again", "persistentVolumeClaim": {"claimName": "images"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    raw = manifest(volumes=volumes)
    raw["metadata"]["labels"] = {OWNER: "alice"}
    raw["spec"]["containers"][0]["volumeMounts"] = [
        {"name": "home", "mountPath": "/home/jovyan/"},
        {"name": "data", "mountPath": "/home/jovyan/data"},
    ]
    read = demand("cpu=1", volumes=volumes)
    assert read.claims == (ClaimUse("claim-alice"), ClaimUse("images"))
    own = demand_of(raw)
    assert own.claims == (ClaimUse("claim-alice", home=True), ClaimUse("images"))
    assert own.owner == "alice"


def ephemeral(storage_class: str, size: str = "10Gi") -> Demand:
    """Return what a pod asks for that has a volume made for itself alone."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    spec |= {"storageClassName": storage_class}
    return demand("cpu=1", volumes=[{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": spec}}}])


def test_a_volume_that_is_made_for_one_pod_needs_its_class() -> None:
    assert found(ephemeral("fast"), cluster()) == (Finding(Check.STORAGE, State.READY),)
    (finding,) = found(ephemeral("slow"), cluster())
    sentence = "The storage mine-scratch cannot be made: the kind of storage slow does not exist."
    assert (finding.state, finding.message) == (State.REFUSED, f"{sentence} Tell an administrator.")


def test_a_volume_that_is_made_for_one_pod_counts_for_the_share_of_storage() -> None:
    share = cluster(quotas=[quota("requests.storage=12Gi", used="requests.storage=10Gi")])
    (finding,) = found(ephemeral("fast", "4Gi"), share)
    assert (finding.state, finding.resource) == (State.REFUSED, "requests.storage")


def test_a_pod_without_claims_has_nothing_to_fear() -> None:
    blind = cluster(unknown=[Source.CLAIMS])
    assert found(replace(demand(), claims=()), blind) == (Finding(Check.STORAGE, State.READY),)


def test_a_claim_that_is_bound_is_ready() -> None:
    assert found(asking(), cluster(claim())) == (Finding(Check.STORAGE, State.READY),)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (claim(deleted=True), "Your home is being deleted. Tell an administrator."),
        (claim(phase=Phase.LOST), "Your home has lost its disk. Tell an administrator."),
        (
            claim(phase=Phase.PENDING, storage_class="slow"),
            "Your home cannot be made: the kind of storage slow does not exist. Tell an administrator.",
        ),
    ],
)
def test_what_is_wrong_with_a_claim_is_refused(row: ClaimRecord, sentence: str) -> None:
    (finding,) = found(asking(), cluster(row))
    assert (finding.state, finding.message, finding.ever) == (State.REFUSED, sentence, False)


def test_a_claim_that_waits_for_its_pod_is_ready_and_one_that_does_not_is_unknown() -> None:
    pending = claim(phase=Phase.PENDING)
    assert found(asking(), cluster(pending))[0].state is State.READY
    at_once = replace(FAST, waits_for_pod=False)
    (finding,) = found(asking(), cluster(pending, classes=[at_once]))
    assert finding.state is State.UNKNOWN
    assert finding.message == "Your home is not ready yet; the start will show whether it gets ready."


def test_a_claim_that_nobody_makes_is_refused_by_its_name() -> None:
    (finding,) = found(asking("images"), cluster())
    assert finding.state is State.REFUSED
    assert finding.message == "The storage images that this needs does not exist. Tell an administrator."


def test_without_the_right_to_see_claims_nothing_is_refused() -> None:
    verdict = examine(asking("images"), cluster(unknown=[Source.CLAIMS]))
    assert verdict.state is State.UNKNOWN
    assert verdict.sentence == "Whether the storage is there cannot be seen at the moment; the start will show it."


def test_claims_of_a_namespace_that_may_not_be_seen_are_unknown_and_not_missing() -> None:
    view = cluster(claim())
    partial = replace(
        view, health={**view.health, Source.CLAIMS: Health(loaded=True, healthy=True, age=0.0, partial=True)}
    )
    elsewhere = replace(asking("images"), namespace="unseen")
    assert found(elsewhere, partial)[0].state is State.UNKNOWN
    assert found(asking("images"), partial)[0].state is State.REFUSED


@pytest.mark.parametrize(
    ("new", "classes", "volumes", "sentence"),
    [
        (NEW, [FAST], [], None),
        (NEW, [], [], "Your home cannot be made: the cluster has no kind of storage for it. Tell an administrator."),
        (
            replace(NEW, storage_class="slow"),
            [FAST],
            [],
            "Your home cannot be made: the kind of storage slow does not exist. Tell an administrator.",
        ),
        (
            replace(NEW, storage_class="fast"),
            [replace(FAST, provisions=False)],
            [],
            "Your home has no disk: those of its kind are made by hand, and none is left. Tell an administrator.",
        ),
        (replace(NEW, storage_class=""), [], [replace(SPARE, storage_class="")], None),
        (replace(NEW, storage_class="slow"), [], [replace(SPARE, free=False, kept_for=("team", NEW.name))], None),
        (replace(NEW, storage_class="slow", selects=True), [], [], None),
    ],
)  # fmt: skip
def test_a_new_home_needs_something_that_makes_it(
    new: NewClaim, classes: list[StorageClassRecord], volumes: list[VolumeRecord], sentence: str | None
) -> None:
    (finding,) = found(asking(), cluster(classes=classes, volumes=volumes), creates=new)
    assert (finding.message or None) == sentence
    assert finding.state is (State.READY if sentence is None else State.REFUSED)


@pytest.mark.parametrize("unknown", [Source.STORAGE_CLASSES, Source.VOLUMES])
def test_without_the_right_to_see_classes_or_volumes_a_new_home_is_not_refused(unknown: Source) -> None:
    assert found(asking(), cluster(classes=[], unknown=[unknown]), creates=NEW)[0].state is State.READY


def test_a_new_home_over_quota_is_refused_with_numbers() -> None:
    view = cluster(quotas=[quota("requests.storage=100Gi", "requests.storage=96Gi")])
    (finding,) = found(asking(), view, creates=NEW)
    assert finding.message == (
        "Your home needs 10 GB of storage, and your team has 4 GB left of its share of 100 GB. "
        "Ask an administrator for more."
    )
    assert (finding.check, finding.state, finding.resource) == (Check.STORAGE, State.REFUSED, "requests.storage")
    assert (finding.requested, finding.used, finding.limit, finding.over_by) == ("10Gi", "96Gi", "100Gi", "6Gi")


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        ("persistentvolumeclaims", "your team may have 5 disks, and has 5."),
        ("count/persistentvolumeclaims", "your team may have 5 disks, and has 5."),
        (f"{CLASS}/persistentvolumeclaims", "your team may have 5 disks of the kind fast, and has 5."),
    ],
)  # fmt: skip
def test_the_number_of_claims_is_held_against_quotas(resource: str, sentence: str) -> None:
    view = cluster(quotas=[quota(f"{resource}=5", f"{resource}=5")])
    (finding,) = found(asking(), view, creates=NEW)
    assert finding.message == f"Your home cannot be made: {sentence} Ask an administrator for more."
    assert finding.over_by == "1"


def test_quotas_of_other_classes_and_of_pods_do_not_count_and_a_home_that_is_there_takes_nothing() -> None:
    tight = quota("slow.storageclass.storage.k8s.io/requests.storage=0 pods=100")
    assert found(asking(), cluster(quotas=[tight]), creates=NEW)[0].state is State.READY
    full = quota("requests.storage=10Gi", "requests.storage=10Gi")
    assert found(asking(), cluster(claim(), quotas=[full]), creates=NEW)[0].state is State.READY


def test_a_home_that_is_attached_elsewhere_keeps_the_pod_to_that_machine() -> None:
    storage = check_storage(asking(), Outlook.of(cluster(claim(), pods=[holder(on="b")])))
    assert (storage.ruled_out, storage.pinned) == (frozenset({"a"}), "b")
    assert examine(asking(), cluster(claim(), pods=[holder(on="b")])).state is State.READY


@pytest.mark.parametrize(
    ("owner", "server", "words"),
    [
        ("alice", "second", "your server second"),
        ("alice", "", "your other server"),
        ("bob", "second", "other work"),
    ],
)
def test_a_home_that_is_attached_where_there_is_no_room_is_refused_without_foreign_names(
    owner: str, server: str, words: str
) -> None:
    view = cluster(claim(), pods=[holder(owner=owner, server=server), pod("big", "cpu=6", on="a")])
    verdict = examine(asking(size="cpu=2"), view)
    assert verdict.state is State.REFUSED
    assert verdict.sentence == (
        f"Your home is in use by {words} on another machine, which has no room for this. "
        "Stop that one first, or choose other hardware."
    )
    (finding,) = storage_of(verdict)
    assert (finding.resource, finding.requested) == ("cpu", "2")
    assert "bob" not in verdict.sentence


def test_with_a_waiting_line_an_attached_home_waits() -> None:
    view = cluster(claim(), pods=[holder(), pod("big", "cpu=7", on="a")])
    verdict = examine(asking(size="cpu=2"), view, when_full=WhenFull.WAIT)
    assert verdict.state is State.WAITS


def test_where_no_machine_has_room_it_is_not_the_storage_that_is_blamed() -> None:
    view = cluster(claim(), pods=[holder()])
    verdict = examine(asking(size="cpu=9"), view)
    assert verdict.sentence.startswith("This needs 9 CPU cores")


@pytest.mark.parametrize(
    ("row", "volume", "drivers", "pods"),
    [
        (claim(access_modes=("ReadWriteMany",)), BLOCK, [], [holder()]),
        (claim(access_modes=("ReadWriteOnce", "ReadWriteMany")), BLOCK, [], [holder()]),
        (claim(), replace(BLOCK, attached=False), [], [holder()]),
        (claim(), replace(BLOCK, driver="nfs"), [StorageDriverRecord("nfs", attaches=False)], [holder()]),
        (claim(), BLOCK, [], [holder(terminating=True)]),
        (claim(), BLOCK, [], [holder("mine")]),
        (claim(), BLOCK, [], [replace(holder(), namespace="elsewhere")]),
    ],
    ids=["many nodes", "also many nodes", "not attached", "driver", "ending", "itself", "namesake"],
)
def test_what_is_not_held_elsewhere_goes_anywhere(
    row: ClaimRecord, volume: VolumeRecord, drivers: list[StorageDriverRecord], pods: list[PodRecord]
) -> None:
    storage = check_storage(asking(), Outlook.of(cluster(row, volumes=[volume], drivers=drivers, pods=pods)))
    assert (storage.ruled_out, storage.pinned) == (frozenset(), "")


@pytest.mark.parametrize("unknown", [Source.VOLUMES, Source.STORAGE_DRIVERS, Source.NODES])
def test_without_the_right_to_see_what_attaches_nothing_is_kept_to_a_machine(unknown: Source) -> None:
    view = cluster(claim(), pods=[holder()], unknown=[unknown])
    assert check_storage(asking(), Outlook.of(view)).ruled_out == frozenset()


def test_a_claim_for_one_pod_is_refused_while_another_has_it() -> None:
    single = claim(access_modes=("ReadWriteOncePod",))
    (finding,) = found(asking(), cluster(single, pods=[holder()]))
    assert finding.state is State.REFUSED
    assert finding.message == (
        "Your home is in use by your server second, and one server at a time can use it. Stop that one first."
    )


def test_a_volume_of_some_machines_keeps_the_pod_to_them() -> None:
    term = Term(names=(Requirement("metadata.name", Operator.IN, ("b",)),))
    view = cluster(claim(), volumes=[replace(BLOCK, terms=(term,))], pods=[pod("big", "cpu=8", on="b")])
    storage = check_storage(asking(), Outlook.of(view))
    assert (storage.ruled_out, storage.pinned) == (frozenset({"a"}), "")
    verdict = examine(asking(), view)
    assert verdict.sentence == (
        "Your home can be used on one machine only, and there is no room for this. "
        "Try again later, or choose other hardware."
    )
    assert verdict.state is State.REFUSED


def fill(percent: float, **more: Any) -> DiskFill:
    return DiskFill(used=int(10 * TB * percent / 100), size=10 * TB, **{**BOUNDS, **more})


def shared(percent: float, **more: Any) -> Snapshot:
    row = claim("homes", access_modes=("ReadWriteMany",))
    return cluster(row, fills={("", "homes"): fill(percent, **more)})


HOMES = replace(asking("homes"), claims=(ClaimUse("homes", home=True),))


def test_a_disk_with_room_says_no_word_and_has_its_numbers() -> None:
    (finding,) = found(HOMES, shared(50))
    assert (finding.state, finding.message) == (State.READY, "")
    assert (finding.resource, finding.used, finding.limit) == ("storage", "5Ti", "10Ti")


def test_a_disk_that_fills_warns() -> None:
    (finding,) = found(HOMES, shared(90, largest=(("carol", 2 * TB), ("dave", 300 * 2**30))))
    assert finding.state is State.READY
    assert finding.message == (
        "The disk of the homes is 90 % full (9.0 TB of 10.0 TB). Delete what you do not need any more. "
        "Most is used by carol 2.0 TB, dave 300 GB."
    )


def test_a_full_disk_refuses_but_for_what_is_there_to_clean_up() -> None:
    (refused,) = found(HOMES, shared(98, rescue=("Cleaning up",)))
    assert refused.state is State.REFUSED
    assert refused.message.endswith("Until there is room again only this starts, for deleting files: Cleaning up.")
    (bare,) = found(HOMES, shared(98))
    assert bare.message.endswith("Servers start again when there is room. Tell an administrator.")
    (saved,) = found(HOMES, shared(98), rescue=True)
    assert saved.state is State.READY
    assert saved.message.endswith("This server starts all the same, for deleting what is not needed any more.")


def test_a_disk_of_one_namespace_is_told_from_that_of_another() -> None:
    row = claim("images")
    view = cluster(row, fills={("team", "images"): fill(99), ("", "other"): fill(99)})
    (finding,) = found(asking("images"), view)
    assert finding.message.startswith("The disk of the storage images is 99 % full")
    assert found(asking("images"), replace(view, fills={("else", "images"): fill(99)}))[0].state is State.READY


def test_a_disk_of_no_size_is_not_full() -> None:
    assert DiskFill(0, 0, warn_from=85, refuse_from=97).percent == 0
