import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_hub.cluster_page.measurements import (
    ENGINE_ACTIVE,
    MEMORY_FREE,
    MEMORY_USED,
    UTILISATION,
    Idling,
    Measurement,
    Measurements,
    measured,
)
from genkan_hub.cluster_page.prometheus import Sample

CARD = "GPU-11111111"
LABELS = {"UUID": CARD, "gpu": "3", "modelName": "Tesla-T4", "Hostname": "node-1", "device": "nvidia3"}
MIB = 2**20


def series(**values: float) -> list[Sample]:
    return [Sample({**LABELS, "__name__": name}, value) for name, value in values.items()]


def one(samples: list[Sample], **labels: str) -> Measurement:
    (found,) = measured([Sample({**row.labels, **labels}, row.value) for row in samples], at={})
    return found


def test_the_series_of_a_card_are_one_measurement() -> None:
    found = one(series(**{UTILISATION: 91, MEMORY_USED: 1024, MEMORY_FREE: 3072}))
    assert (found.device, found.index, found.model, found.utilisation) == (CARD, "3", "Tesla-T4", 91)
    assert (found.memory_used, found.memory_size) == (1024 * MIB, 4096 * MIB)


def test_of_slices_there_is_only_the_share_of_time_in_which_they_computed() -> None:
    found = one(series(**{ENGINE_ACTIVE: 0.25}), GPU_I_ID="7", GPU_I_PROFILE="1g.10gb")
    assert (found.key, found.utilisation) == ((CARD, "7"), 25)


def test_the_utilisation_of_a_card_goes_before_its_share_of_time() -> None:
    assert one(series(**{ENGINE_ACTIVE: 0.25, UTILISATION: 91})).utilisation == 91


@pytest.mark.parametrize("value", [-1, 101, 1e300])
def test_a_utilisation_that_cannot_be_is_none(value: float) -> None:
    assert one(series(**{UTILISATION: value})).utilisation is None


@pytest.mark.parametrize("value", [-1, 1e300])
def test_an_amount_of_memory_that_cannot_be_is_none(value: float) -> None:
    found = one(series(**{UTILISATION: 1, MEMORY_USED: value, MEMORY_FREE: 1}))
    assert (found.memory_used, found.memory_size) == (None, None)


def test_series_without_a_card_are_left_out() -> None:
    assert measured([Sample({"__name__": UTILISATION}, 5)], at={}) == []


@pytest.mark.parametrize(
    ("labels", "nodes"),
    [
        ({"Hostname": "node-1"}, ("node-1",)),
        ({"Hostname": "", "node": "node-2"}, ("node-2",)),
        ({"Hostname": "", "instance": "node-3:9400"}, ("node-3:9400", "node-3")),
        ({"Hostname": "pod-x", "kubernetes_node": "node-4"}, ("pod-x", "node-4")),
    ],
)
def test_a_card_is_known_by_all_names_of_its_machine(labels: dict[str, str], nodes: tuple[str, ...]) -> None:
    assert one(series(**{UTILISATION: 1}), **labels).nodes == nodes


def test_the_holder_is_whom_the_exporter_names_and_not_the_exporter() -> None:
    both = {"namespace": "gpu-operator", "pod": "dcgm-exporter-x", "exported_namespace": "genkan", "exported_pod": "p"}
    assert one(series(**{UTILISATION: 1}), **both).pod == ("genkan", "p")
    assert one(series(**{UTILISATION: 1}), namespace="genkan", pod="p").pod == ("genkan", "p")
    assert one(series(**{UTILISATION: 1})).pod is None


def test_shares_of_a_card_are_that_card() -> None:
    found = Measurements.of([Measurement(CARD, utilisation=5.0)])
    assert found.card(f"{CARD}::2") == found.card(CARD) == Measurement(CARD, utilisation=5.0)
    assert found.card("GPU-of-nobody") is None


def since(row: Measurement, idling: Idling, *, held: float = 0) -> float | None:
    return Measurements.of([row], idling).idle_since(row, held_since=held, least=2)


def test_a_card_is_idle_since_it_last_computed() -> None:
    idling = Idling(last_busy={(CARD, ""): 500}, first_seen={(CARD, ""): 100})
    assert since(Measurement(CARD, utilisation=1.0, at=900), idling) == 500


def test_nobody_is_idle_for_longer_than_they_hold_a_card() -> None:
    idling = Idling(last_busy={(CARD, ""): 500}, first_seen={(CARD, ""): 100})
    assert since(Measurement(CARD, utilisation=1.0, at=900), idling, held=800) == 800


def test_nothing_is_known_of_the_time_before_a_card_was_measured() -> None:
    idling = Idling(first_seen={(CARD, ""): 700})
    assert since(Measurement(CARD, utilisation=0.0, at=900), idling) == 700
    assert since(Measurement(CARD, utilisation=0.0, at=900), Idling()) == 900


def test_a_card_that_computes_or_is_not_measured_is_not_idle() -> None:
    idling = Idling(first_seen={(CARD, ""): 700})
    assert since(Measurement(CARD, utilisation=2.5), idling) is None
    assert since(Measurement(CARD, utilisation=None), idling) is None


@given(
    labels=st.dictionaries(st.sampled_from([*LABELS, "namespace", "pod", "exported_pod", "GPU_I_ID"]), st.text()),
    name=st.sampled_from([UTILISATION, MEMORY_USED, MEMORY_FREE, ENGINE_ACTIVE, "other"]),
    value=st.floats(allow_nan=False, allow_infinity=False),
)
def test_no_series_of_whatever_labels_stops_the_page(labels: dict[str, str], name: str, value: float) -> None:
    for row in measured([Sample({**labels, "__name__": name}, value)], at={}):
        assert row.utilisation is None or 0 <= row.utilisation <= 100
        assert row.memory_used is None or row.memory_used >= 0
        assert not any(isinstance(part, float) and math.isnan(part) for part in _values(row))


def _values(row: Measurement) -> list[Any]:
    return [row.utilisation, row.memory_used, row.memory_size, row.at]
