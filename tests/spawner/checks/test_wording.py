import pytest

from genkan_spawner.checks.wording import amount_of, number_of, quantity
from genkan_spawner.cluster.requests import parse_amount


@pytest.mark.parametrize(
    ("resource", "amount", "words", "number"),
    [
        ("cpu", "1", "1 CPU core", "1"),
        ("requests.cpu", "1500m", "1.5 CPU cores", "1.5"),
        ("limits.cpu", "0", "0 CPU cores", "0"),
        ("cpu", "100", "100 CPU cores", "100"),
        ("memory", "20Gi", "20 GB of memory", "20 GB"),
        ("limits.memory", "1536Mi", "1.5 GB of memory", "1.5 GB"),
        ("memory", "512Mi", "512 MB of memory", "512 MB"),
        ("memory", "0", "0 GB of memory", "0 GB"),
        ("requests.ephemeral-storage", "10Gi", "10 GB of local disk space", "10 GB"),
        ("hugepages-2Mi", "4Mi", "4 MB of huge memory pages", "4 MB"),
        ("nvidia.com/gpu", "1", "1 GPU", "1"),
        ("requests.nvidia.com/gpu", "3", "3 GPUs", "3"),
        ("amd.com/gpu", "2", "2 GPUs", "2"),
        ("nvidia.com/gpu.shared", "2", "2 shared GPUs", "2"),
        ("nvidia.com/mig-1g.10gb", "1", "1 GPU slice 1g.10gb", "1"),
        ("nvidia.com/mig-3g.40gb", "2", "2 GPU slices 3g.40gb", "2"),
        ("example.org/fpga", "2", "2 devices fpga", "2"),
        ("pods", "1", "1 server", "1"),
        ("count/pods", "2", "2 servers", "2"),
        ("batteries", "2", "2 batteries", "2"),
    ],
)
def test_amounts_are_told_in_people_s_units(resource: str, amount: str, words: str, number: str) -> None:
    thousandths = parse_amount(amount, up=True)

    assert (amount_of(resource, thousandths), number_of(resource, thousandths)) == (words, number)


@pytest.mark.parametrize(
    ("resource", "amount"),
    [("cpu", "1500m"), ("memory", "20Gi"), ("requests.memory", "1536Mi"), ("nvidia.com/gpu", "4"), ("pods", "110")],
)
def test_quantities_are_written_as_kubernetes_does(resource: str, amount: str) -> None:
    assert quantity(resource, parse_amount(amount, up=True)) == amount
