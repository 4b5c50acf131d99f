"""The provider's description of itself: where its parts are (OpenID Connect Discovery 1.0)."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from .addresses import is_protected
from .exceptions import UnavailableError
from .id_tokens import same_issuer

PATH = "/.well-known/openid-configuration"

SAFE_CHALLENGE = "S256"
"""The way of PKCE (RFC 7636) that OAuthenticator takes."""


def _protected(url: str) -> str:
    if not is_protected(url):
        message = "must begin with https://"
        raise ValueError(message)
    return url


Address = Annotated[str, AfterValidator(_protected)]


class ProviderDocument(BaseModel):
    """What of the description is used; there is much more in it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: Address
    token_endpoint: Address
    userinfo_endpoint: Address | None = None
    end_session_endpoint: Address | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None

    @classmethod
    def of(cls, answer: Any, *, issuer: str) -> Self:
        """Read an answer. Raises UnavailableError where it is no description of this issuer, saying what is wrong."""
        try:
            document = cls.model_validate(answer)
        except ValidationError as e:
            wrong = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in e.errors())
            raise UnavailableError(f"{issuer}{PATH} is no description of a provider: {wrong}") from None
        if not same_issuer(document.issuer, issuer):
            raise UnavailableError(
                f"{issuer}{PATH} describes the issuer {document.issuer[:200]!r}: set this one as the issuer, or "
                "correct the address by which the provider knows itself."
            )
        return document

    @property
    def challenges(self) -> bool:
        """Whether it says that it takes a code only from whoever asked for it."""
        return SAFE_CHALLENGE in (self.code_challenge_methods_supported or ())
