"""The verdict on each start that somebody asks about, and how it is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from genkan_hub.connection import NoClusterError, connect, current_namespace
from genkan_profiles.language.sentences import Sentence
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.checks.access import check_access
from genkan_spawner.checks.demand import Demand, demand_of
from genkan_spawner.checks.exceptions import ManifestError
from genkan_spawner.checks.findings import Finding, Verdict
from genkan_spawner.checks.outlook import Outlook
from genkan_spawner.checks.reading import read_snapshot

from .questions import Asked, InputError, NotOfferedError, Profile


@dataclass(frozen=True, slots=True)
class Explained:
    """One start and what the checks say of it."""

    name: str
    verdict: Verdict


async def answer(
    asked: Sequence[Asked], *, profile: Profile | None = None, kubeconfig: str | None = None
) -> list[Explained]:
    """Look at the cluster once, and judge each start by itself; the profile is told of first. Raises InputError."""
    if not asked and profile is None:
        return []
    explained: list[Explained] = []
    try:
        namespace, connection = current_namespace(kubeconfig), await connect(kubeconfig)
    except NoClusterError as error:
        raise InputError(str(error)) from error
    async with connection as api:
        if profile is not None:
            try:
                asked = [await _planned(profile, api, namespace=namespace), *asked]
            except NotOfferedError as error:
                explained.append(
                    Explained(profile.hardware, Verdict.of([check_access(Sentence.quoted(error.sentence))]))
                )
        demands = [_demand(one, namespace=namespace) for one in asked]
        if not asked:
            return explained
        snapshot = await read_snapshot(api, namespaces={demand.namespace for demand in demands})
    outlook = Outlook.of(snapshot)
    for one, demand in zip(asked, demands, strict=True):
        explained.append(Explained(one.name, one.conditions.examine(demand, snapshot, outlook=outlook)))
    return explained


def as_object(one: Explained) -> JsonObject:
    """Return a verdict as JSON has it."""
    return {
        "demand": one.name,
        "state": one.verdict.state.value,
        "would_preempt": one.verdict.would_preempt,
        "findings": [_finding(finding) for finding in one.verdict.findings],
    }


def as_text(one: Explained) -> str:
    """Return a verdict as lines for people: the state, and below it what the checks have to say."""
    told = [finding for finding in one.verdict.findings if finding.message]
    lines = [f"  {finding.check.value}: {finding.message}" for finding in told]
    return "\n".join([f"{one.name}: {one.verdict.state.value}", *lines])


async def _planned(profile: Profile, api: KubernetesApi, *, namespace: str) -> Asked:
    # JupyterHub takes two seconds to import, for which pod manifests need not wait.
    from .planning import planned

    return await planned(profile, api, namespace=namespace)


def _demand(one: Asked, *, namespace: str) -> Demand:
    try:
        return demand_of(one.manifest, namespace=namespace)
    except ManifestError as error:
        raise InputError(f"{one.place}: {error}") from error


def _finding(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check.value,
        "state": finding.state.value,
        "message": finding.message,
        "resource": finding.resource,
        "requested": finding.requested,
        "used": finding.used,
        "limit": finding.limit,
        "over_by": finding.over_by,
    }
