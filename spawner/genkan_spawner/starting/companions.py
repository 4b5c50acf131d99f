"""Creating what some hubs have beside a pod: a namespace per user, a certificate's Secret, a Service."""

from http import HTTPStatus

from genkan_profiles.language.sentences import say, together
from genkan_spawner.admission import Denial, denial_of, may_pass
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.denials import refusal_of
from genkan_spawner.exceptions import ConflictError, KubernetesError, NotFoundError
from genkan_spawner.kinds import NAMESPACES, SECRETS, SERVICES, Kind
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

from .creation import attempts

_SENTENCES = {
    NAMESPACES: say("The place where your servers run could not be created."),
    SECRETS: say("The certificate of your server could not be created."),
    SERVICES: say("The network address of your server could not be created."),
}


async def create_namespace(api: KubernetesApi, manifest: JsonObject, *, within: float) -> None:
    """Create a namespace unless it is there; what may pass is tried again for so many seconds. Raises Refusal."""
    async for last in attempts(within):
        try:
            await api.create(NAMESPACES, manifest)
        except ConflictError:
            return
        except KubernetesError as e:
            if last or not may_pass(e):
                raise _refusal(NAMESPACES, e) from e
        else:
            return


async def create_companion(api: KubernetesApi, kind: Kind, manifest: JsonObject, *, within: float) -> None:
    """Create what belongs to a pod, in the place of what an earlier one has left. Raises Refusal.

    It is owned by the pod, so that it goes with it.
    """
    metadata = manifest["metadata"]
    name, namespace = metadata["name"], metadata["namespace"]
    async for last in attempts(within):
        try:
            await _remove(api, kind, name, namespace=namespace)
            await api.create(kind, manifest, namespace=namespace)
        except KubernetesError as e:
            if last or not (may_pass(e) or isinstance(e, ConflictError)):
                raise _refusal(kind, e) from e
        else:
            return


async def _remove(api: KubernetesApi, kind: Kind, name: str, *, namespace: str) -> None:
    try:
        await api.delete(kind, name, namespace=namespace)
    except NotFoundError:
        return


def _refusal(kind: Kind, error: KubernetesError) -> Refusal:
    """Return what a user is told; Kubernetes' own text is for the log alone."""
    if denial_of(error) is Denial.BUSY:
        return refusal_of(error)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = together([_SENTENCES[kind], say("Tell an administrator: the hub's log has the details.")])
    return Refusal(sentence, reason=Reason.UNAVAILABLE, status_code=status, log_message=error.message)
