from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from genkan_hub.cluster_page.pod_facts import MOST_DEVICES, PodFacts, PodFactsBook
from genkan_spawner.api import JsonObject
from genkan_spawner.marks import SERVER_NAME, USER_NAME
from genkan_spawner.watching import ChangeType

from ...support.objects import container, pod
from .scenes import GPU, SLICE


def held(*names: str, resource: str = GPU) -> JsonObject:
    return {"name": resource, "resources": [{"resourceID": name, "health": "Healthy"} for name in names]}


def status(*entries: JsonObject, part: str = "containerStatuses") -> JsonObject:
    return {part: [{"name": "main", "allocatedResourcesStatus": list(entries)}]}


def facts(**fields: Any) -> PodFacts:
    found = PodFacts.of(pod(node="a", requests={GPU: "1"}, **fields))
    assert found is not None
    return found


def test_devices_are_those_that_the_containers_hold() -> None:
    found = facts(status=status(held("GPU-1", "GPU-2"), held("MIG-1", resource=SLICE)))
    assert found.devices == {GPU: ("GPU-1", "GPU-2"), SLICE: ("MIG-1",)}


def test_an_init_container_holds_the_devices_of_the_others() -> None:
    both = {**status(held("GPU-1", "GPU-2")), **status(held("GPU-2"), part="initContainerStatuses")}
    assert facts(status=both).devices == {GPU: ("GPU-1", "GPU-2")}


def test_a_kubelet_that_does_not_tell_leaves_no_devices() -> None:
    assert facts().devices == {}


def test_whose_server_a_pod_says_it_is() -> None:
    found = facts(metadata={"annotations": {USER_NAME: "alice", SERVER_NAME: "deep"}})
    assert (found.user, found.server) == ("alice", "deep")


def test_nothing_is_kept_of_pods_that_neither_hold_gpus_nor_are_servers() -> None:
    assert PodFacts.of(pod(node="a")) is None


def test_nothing_is_kept_of_pods_that_have_ended() -> None:
    assert PodFacts.of(pod(node="a", requests={GPU: "1"}, phase="Succeeded")) is None


def test_a_limit_alone_asks_for_devices_too() -> None:
    assert PodFacts.of(pod(node="a", containers=[container(limits={GPU: "1"})])) is not None


def test_a_status_that_names_devices_without_end_is_cut() -> None:
    found = facts(status=status(held(*(f"GPU-{number}" for number in range(3 * MOST_DEVICES)))))
    assert len(found.devices[GPU]) == MOST_DEVICES


def test_a_pod_that_goes_is_forgotten_even_where_only_its_metadata_is_told() -> None:
    book = PodFactsBook()
    book.pod_seen(ChangeType.ADDED, pod(node="a", uid="1", requests={GPU: "1"}))
    assert len(book) == 1
    book.pod_seen(ChangeType.DELETED, {"metadata": {"namespace": "team", "name": "job", "uid": "1"}})
    assert len(book) == 0


def test_a_pod_that_ends_is_forgotten() -> None:
    book = PodFactsBook()
    book.pod_seen(ChangeType.ADDED, pod(node="a", uid="1", requests={GPU: "1"}))
    book.pod_seen(ChangeType.MODIFIED, pod(node="a", uid="1", requests={GPU: "1"}, phase="Failed"))
    assert book.get("1") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(annotations=JSON, statuses=JSON, spec=JSON)
def test_no_pod_of_whatever_shape_stops_the_watch(annotations: Any, statuses: Any, spec: Any) -> None:
    odd = {
        "metadata": {"uid": "1", "annotations": annotations},
        "spec": spec,
        "status": {"containerStatuses": statuses, "initContainerStatuses": [statuses]},
    }
    PodFactsBook().pod_seen(ChangeType.ADDED, odd)
