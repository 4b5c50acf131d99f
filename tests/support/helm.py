"""Helm as an administrator runs it, with the files of this checkout."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from genkan_spawner.api import JsonObject

ROOT = Path(__file__).parents[2]
VALUES = ROOT / "helm-values"
PLATFORM = VALUES / "genkan-platform"
OVERLAYS = tuple(sorted(path.stem for path in VALUES.glob("*.yaml") if path.stem != "base"))

Values = Mapping[str, Any]


class HelmError(Exception):
    """Helm refused; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Helm:
    """The program, with a home of its own."""

    program: str
    home: Path

    def run(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None, values: Values | None = None
    ) -> str:
        """Run it and return what it prints; `values` are given as the last file. Raises HelmError."""
        words = [self.program, *map(str, arguments), *(["--values", "-"] if values is not None else [])]
        done = subprocess.run(
            words,
            input=yaml.safe_dump(dict(values)) if values is not None else None,
            env={**os.environ, **self._places, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise HelmError(done.stdout + done.stderr)
        return done.stdout

    def render(
        self, chart: Path, *files: Path, values: Values | None = None, name: str = "genkan", namespace: str = "genkan"
    ) -> list[JsonObject]:
        """Return the objects of a release."""
        given = [word for file in files for word in ("--values", str(file))]
        printed = self.run(
            "template", name, chart, "--namespace", namespace, "--kube-version", "1.36.3", *given, values=values
        )
        return [one for one in yaml.safe_load_all(printed) if one]

    @property
    def _places(self) -> dict[str, str]:
        return {f"HELM_{name}_HOME": str(self.home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}


def merged(*layers: Values) -> dict[str, Any]:
    """Return values as Helm merges them: mappings key by key, all else replaced, null for nothing."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping):
                before = result.get(key)
                result[key] = merged(before if isinstance(before, Mapping) else {}, value)
            elif value is None:
                result.pop(key, None)
            else:
                result[key] = value
    return result


def read_values(name: str) -> dict[str, Any]:
    """Return one of the files of helm-values."""
    read: dict[str, Any] = yaml.safe_load((VALUES / f"{name}.yaml").read_text())
    return read


def of_kind(objects: Iterable[JsonObject], kind: str) -> dict[str, JsonObject]:
    """Return the objects of a kind as NAMESPACE/NAME, or by name where they belong to none."""
    found = [one for one in objects if one["kind"] == kind]
    return {"/".join(filter(None, (one["metadata"].get("namespace"), one["metadata"]["name"]))): one for one in found}
