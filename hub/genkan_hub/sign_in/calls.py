"""Sign-in in one call of jupyterhub_config.py."""

import difflib
from enum import StrEnum
from typing import Any


class Provider(StrEnum):
    """Kinds of providers; JupyterHub knows the authenticators by these names with `genkan-` before them."""

    OPENID = "openid"
    """Keycloak, Dex, Entra ID, GitLab and all others that speak OpenID Connect."""
    GOOGLE = "google"
    GITHUB = "github"


def sign_in_with(c: Any, provider: Provider | str, **settings: Any) -> None:
    """Let people sign in at a provider: `openid`, `google` or `github`.

    `settings` are traits of OpenIDAuthenticator, GoogleAuthenticator or GitHubAuthenticator, or of the authenticators
    of OAuthenticator that they extend. The same can be written without Python: `JupyterHub.authenticator_class` is
    `genkan-openid`, and the settings are in a section `OpenIDAuthenticator`. Raises ValueError for a provider or a
    setting that does not exist.
    """
    from .github import GitHubAuthenticator
    from .google import GoogleAuthenticator
    from .openid import OpenIDAuthenticator

    classes = {
        Provider.OPENID: OpenIDAuthenticator,
        Provider.GOOGLE: GoogleAuthenticator,
        Provider.GITHUB: GitHubAuthenticator,
    }
    if provider not in set(Provider):
        message = f"There is no provider {provider!r}; there are: {', '.join(Provider)}."
        raise ValueError(message)
    authenticator = classes[Provider(provider)]
    known = authenticator.class_traits(config=True)
    for name, value in settings.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            message = f"{authenticator.__name__} has no setting {name}.{hint}"
            raise ValueError(message)
        c[authenticator.__name__][name] = value
    c.JupyterHub.authenticator_class = f"genkan-{provider}"
