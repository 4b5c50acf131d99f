import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_sandbox.agent.environment import (
    ConfigurationError,
    SourceKind,
    Sources,
    container_environment,
    declared_environment,
    expand,
    references,
)
from genkan_sandbox.agent.fields import Place
from genkan_spawner.api import JsonObject

from .manifests import container, node_record, pod

PLACE = Place(node_record(), pod_address="127.130.1.1", host_address="127.130.0.1")
SOURCES = Sources(
    {
        (SourceKind.SECRET, "token"): {"key": "s3cret", "other": "x"},
        (SourceKind.CONFIG_MAP, "settings"): {"A": "1", "B": "2"},
        (SourceKind.SECRET, "missing"): None,
    }
)


def environment(*env: JsonObject, env_from: list[JsonObject] | None = None, **fields: Any) -> dict[str, str]:
    made = container(env=list(env), envFrom=env_from or [], **fields)
    return declared_environment(pod(containers=[made]), made, sources=SOURCES, place=PLACE)


def from_secret(key: str, *, name: str = "token", optional: bool = False) -> JsonObject:
    return {"name": "V", "valueFrom": {"secretKeyRef": {"name": name, "key": key, "optional": optional}}}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("$(A)$(A)-$(B)", "11-two"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(NOPE)", "$(NOPE)"),
        ("$(A", "$(A"),
        ("$A ${A} $", "$A ${A} $"),
        ("$()", "$()"),
        ("$(A)\n$(B)", "1\ntwo"),
    ],
)
def test_references_are_expanded_as_by_the_kubelet(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "B": "two"}) == expanded


def kubelet_expand(text: str, variables: dict[str, str]) -> str:
    """third_party/forked/golang/expansion/expand.go, step by step."""
    out, checkpoint, cursor = "", 0, 0
    while cursor < len(text):
        if text[cursor] == "$" and cursor + 1 < len(text):
            out += text[checkpoint:cursor]
            rest = text[cursor + 1 :]
            if rest[0] == "$":
                content, advance = "$", 1
            elif rest[0] == "(":
                close = rest.find(")", 1)
                if close < 0:
                    content, advance = "$(", 1
                else:
                    name = rest[1:close]
                    content, advance = variables.get(name, f"$({name})"), close + 1
            else:
                content, advance = f"${rest[0]}", 1
            out += content
            cursor += advance
            checkpoint = cursor + 1
        cursor += 1
    return out + text[checkpoint:]


@given(st.text(alphabet="$()AB x\n", max_size=30))
def test_expansion_equals_the_kubelets_for_any_text(text: str) -> None:
    variables = {"A": "$(B)", "B": "", "x": "y"}

    assert expand(text, variables) == kubelet_expand(text, variables)


def test_values_refer_to_variables_declared_before() -> None:
    found = environment({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C", "value": "3"})

    assert found == {"A": "1", "B": "1$(C)", "C": "3"}


def test_variables_override_those_of_a_config_map() -> None:
    found = environment(
        {"name": "pre_A", "value": "mine"}, env_from=[{"prefix": "pre_", "configMapRef": {"name": "settings"}}]
    )

    assert found == {"pre_A": "mine", "pre_B": "2"}


def test_a_missing_config_map_may_be_optional() -> None:
    assert environment(env_from=[{"configMapRef": {"name": "none", "optional": True}}]) == {}
    with pytest.raises(ConfigurationError, match=re.escape('configmap "none" not found')):
        environment(env_from=[{"configMapRef": {"name": "none"}}])


def test_keys_of_secrets_and_config_maps() -> None:
    setting = {"name": "S", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "B"}}}

    assert environment(from_secret("key"), setting) == {"V": "s3cret", "S": "2"}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (from_secret("nope"), "couldn't find key nope in Secret default/token"),
        (from_secret("key", name="missing"), 'secret "missing" not found'),
        ({"name": "V", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}, "unsupported fieldPath: spec.x"),
        ({"name": "V", "valueFrom": {"resourceFieldRef": {"resource": "x"}}}, "unsupported container resource : x"),
    ],
)
def test_what_cannot_be_had_is_said_in_the_kubelets_words(reference: JsonObject, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        environment(reference)


def test_an_optional_key_that_is_missing_leaves_no_variable() -> None:
    assert environment(from_secret("nope", optional=True), from_secret("key", name="missing", optional=True)) == {}


def test_a_variable_without_value_is_empty() -> None:
    assert environment({"name": "E"}, {"name": "F", "value": ""}) == {"E": "", "F": ""}


def test_a_zero_byte_is_refused() -> None:
    sources = Sources({(SourceKind.SECRET, "token"): {"key": "a\0b"}})
    made = container(env=[from_secret("key")])

    with pytest.raises(ConfigurationError, match="'V' holds a zero byte"):
        declared_environment(pod(containers=[made]), made, sources=sources, place=PLACE)


def test_lines_and_quotes_in_values_stay_as_they_are() -> None:
    value = "a\nb 'c' \"d\" \\ ; $HOME ü"

    assert environment({"name": "V", "value": value}) == {"V": value}


def test_references_name_all_sources_once_each() -> None:
    made = container(
        env=[from_secret("key"), {"name": "S", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "B"}}}],
        envFrom=[{"secretRef": {"name": "more"}}],
    )

    assert set(references(made)) == {
        (SourceKind.SECRET, "token"),
        (SourceKind.SECRET, "more"),
        (SourceKind.CONFIG_MAP, "settings"),
    }


@pytest.mark.parametrize(
    ("value", "here"),
    [
        ("http://0.0.0.0:8888/user/a/", "http://127.130.1.1:8888/user/a/"),
        ("https://0.0.0.0:8888", "https://127.130.1.1:8888"),
        ("x http://0.0.0.0/ y", "x http://127.130.1.1/ y"),
        ("http://10.0.0.0:8888", "http://10.0.0.0:8888"),
        ("http://0.0.0.01:8888", "http://0.0.0.01:8888"),
        ("at 0.0.0.0", "at 0.0.0.0"),
    ],
)
def test_servers_that_listen_everywhere_get_the_pods_own_address(value: str, here: str) -> None:
    found = container_environment({"URL": value}, defaults={}, pod_address="127.130.1.1")

    assert found == {"URL": here}


def test_the_pods_variables_win_over_the_nodes() -> None:
    found = container_environment(
        {"NVIDIA_VISIBLE_DEVICES": "void"},
        defaults={"NVIDIA_VISIBLE_DEVICES": "GPU-1", "HOME": "/home/jovyan"},
        pod_address="127.130.1.1",
    )

    assert found == {"NVIDIA_VISIBLE_DEVICES": "void", "HOME": "/home/jovyan"}
