from genkan_hub.cluster_page.machines import Machine, MachineState, Slot
from genkan_hub.cluster_page.picture import Picture

from .scenes import GPU, NOW, SHARED, SLICE, Scene


def the_machine(picture: Picture) -> Machine:
    (machine,) = picture.machines
    return machine


def slots(scene: Scene, group: int = 0) -> tuple[Slot, ...]:
    return the_machine(scene.picture()).groups[group].slots


def who(scene: Scene, group: int = 0) -> list[str | None]:
    found = [slot.holder for slot in slots(scene, group)]
    return [None if holder is None else holder.user or holder.pod for holder in found]


def test_each_device_has_its_holder_and_the_rest_are_free() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", gpus=2)
    scene.job("nlp")
    assert who(scene) == ["alice", "alice", "nlp", None]


def test_devices_stand_in_the_order_of_their_numbers() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", devices=("GPU-c",))
    for index, device in enumerate("abcd"):
        scene.measure(f"GPU-{device}", index=str(index))
    assert who(scene) == [None, None, "alice", None]
    assert [slot.index for slot in slots(scene)] == ["0", "1", "2", "3"]


def test_where_the_kubelet_does_not_tell_the_exporter_says_who_holds_what() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice")
    scene.measure("GPU-b", index="1", pod=("genkan", "jupyter-alice"))
    scene.measure("GPU-a", index="0")
    (first, *_) = slots(scene)
    assert (first.index, first.holder) == ("0", None)
    assert who(scene)[1] == "alice"


def test_no_card_counts_as_free_while_nobody_tells_which_ones_are_held() -> None:
    scene = Scene()
    scene.node(gpus={GPU: 2})
    scene.server("alice")
    scene.measure("GPU-a", 99.0)
    assert [slot.measurement for slot in slots(scene)] == [None, None]


def test_a_card_that_the_exporter_gives_to_its_own_pod_is_free() -> None:
    scene = Scene()
    scene.node(gpus={GPU: 1})
    scene.job("dcgm-exporter", namespace="gpu-operator", gpus=0)
    scene.measure("GPU-a", 0.0, pod=("gpu-operator", "dcgm-exporter"))
    assert who(scene) == [None]


def test_slices_are_measured_through_their_pods() -> None:
    scene = Scene()
    scene.node(gpus={SLICE: 2})
    scene.server("alice", resource=SLICE, devices=("MIG-of-the-kubelet",))
    scene.measure("GPU-a", 63.0, slice="2", pod=("genkan", "jupyter-alice"))
    held, free = slots(scene)
    assert (held.utilisation, free.utilisation) == (63, None)


def test_shares_of_a_card_show_the_card() -> None:
    scene = Scene()
    scene.node(gpus={SHARED: 4})
    scene.server("alice", resource=SHARED, devices=("GPU-a::1",))
    scene.server("bob", resource=SHARED, devices=("GPU-a::0",))
    scene.measure("GPU-a", 80.0)
    assert [slot.utilisation for slot in slots(scene)] == [80, 80, None, None]


def test_a_machine_with_several_kinds_shows_whole_cards_first() -> None:
    scene = Scene()
    scene.node(gpus={SLICE: 7, GPU: 1})
    assert [(group.resource, len(group.slots)) for group in the_machine(scene.picture()).groups] == [
        (GPU, 1),
        (SLICE, 7),
    ]


def test_machines_without_gpus_are_left_out() -> None:
    scene = Scene()
    scene.node(gpus={})
    assert scene.picture().machines == ()


def test_what_is_held_stays_to_be_seen_where_a_card_has_failed() -> None:
    scene = Scene()
    scene.node(gpus={GPU: 1})
    scene.job("nlp", gpus=2, devices=("GPU-a", "GPU-b"))
    assert who(scene) == ["nlp", "nlp"]


def test_a_number_of_devices_that_cannot_be_does_not_fill_the_page() -> None:
    scene = Scene()
    scene.node(gpus={GPU: 10**9})
    assert len(slots(scene)) < 10_000


def test_the_state_of_a_machine() -> None:
    scene = Scene()
    scene.node("a")
    scene.node("b", unschedulable=True)
    scene.node("c", ready="Unknown")
    states = [machine.state for machine in scene.picture().machines]
    assert states == [MachineState.READY, MachineState.DRAINED, MachineState.NOT_READY]


def test_a_device_is_idle_for_as_long_as_it_is_held_without_computing() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", devices=("GPU-a",), minutes=30)
    scene.server("bob", devices=("GPU-b",), minutes=300)
    scene.server("carol", devices=("GPU-c",))
    scene.measure("GPU-a", 0.0, index="0")
    scene.measure("GPU-b", 1.0, index="1")
    scene.measure("GPU-c", 90.0, index="2")
    scene.busy_until("GPU-a", minutes=600)
    scene.busy_until("GPU-b", minutes=74)
    minutes = [slot.idle_since and (NOW.timestamp() - slot.idle_since) / 60 for slot in slots(scene)]
    assert minutes == [30, 74, None, None]
