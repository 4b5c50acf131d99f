"""GenkanSpawner: a KubeSpawner that offers the catalogue and keeps to the restricted Pod Security Standard."""

import asyncio
import functools
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyterhub.utils import maybe_future
from kubernetes_asyncio.client.exceptions import ApiException
from kubespawner import KubeSpawner
from traitlets import TraitError, Unicode, default, validate

from genkan_profiles import (
    BUILT_IN,
    ChoiceError,
    DocumentError,
    ProfileList,
    check_choice,
    compile_profiles,
    load_catalogue,
    offers_for,
    preselected,
)

from .refusals import Reason, Refusal

_TEMPLATES = Path(__file__).with_name("templates")


def offered_profiles(spawner: "GenkanSpawner") -> ProfileList:
    """Return what the catalogue offers, marked with the user's last choice: the value for `profile_list`.

    KubeSpawner asks for it at every form and again at every start.
    """
    return preselected(_compiled(spawner.catalogue_path), spawner.user_options)


class GenkanSpawner(KubeSpawner):  # type: ignore[misc]  # KubeSpawner is published without types
    """Starts single-user servers as pods, on hardware and images from a catalogue.

    Every trait of KubeSpawner can be set; what is different here are defaults, the catalogue in the place of
    `profile_list`, and that a choice which is not offered is refused before anything is created.
    """

    catalogue_file = Unicode(
        "",
        config=True,
        help="""
        Path of the catalogue: the YAML file with the hardware and images that users can choose from.

        Empty, the default, stands for the catalogue that comes with Genkan (two sizes without GPUs, one and two GPUs),
        whose images are placeholders. `genkan profiles show --catalogue FILE` prints what a file offers, or every
        problem in it with line and column. A hub with a broken catalogue does not start servers.

        Example::

            c.GenkanSpawner.catalogue_file = "/etc/genkan/catalogue.yaml"
        """,
    )

    @property
    def catalogue_path(self) -> Path:
        """The file that the catalogue is read from."""
        return Path(self.catalogue_file) if self.catalogue_file else BUILT_IN

    @validate("catalogue_file")
    def _validate_catalogue_file(self, proposal: Any) -> str:
        value = str(proposal.value)
        try:
            _compiled(Path(value) if value else BUILT_IN)
        except DocumentError as error:
            raise TraitError(f"The catalogue cannot be used.\n{error}") from error
        return value

    @default("profile_list")
    def _default_profile_list(self) -> Any:
        return offered_profiles

    @default("additional_profile_form_template_paths")
    def _default_form_templates(self) -> list[str]:
        """Find our form before KubeSpawner's own, which writes names of the catalogue into the page unescaped."""
        return [str(_TEMPLATES)]

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Any:
        return _leave_to_the_start

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        """Start the server in any image: without a command KubeSpawner leaves out the arguments too."""
        return ["jupyterhub-singleuser"]

    @default("delete_pvc")
    def _default_delete_pvc(self) -> bool:
        """Keep the home when a user or a named server is deleted: nothing here ever deletes one."""
        return False

    @default("uid")
    def _default_uid(self) -> int:
        return 1000

    @default("fs_gid")
    def _default_fs_gid(self) -> int:
        return 100

    @default("pod_security_context")
    def _default_pod_security_context(self) -> dict[str, Any]:
        """Ask for what the restricted standard wants of a pod, containers of a site included."""
        return {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            # Else every start walks through the whole home to change owners.
            "fsGroupChangePolicy": "OnRootMismatch",
        }

    @default("container_security_context")
    def _default_container_security_context(self) -> dict[str, Any]:
        return {"capabilities": {"drop": ["ALL"]}}

    async def load_user_options(self) -> None:
        """Apply the user's choice, or refuse it if it is not offered.

        The form sends nothing else; this is for the REST API, links, and pages that were open while the catalogue
        changed.
        """
        offered = self.profile_list
        if callable(offered):
            offered = await maybe_future(offered(self))
        profiles = self._get_initialized_profile_list(self._sorted_dict_values(offered))
        try:
            check_choice(profiles, self.user_options or {})
        except ChoiceError as error:
            raise Refusal(str(error), reason=Reason.ACCESS) from error
        self.set_trait("volumes", _by_name(self.volumes, "name"))
        self.set_trait("volume_mounts", _by_name(self.volume_mounts, "mountPath"))
        await super().load_user_options()

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        """Create the pod as KubeSpawner does, but keep it out of the log: the manifest holds the server's API token."""
        name = f"{self.namespace}/{pod.metadata.name}"
        self.log.info("Creating pod %s", name)
        try:
            await asyncio.wait_for(self.api.create_namespaced_pod(self.namespace, pod), request_timeout)
        except TimeoutError:
            return False
        except ApiException as error:
            if error.status != HTTPStatus.CONFLICT:
                self.log.error("Kubernetes does not create pod %s: %s", name, _explanation(error))  # noqa: TRY400
                raise
            self.log.info("Pod %s is there already; stopping it to start anew", name)
            await self.stop(now=True)
            return False
        return True


@functools.lru_cache(maxsize=8)
def _compiled(path: Path) -> ProfileList:
    """Read and compile a catalogue once: the same one serves every user's spawner."""
    return compile_profiles(offers_for(load_catalogue(path), ()))


def _leave_to_the_start(_spawner: Any, _options: Any) -> None:
    """Tell JupyterHub that options are handled: `load_user_options` applies them when the server starts."""


def _by_name(rows: Any, key: str) -> dict[str, Any]:
    """Return volumes or mounts by name: into a list KubeSpawner cannot merge what a profile adds, and replaces it."""
    return dict(rows) if isinstance(rows, dict) else {row[key]: row for row in rows}


def _explanation(error: ApiException) -> str:
    """Return Kubernetes' own words for a refused request."""
    try:
        return str(json.loads(error.body or b"")["message"])
    except (KeyError, TypeError, ValueError):
        return f"{error.status} {error.reason}"
