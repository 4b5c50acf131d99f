"""Programs of a runner that write down what they were asked, on registries and a cluster that are one file.

Each is this module under another name; `install` puts them into a folder for PATH.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

PROGRAMS = ("buildah", "cosign", "curl", "gh", "kubectl", "python-of-checkout", "skopeo", "syft", "trivy")
_STATE = "GENKAN_FAKE_STATE"
_WORDS = (*PROGRAMS, "genkan-of-checkout")

State = dict[str, Any]


def install(folder: Path, state: Path) -> dict[str, str]:
    """Write the programs into a folder; returns the variables that they need."""
    folder.mkdir()
    for name in _WORDS:
        file = folder / name
        file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{__file__}" {name} "$@"\n')
        file.chmod(0o755)
    save(state, {"tags": {}, "labels": {}, "calls": [], "failing": {}})
    return {_STATE: str(state)}


def load(state: Path) -> State:
    found: State = json.loads(state.read_text())
    return found


def save(state: Path, data: State) -> None:
    state.write_text(json.dumps(data, indent=1))


def main(name: str, arguments: list[str]) -> int:
    path = Path(os.environ[_STATE])
    state = load(path)
    secret = sorted(variable for variable in os.environ if variable.endswith(("_PASSWORD", "_KEY")))
    state["calls"].append({"program": name, "arguments": arguments, "secrets": secret})
    save(path, state)
    for words, sentence in state["failing"].items():
        if " ".join([name, *arguments]).startswith(words):
            sys.stderr.write(f"{sentence}\n")
            return 1
    play = _PLAYS.get(name)
    status = play(state, arguments) if play else 0
    save(path, state)
    return status


def _skopeo(state: State, arguments: list[str]) -> int:
    match arguments[0]:
        case "login":
            sys.stdin.read()
        case "inspect":
            reference = arguments[-1].removeprefix("docker://")
            digest = reference.partition("@")[2] or state["tags"].get(reference)
            if digest is None:
                sys.stderr.write(f"reading manifest in {reference}: manifest unknown\n")
                return 1
            asked = arguments[arguments.index("--format") + 1]
            labels = state["labels"].get(digest, {})
            label = next((labels[name] for name in labels if name in asked), "")
            sys.stdout.write(f"{digest if '.Digest' in asked else label}\n")
        case "copy":
            source, target = (word for word in arguments[1:] if not word.startswith("--"))
            if target.startswith("docker://"):
                state["tags"][target.removeprefix("docker://")] = source.partition("@")[2]
        case _:
            pass
    return 0


def _buildah(_state: State, arguments: list[str]) -> int:
    if arguments[0] == "push":
        Path(arguments[arguments.index("--digestfile") + 1]).write_text("sha256:" + "b" * 64)
    return 0


def _scanner(_state: State, arguments: list[str]) -> int:
    for word in arguments:
        if word.startswith("cyclonedx-json="):
            Path(word.partition("=")[2]).write_text("{}")
    if "--output" in arguments and not arguments[-1].startswith("cyclonedx"):
        Path(arguments[arguments.index("--output") + 1]).write_text("{}")
    return 0


def _kubectl(state: State, arguments: list[str]) -> int:
    match arguments[0]:
        case "create":
            sys.stdout.write("job.batch/genkan-try\n")
        case "get":
            # A Job is not at its end when it is first asked for.
            conditions = state.setdefault("conditions", ["", "FailureTarget", "FailureTarget Failed"])
            sys.stdout.write(conditions.pop(0) if len(conditions) > 1 else conditions[0])
        case "logs":
            sys.stdout.write("The words of the pod.\n")
        case _:
            pass
    return 0


def _gh(state: State, arguments: list[str]) -> int:
    if arguments[:2] == ["issue", "list"]:
        sys.stdout.write(f"{state.get('issue', '')}\n")
    if "--body-file" in arguments:
        state["body"] = Path(arguments[arguments.index("--body-file") + 1]).read_text()
    return 0


_PLAYS = {
    "skopeo": _skopeo,
    "buildah": _buildah,
    "trivy": _scanner,
    "syft": _scanner,
    "kubectl": _kubectl,
    "gh": _gh,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
