import asyncio
from pathlib import Path
from typing import Any

from genkan_sandbox.real_node import device_api as api
from genkan_sandbox.real_node.devices import Plugin
from genkan_sandbox.real_node.settings import OfferedDevices, offered_devices
from genkan_sandbox.sites import Device, Pool

OFFER = OfferedDevices(resource="nvidia.com/gpu", names=("GPU-a", "GPU-b"))


def allocation(*names: str) -> Any:
    return api.message(
        "AllocateRequest", container_requests=[api.message("ContainerAllocateRequest", devices_ids=names)]
    )


async def test_a_container_is_told_its_devices_and_has_their_files(tmp_path: Path) -> None:
    answer = await Plugin(OFFER, tmp_path / "unhealthy").allocate(allocation("GPU-b", "GPU-a"), None)
    (given,) = answer.container_responses

    assert [(row.key, row.value) for row in given.envs] == [("NVIDIA_VISIBLE_DEVICES", "GPU-b,GPU-a")]
    assert [(row.container_path, row.host_path) for row in given.devices] == [
        ("/dev/nvidia1", "/dev/null"),
        ("/dev/nvidia0", "/dev/null"),
    ]


async def test_devices_of_others_have_no_variable_of_nvidia(tmp_path: Path) -> None:
    offer = OfferedDevices(resource="example.org/fpga", names=("FPGA-a",))
    answer = await Plugin(offer, tmp_path / "unhealthy").allocate(allocation("FPGA-a"), None)

    assert list(answer.container_responses[0].envs) == []
    assert answer.container_responses[0].devices[0].container_path == "/dev/example-fpga-0"


async def test_a_device_that_breaks_is_told_of_at_once(tmp_path: Path) -> None:
    unhealthy = tmp_path / "unhealthy"
    stream = Plugin(OFFER, unhealthy).list_and_watch(None, None)

    async with asyncio.timeout(10):
        first = await anext(stream)
        unhealthy.write_text("GPU-b\n")
        second = await anext(stream)

    assert [row.health for row in first.devices] == ["Healthy", "Healthy"]
    assert [(row.ID, row.health) for row in second.devices] == [("GPU-a", "Healthy"), ("GPU-b", "Unhealthy")]


def test_a_message_is_on_the_wire_as_the_kubelet_reads_it() -> None:
    """Bytes of `protoc --encode` with the published file: a map is keys 1 and values 2."""
    variable = api.message("Variable", key="A", value="B")

    assert api.encode(api.message("ContainerAllocateResponse", envs=[variable])) == b"\n\x06\n\x01A\x12\x01B"


def test_a_real_machine_has_the_names_of_a_simulated_one() -> None:
    pool = Pool(name="m", count=1, cpu="2", memory="4Gi", devices=(Device(count=1, product="Tesla-T4", replicas=2),))
    (offer,) = offered_devices(pool)
    first, second = offer.names

    assert first.removesuffix("::0") == second.removesuffix("::1")
