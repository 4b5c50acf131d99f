"""The file of `up --platform`, looked at before anything starts."""

from pathlib import Path

import pytest

from genkan_sandbox.exceptions import PlatformError
from genkan_sandbox.platform import load_platform

ACCOUNT = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: genkan-hub, namespace: genkan}}"
QUOTA = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: a}}"
NAMESPACE = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}"


def load(folder: Path, *documents: str) -> tuple[str, ...]:
    path = folder / "platform.yaml"
    path.write_text("\n---\n".join(documents))
    return tuple(one["kind"] for one in load_platform(path, namespace="genkan"))


def test_namespaces_come_before_what_is_in_them(tmp_path: Path) -> None:
    assert load(tmp_path, QUOTA, "", "# a comment", NAMESPACE, ACCOUNT) == (
        "Namespace",
        "ServiceAccount",
        "ResourceQuota",
    )


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        ([NAMESPACE], "There is no ServiceAccount genkan-hub in the namespace genkan"),
        ([ACCOUNT, "{apiVersion: v1, kind: Widget, metadata: {name: x}}"], "knows no objects of kind Widget"),
        ([ACCOUNT, "just text"], "Document 2 is no object of Kubernetes"),
        ([ACCOUNT, "{kind: Pod}"], "Document 2 is no object of Kubernetes"),
        ([ACCOUNT, "{a: [}"], "This is no YAML"),
    ],
)
def test_what_the_hub_could_not_run_with_is_refused(tmp_path: Path, documents: list[str], sentence: str) -> None:
    with pytest.raises(PlatformError, match=sentence):
        load(tmp_path, *documents)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="No such file or directory"):
        load_platform(tmp_path / "nothing", namespace="genkan")
