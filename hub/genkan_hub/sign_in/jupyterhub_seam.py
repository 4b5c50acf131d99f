"""All that sign-in uses of JupyterHub and OAuthenticator beyond what they publish."""

from collections.abc import Mapping
from typing import Any

from jupyterhub import orm
from jupyterhub.utils import utcnow


async def model_of(authenticator: Any, token_info: Mapping[str, Any]) -> dict[str, Any]:
    """Return what OAuthenticator makes of tokens: who somebody is, and what was told of them."""
    model: dict[str, Any] = await authenticator._token_to_auth_model(token_info)
    return model


def end_browser_sessions(db: Any, user: Any) -> None:
    """Let all browsers of a user sign in again; servers and the user's own tokens keep theirs.

    Browsers hold a token for each of the user's servers and for services. They expire instead of going: the request
    that leads to this may have come with one of them.
    """
    now = utcnow(with_tz=False)
    tokens = db.query(orm.APIToken).filter(orm.APIToken.user_id == user.id, orm.APIToken.session_id.is_not(None))
    for token in tokens:
        token.expires_at = now
    db.commit()


def note_cookie(handler: Any) -> None:
    """Say of a request that it came without a token.

    JupyterHub 6.1 asks its pages so when somebody has to sign in again, and they do not know.
    """
    if not hasattr(handler, "_token_authenticated"):
        handler._token_authenticated = False
