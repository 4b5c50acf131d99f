"""One look at a cluster: everything that is asked of it, and what is said of the answers."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from genkan_hub.chart.settings import CATALOGUE
from genkan_profiles import Catalogue
from genkan_profiles.linting import lint_catalogue
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.checks.reading import read_snapshot
from genkan_spawner.exceptions import KubernetesError, NotFoundError, UnreachableError
from genkan_spawner.kinds import CONFIG_MAPS, NAMESPACES

from .cluster import examine_namespaces, examine_priorities, examine_version
from .diagnoses import Diagnosis, Level, Topic, counted
from .exceptions import DoctorError, UnreadableError
from .offers import examine_images, examine_labels, examine_offers, examine_shares
from .patient import Patient, Question
from .rights import examine_rights, questions

CONFIG_MAP = "genkan-catalogue"
"""Where genkan-platform puts the catalogue."""

_AUTHORIZATION = "authorization.k8s.io/v1"
_AUTHENTICATION = "authentication.k8s.io/v1"
_DIGITS = re.compile(r"[0-9]+")


async def examined(api: KubernetesApi, *, namespace: str, account: str, catalogue: Path | None) -> list[Diagnosis]:
    """Return all there is to say. Raises DoctorError."""
    version = await _version(api)
    async with _catalogue_of(api, namespace, catalogue) as path:
        lint = lint_catalogue(path)
        if lint.catalogue is None:
            mend = "`genkan profiles lint` checks a catalogue before it is installed."
            return [Diagnosis(Topic.CATALOGUE, Level.PROBLEM, str(problem), mend) for problem in lint.problems]
        warnings = [Diagnosis(Topic.CATALOGUE, Level.WARNING, str(warning)) for warning in lint.warnings]
        patient = await _patient(api, path, lint.catalogue, version=version, namespace=namespace, account=account)
    return [*warnings, *_said_of(patient)]


def _said_of(patient: Patient) -> Iterator[Diagnosis]:
    rows = patient.catalogue
    numbers = (
        counted(len(rows.hardware), "kind"),
        counted(len(rows.images), "image"),
        counted(len(rows.teams), "team"),
    )
    yield Diagnosis(Topic.CATALOGUE, Level.OK, f"{numbers[0]} of hardware, {numbers[1]}, {numbers[2]}.")
    for examine in (
        examine_version,
        examine_rights,
        examine_namespaces,
        examine_priorities,
        examine_offers,
        examine_shares,
        examine_labels,
        examine_images,
    ):
        yield from examine(patient)


async def _patient(
    api: KubernetesApi, path: Path, catalogue: Catalogue, *, version: tuple[int, int], namespace: str, account: str
) -> Patient:
    # JupyterHub takes two seconds to import, for which a catalogue that is broken need not wait.
    from .trying import tried

    bare = Patient(version, namespace, account, catalogue, await read_snapshot(api, namespaces={namespace}))
    snapshot = await read_snapshot(api, namespaces=bare.places)
    return Patient(
        version,
        namespace,
        account,
        catalogue,
        snapshot,
        allowed=await _allowed(api, account=account, namespace=namespace, asked=list(questions(bare.places))),
        labels=dict([row for place in bare.places if (row := await _labels(api, place)) is not None]),
        trials=tuple(await tried(path, catalogue, api, snapshot, namespace=namespace)),
    )


async def _version(api: KubernetesApi) -> tuple[int, int]:
    try:
        found = await api.request("GET", "/version")
    except KubernetesError as error:
        raise UnreadableError(f"The cluster cannot be asked: {error.message}") from error
    major, minor = (_DIGITS.match(str(found.get(part, ""))) for part in ("major", "minor"))
    return int(major[0]) if major else 0, int(minor[0]) if minor else 0


@asynccontextmanager
async def _catalogue_of(api: KubernetesApi, namespace: str, given: Path | None) -> AsyncIterator[Path]:
    """Give the catalogue as files: those that are named, those of the hub's pod, or those of the ConfigMap."""
    here = given or Path(CATALOGUE)
    if given is not None or here.exists():
        yield here
        return
    try:
        data: Mapping[str, str] = (await api.get(CONFIG_MAPS, CONFIG_MAP, namespace=namespace)).get("data") or {}
    except KubernetesError as error:
        sentence = (
            f"The ConfigMap {CONFIG_MAP} in the namespace {namespace} cannot be read ({error.message}). "
            "Name the catalogue with --catalogue, or the hub's namespace with --namespace."
        )
        raise DoctorError(sentence) from error
    with tempfile.TemporaryDirectory() as folder:
        for name, text in data.items():
            (Path(folder) / Path(name).name).write_text(text)
        yield Path(folder)


async def _labels(api: KubernetesApi, namespace: str) -> tuple[str, Mapping[str, str] | None] | None:
    try:
        found = await api.get(NAMESPACES, namespace)
    except NotFoundError:
        return namespace, None
    except KubernetesError:
        return None
    return namespace, found["metadata"].get("labels") or {}


async def _allowed(
    api: KubernetesApi, *, account: str, namespace: str, asked: list[Question]
) -> Mapping[Question, bool]:
    """Ask the API server about the hub's account: as the account itself, or about it; nothing if neither may be."""
    user = f"system:serviceaccount:{namespace}:{account}"
    own = await _own_name(api) == user
    who: JsonObject = {} if own else {"user": user, "groups": _groups(namespace)}
    kind = "SelfSubjectAccessReview" if own else "SubjectAccessReview"
    gate = asyncio.Semaphore(8)

    async def answer(question: Question) -> bool:
        spec = {**who, "resourceAttributes": _attributes(question)}
        review = {"apiVersion": _AUTHORIZATION, "kind": kind, "spec": spec}
        async with gate:
            found = await api.request("POST", f"/apis/{_AUTHORIZATION}/{kind.lower()}s", body=review)
        return bool(found["status"]["allowed"])

    try:
        answers = await asyncio.gather(*map(answer, asked))
    except UnreachableError:
        raise
    except KubernetesError:
        return {}
    return dict(zip(asked, answers, strict=True))


def _groups(namespace: str) -> list[str]:
    return ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]


def _attributes(question: Question) -> dict[str, str]:
    path, _, group = question.resource.partition(".")
    name, _, part = path.partition("/")
    return {
        "verb": question.verb,
        "group": group,
        "resource": name,
        "subresource": part,
        "namespace": question.namespace,
    }


async def _own_name(api: KubernetesApi) -> str:
    review = {"apiVersion": _AUTHENTICATION, "kind": "SelfSubjectReview"}
    try:
        found = await api.request("POST", f"/apis/{_AUTHENTICATION}/selfsubjectreviews", body=review)
    except KubernetesError:
        return ""
    return str(found["status"]["userInfo"].get("username", ""))
