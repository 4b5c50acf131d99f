import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_sandbox.agent.devices import DeviceLedger, InsufficientDevicesError, device_name, visible_devices
from genkan_sandbox.agent.records import ContainerRecord, DeviceOffer

GPU = "nvidia.com/gpu"
SHARED = "nvidia.com/gpu.shared"


def asks(count: int, *, name: str = "notebook", resource: str = GPU, init: bool = False) -> ContainerRecord:
    return ContainerRecord(name, "image", init=init, demands=((resource, count),))


def ledger(count: int = 4, *, resource: str = GPU, replicas: int = 1) -> DeviceLedger:
    made = DeviceLedger("a-0")
    made.offer([DeviceOffer(resource, count, replicas)])
    return made


def test_names_are_those_of_nvidias_tools_and_never_change() -> None:
    assert device_name("a-0", DeviceOffer(GPU, 2), 0) == "GPU-d5e8c739-8c89-5172-b882-9e5a4ff16684"
    assert device_name("a-0", DeviceOffer("nvidia.com/mig-1g.10gb", 2), 0).startswith("MIG-")
    assert device_name("a-0", DeviceOffer("amd.com/gpu", 2), 0).startswith("GPU-")
    assert device_name("a-0", DeviceOffer("example.org/fpga", 2), 0).startswith("FPGA-")


def test_names_differ_between_nodes_resources_and_units() -> None:
    names = {
        device_name(node, DeviceOffer(resource, 4), index)
        for node in ("a-0", "a-1")
        for resource in (GPU, "nvidia.com/mig-1g.10gb", "amd.com/gpu")
        for index in range(4)
    }

    assert len(names) == 24


def test_units_of_a_shared_device_are_spread_over_devices_first() -> None:
    offer = DeviceOffer(SHARED, 4, replicas=2)
    names = [device_name("a-0", offer, index) for index in range(4)]
    first, second = device_name("a-0", DeviceOffer(GPU, 2), 0), device_name("a-0", DeviceOffer(GPU, 2), 1)

    assert names == [f"{first}::0", f"{second}::0", f"{first}::1", f"{second}::1"]


def test_devices_are_given_out_in_order_and_taken_back() -> None:
    devices = ledger()
    first = devices.allocate("one", [asks(2)])
    second = devices.allocate("two", [asks(2)])
    devices.release("one")

    assert first["notebook"][0][1] + second["notebook"][0][1] == tuple(
        device_name("a-0", DeviceOffer(GPU, 4), index) for index in range(4)
    )
    assert devices.allocate("three", [asks(2)]) == first
    assert devices.held("one") == {}
    assert devices.held("three") == {GPU: first["notebook"][0][1]}


def test_asking_twice_gives_the_same_devices() -> None:
    devices = ledger(2)

    assert devices.allocate("one", [asks(1)]) == devices.allocate("one", [asks(1)])


def test_too_few_devices_are_refused_in_the_kubelets_words_and_nothing_is_taken() -> None:
    devices = ledger(4)
    devices.allocate("one", [asks(3)])

    with pytest.raises(InsufficientDevicesError) as caught:
        devices.allocate("two", [asks(1), asks(1, name="other")])

    assert caught.value.reason == "OutOfnvidia.com/gpu"
    assert str(caught.value) == "Node didn't have enough resource: nvidia.com/gpu, requested: 2, used: 3, capacity: 4"
    assert not caught.value.impossible
    assert devices.held("two") == {}
    devices.allocate("three", [asks(1)])


def test_more_than_a_node_has_is_impossible() -> None:
    with pytest.raises(InsufficientDevicesError) as caught:
        ledger(1).allocate("one", [asks(1, resource="amd.com/gpu")])

    assert caught.value.impossible


def test_an_init_container_uses_the_devices_of_those_after_it() -> None:
    given_out = ledger(2).allocate("one", [asks(1, name="init", init=True), asks(1, name="a"), asks(1, name="b")])

    assert given_out["init"] == given_out["a"]
    assert given_out["a"] != given_out["b"]


def test_devices_are_noted_again_from_a_status() -> None:
    before = ledger().allocate("one", [asks(2)])
    container = ContainerRecord("notebook", "image", demands=((GPU, 2),), held=before["notebook"])
    after = ledger()

    assert after.restore("one", [container]) == before
    assert after.allocate("two", [asks(2)])["notebook"][0][1] == tuple(
        device_name("a-0", DeviceOffer(GPU, 4), index) for index in (2, 3)
    )


def test_devices_that_a_node_loses_are_held_until_their_pod_ends() -> None:
    devices = ledger(2)
    devices.allocate("one", [asks(2)])
    devices.offer([])

    assert len(devices.held("one")[GPU]) == 2
    devices.release("one")
    devices.offer([])
    with pytest.raises(InsufficientDevicesError):
        devices.allocate("two", [asks(1)])


def test_the_container_is_told_nvidias_devices_without_their_share() -> None:
    held = ((GPU, ("GPU-1", "GPU-2")), (SHARED, ("GPU-3::0", "GPU-3::1")), ("amd.com/gpu", ("GPU-4",)))

    assert visible_devices(held) == "GPU-1,GPU-2,GPU-3"
    assert visible_devices((("amd.com/gpu", ("GPU-4",)),)) is None
    assert visible_devices(()) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=40), st.integers(0, 12))
def test_no_device_is_ever_held_twice(steps: list[tuple[int, int]], count: int) -> None:
    devices = ledger(count)
    pods: dict[str, int] = {}
    for pod, wanted in steps:
        uid = str(pod)
        if uid in pods:
            devices.release(uid)
            del pods[uid]
            continue
        fits = sum(pods.values()) + wanted <= count
        try:
            devices.allocate(uid, [asks(wanted)])
        except InsufficientDevicesError:
            assert not fits
        else:
            assert fits
            pods[uid] = wanted
        held = [name for other in pods for name in devices.held(other).get(GPU, ())]
        assert len(held) == len(set(held)) == sum(pods.values())
