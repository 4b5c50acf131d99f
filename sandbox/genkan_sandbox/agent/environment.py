"""The environment of a container, made from nothing but its pod.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#environment-variables
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from genkan_sandbox.agent.fields import FieldError, Place, resource_field
from genkan_sandbox.agent.fields import field as pod_field
from genkan_spawner.api import JsonObject

_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[^)]*)\))")
_ANYWHERE = re.compile(r"(?P<scheme>https?)://0\.0\.0\.0(?=[:/])")


class ConfigurationError(Exception):
    """A container cannot be made from what its pod says; the text is the kubelet's."""


class SourceKind(StrEnum):
    """Objects that hold values for environments."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105  # a kind's name


@dataclass(frozen=True, slots=True)
class Sources:
    """The ConfigMaps and Secrets that a container refers to, as they are now; None for one that is not there."""

    found: Mapping[tuple[SourceKind, str], Mapping[str, str] | None] = field(default_factory=dict)

    def data(self, kind: SourceKind, name: str, *, optional: bool) -> Mapping[str, str] | None:
        """Return an object's values, None where it may be missing and is.

        Raises ConfigurationError where it must not be missing.
        """
        data = self.found.get((kind, name))
        if data is None and not optional:
            raise ConfigurationError(f'{kind.lower()} "{name}" not found')
        return data


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by the variable's value; `$$(NAME)` stays `$(NAME)`, an unknown name stays as it is.

    kubernetes third_party/forked/golang/expansion/expand.go
    """

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        return "$" if name is None else variables.get(name, match[0])

    return _REFERENCE.sub(value, text)


def references(container: JsonObject) -> Iterator[tuple[SourceKind, str]]:
    """Name the ConfigMaps and Secrets that a container's environment is made from."""
    for entry in container.get("envFrom") or []:
        for name, kind in (("configMapRef", SourceKind.CONFIG_MAP), ("secretRef", SourceKind.SECRET)):
            if entry.get(name):
                yield kind, str(entry[name].get("name", ""))
    for entry in container.get("env") or []:
        source = entry.get("valueFrom") or {}
        for name, kind in (("configMapKeyRef", SourceKind.CONFIG_MAP), ("secretKeyRef", SourceKind.SECRET)):
            if source.get(name):
                yield kind, str(source[name].get("name", ""))


def declared_environment(pod: JsonObject, container: JsonObject, *, sources: Sources, place: Place) -> dict[str, str]:
    """Return the variables that a pod declares for a container, in the order of declaration.

    Raises ConfigurationError in the kubelet's words where a value cannot be had.
    """
    variables: dict[str, str] = {}
    for entry in container.get("envFrom") or []:
        variables.update(_imported(entry, sources))
    for entry in container.get("env") or []:
        if entry.get("value"):
            variables[entry["name"]] = expand(entry["value"], variables)
            continue
        value = _from_source(pod, container, entry.get("valueFrom") or {}, sources=sources, place=place)
        if value is not None:
            variables[entry["name"]] = value
    for name, value in variables.items():
        if "\0" in value:
            raise ConfigurationError(f"environment variable {name!r} holds a zero byte, which no process can be given")
    return variables


def container_environment(
    declared: Mapping[str, str], *, defaults: Mapping[str, str], pod_address: str
) -> dict[str, str]:
    """Put the pod's variables over the node's defaults, and the pod's address where servers listen everywhere.

    All pods share the machine's network, so a server that listens on 0.0.0.0 as told by its URL would take the port
    from all others.
    """
    here = {name: _ANYWHERE.sub(rf"\g<scheme>://{pod_address}", value) for name, value in declared.items()}
    return {**defaults, **here}


def _imported(entry: JsonObject, sources: Sources) -> dict[str, str]:
    prefix = entry.get("prefix") or ""
    for name, kind in (("configMapRef", SourceKind.CONFIG_MAP), ("secretRef", SourceKind.SECRET)):
        if reference := entry.get(name):
            data = sources.data(kind, reference.get("name", ""), optional=bool(reference.get("optional")))
            return {f"{prefix}{key}": value for key, value in (data or {}).items()}
    return {}


def _from_source(
    pod: JsonObject, container: JsonObject, source: JsonObject, *, sources: Sources, place: Place
) -> str | None:
    """Return a variable's value; None where it is optional and missing."""
    try:
        if reference := source.get("fieldRef"):
            return pod_field(pod, reference["fieldPath"], place=place)
        if reference := source.get("resourceFieldRef"):
            return resource_field(_named(pod, reference, container), reference, place=place)
    except FieldError as e:
        raise ConfigurationError(str(e)) from e
    for name, kind in (("configMapKeyRef", SourceKind.CONFIG_MAP), ("secretKeyRef", SourceKind.SECRET)):
        if reference := source.get(name):
            return _key(reference, kind, sources=sources, namespace=pod["metadata"]["namespace"])
    return ""


def _named(pod: JsonObject, reference: JsonObject, container: JsonObject) -> JsonObject:
    others = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
    return next((other for other in others if other["name"] == reference.get("containerName")), container)


def _key(reference: JsonObject, kind: SourceKind, *, sources: Sources, namespace: str) -> str | None:
    name, key, optional = reference.get("name", ""), reference["key"], bool(reference.get("optional"))
    data = sources.data(kind, name, optional=optional)
    if data is None or key not in data:
        if optional:
            return None
        raise ConfigurationError(f"couldn't find key {key} in {kind} {namespace}/{name}")
    return data[key]
