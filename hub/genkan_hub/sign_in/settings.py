"""What must be right before the hub starts, so that nobody finds out at the login page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .addresses import is_protected
from .exceptions import SettingsError

_LARGEST_SECRET = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What any provider needs."""

    section: str
    """Under which name administrators write the settings, such as OpenIDAuthenticator."""

    client_id: str
    client_secret: str
    client_secret_file: str
    keeps_auth_state: bool
    lets_somebody_in: bool
    addresses: Mapping[str, str]
    """Where the provider is asked, by the name of the setting; empty where it is not known yet."""

    def problems(self) -> Iterator[str]:
        """Yield what is wrong, in sentences that say what to do."""
        if not self.client_id:
            yield f"{self.section}.client_id is missing: what the provider calls this hub."
        yield from self._secret_problems()
        if not self.lets_somebody_in:
            yield (
                f"{self.section}.allowed_groups is missing: the groups for which the hub is. "
                f"{self.section}.allow_all = True lets in everybody whom the provider knows."
            )
        for name, address in self.addresses.items():
            if address and not is_protected(address):
                yield f"{self.section}.{name} must begin with https://: tokens and claims are sent there."
        if not self.keeps_auth_state:
            yield (
                f"{self.section}.enable_auth_state must stay True: without what the provider said, nobody can be asked "
                "about again."
            )
        else:
            yield from _key_problems()

    def _secret_problems(self) -> Iterator[str]:
        if self.client_secret_file:
            try:
                read_secret(Path(self.client_secret_file))
            except SettingsError as e:
                yield f"{self.section}.client_secret_file: {e}"
        elif not self.client_secret:
            yield (
                f"The secret of the client is missing: name its file in {self.section}.client_secret_file, or put it "
                "into the environment as OAUTH_CLIENT_SECRET."
            )


def read_secret(path: Path) -> str:
    """Return the secret in a file, which may end with a newline. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_SECRET).decode().strip()
    except (OSError, UnicodeDecodeError) as e:
        reason = (e.strerror or "").lower() if isinstance(e, OSError) else "it holds no text"
        raise SettingsError(f"{path} cannot be read: {reason}.") from None
    if not text:
        raise SettingsError(f"{path} is empty; it should hold the secret.")
    return text


def _key_problems() -> Iterator[str]:
    """Tokens are kept in the hub's database, so nobody should read them there."""
    from jupyterhub.crypto import CryptKeeper

    make_one = "make one with `openssl rand -hex 32` and keep it with the database"
    try:
        keys = CryptKeeper.instance().keys
    except ValueError:
        yield f"JUPYTERHUB_CRYPT_KEY must be 32 bytes in hexadecimal digits or base64: {make_one}."
        return
    if not keys:
        yield (
            "There is no key to encrypt what is kept of sign-ins: set c.CryptKeeper.keys, or JUPYTERHUB_CRYPT_KEY in "
            f"the environment; {make_one}."
        )
