import pytest

from genkan_sandbox.agent.records import MOST_DEVICES, ContainerRecord, DeviceOffer, Endpoint, project_node

from .manifests import container, node, node_record, pod_record


def test_a_node_offers_each_resource_with_a_slash_in_its_name() -> None:
    record = node_record(
        resources={"nvidia.com/gpu": "4", "hugepages-2Mi": "0", "example.org/fpga": "1k"},
        labels={"nvidia.com/gpu.replicas": "2"},
    )

    assert record.offers == (DeviceOffer("example.org/fpga", 1000), DeviceOffer("nvidia.com/gpu", 4, replicas=2))
    assert (record.cpu, record.memory, record.hostname) == ("8", "50Gi", "a-0")


def test_an_absurd_number_of_devices_is_cut() -> None:
    assert node_record(resources={"nvidia.com/gpu": "9E"}).offers[0].count == MOST_DEVICES


@pytest.mark.parametrize("text", ["0", "-1", "many", "", "²"])
def test_replicas_that_are_no_number_count_as_one(text: str) -> None:
    record = node_record(resources={"nvidia.com/gpu": "4"}, labels={"nvidia.com/gpu.replicas": text})

    assert record.offers[0].replicas == 1


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ({}, False),
        ({"Ready": "True"}, True),
        ({"Ready": "Unknown"}, False),
        ({"Ready": "True", "MemoryPressure": "Unknown"}, False),
        ({"Ready": "True", "MemoryPressure": "False", "Other": "Unknown"}, True),
    ],
)
def test_a_node_is_ready_when_all_that_the_agent_reports_is_good(conditions: dict[str, str], ready: bool) -> None:
    found = [{"type": name, "status": status} for name, status in conditions.items()]

    assert node_record(conditions=found).ready is ready


@pytest.mark.parametrize(
    ("addresses", "port", "endpoint"),
    [
        ([], None, None),
        ([("InternalIP", "127.77.1.1")], None, None),
        ([("Hostname", "a-0")], 10250, None),
        ([("Hostname", "a-0"), ("InternalIP", "127.77.1.1")], 10250, Endpoint("127.77.1.1", 10250)),
    ],
)
def test_a_node_answers_where_its_status_says_both_address_and_port(
    addresses: list[tuple[str, str]], port: int | None, endpoint: Endpoint | None
) -> None:
    raw = node()
    raw["status"]["addresses"] = [{"type": kind, "address": address} for kind, address in addresses]
    raw["status"]["daemonEndpoints"] = {"kubeletEndpoint": {"Port": port}} if port else {}

    assert project_node(raw).endpoint == endpoint


def test_only_the_annotation_makes_a_node_managed() -> None:
    assert node_record().managed
    assert not node_record(managed=False).managed


def test_a_pod_keeps_demands_and_devices_of_each_container() -> None:
    record = pod_record(
        init=[container("init", restartPolicy="Always")],
        containers=[container(resources={"requests": {"cpu": "1", "nvidia.com/gpu": "2"}})],
        status={
            "phase": "Running",
            "podIP": "127.1.2.3",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {
                    "name": "notebook",
                    "state": {"running": {}},
                    "allocatedResourcesStatus": [
                        {"name": "nvidia.com/gpu", "resources": [{"resourceID": "GPU-1"}, {"resourceID": "GPU-2"}]}
                    ],
                }
            ],
        },
    )

    assert record.containers == (
        ContainerRecord("init", "registry.example.org/lab:1", init=True, sidecar=True),
        ContainerRecord(
            "notebook",
            "registry.example.org/lab:1",
            demands=(("nvidia.com/gpu", 2),),
            held=(("nvidia.com/gpu", ("GPU-1", "GPU-2")),),
        ),
    )
    assert (record.phase, record.ready, record.begun, record.address) == ("Running", True, True, "127.1.2.3")


def test_a_fresh_pod_has_not_begun_and_is_not_being_deleted() -> None:
    record = pod_record(status={"containerStatuses": [{"name": "notebook", "state": {"waiting": {}}}]})

    assert (record.phase, record.begun, record.grace, record.simulated) == ("Pending", False, None, False)


@pytest.mark.parametrize(("metadata", "grace"), [({}, 30), ({"deletionGracePeriodSeconds": 1}, 1)])
def test_a_deleted_pod_has_a_grace_period(metadata: dict[str, int], grace: int) -> None:
    record = pod_record(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z", **metadata})

    assert record.grace == grace


@pytest.mark.parametrize(
    ("text", "seconds"), [("10", 10.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("inf", None), ("soon", None)]
)
def test_the_start_of_a_simulated_pod_takes_what_its_annotation_says(text: str, seconds: float | None) -> None:
    record = pod_record(annotations={"sandbox.genkan.dev/simulate": "true", "sandbox.genkan.dev/start-seconds": text})

    assert (record.simulated, record.start_seconds) == (True, seconds)


def test_the_notebook_port_goes_before_others() -> None:
    ports = [{"containerPort": 9000}, {"containerPort": 8888, "name": "notebook-port"}]

    assert pod_record(containers=[container(ports=ports)]).port == 8888
    assert pod_record(containers=[container(ports=ports[:1])]).port == 9000
    assert pod_record().port is None
