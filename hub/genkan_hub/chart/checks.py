"""Values of the chart that would do something else than they seem to; refused before the hub starts."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from .exceptions import ChartError

GetConfig: TypeAlias = Callable[..., Any]
"""The chart's own function: a value by its path, and what stands for one that is null."""

_INSTEAD = {
    "load_roles": "It would take away the roles of the culler and of Genkan. Write hub.loadRoles instead.",
    "services": "The chart drops it without a word. Write hub.services instead.",
    "tornado_settings": "It would take the chart's own settings away.",
    "spawner_class": "Genkan's spawner is what this hub runs. Leave it out.",
}
_DUMMY = {"dummy", "jupyterhub.auth.DummyAuthenticator"}


def check_values(get_config: GetConfig) -> None:
    """Raise ChartError with everything that is wrong."""
    problems = [*_of_hub_config(get_config), *_of_sign_in(get_config), *_of_profiles(get_config)]
    if problems:
        raise ChartError("\n".join(problems))


def _of_hub_config(get_config: GetConfig) -> Iterator[str]:
    given = get_config("hub.config.JupyterHub") or {}
    for name, reason in _INSTEAD.items():
        if name in given and not (name == "spawner_class" and given[name] == "genkan"):
            yield f"hub.config.JupyterHub.{name}: {reason}"


def _of_sign_in(get_config: GetConfig) -> Iterator[str]:
    if get_config("hub.config.JupyterHub.authenticator_class") not in _DUMMY:
        return
    if not get_config("hub.config.DummyAuthenticator.password"):
        yield (
            "hub.config.JupyterHub.authenticator_class: The chart's default lets in anybody as anybody, administrators "
            "included. Set up sign-in as helm-values/oidc.yaml does, or shared-password to try it out."
        )


def _of_profiles(get_config: GetConfig) -> Iterator[str]:
    if get_config("singleuser.profileList"):
        yield "singleuser.profileList: The catalogue is what users choose from. Move these profiles there."
