"""Each configuration in the documentation is one with which a hub starts."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jupyterhub.app import JupyterHub
from traitlets.config import Config

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/administrators/login.md"
BLOCK = re.compile(r"^```(?P<language>python|yaml)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "/etc/genkan/client-secret"

blocks = [(found["language"], found["text"]) for found in BLOCK.finditer(PAGE.read_text())]


def executed(text: str, **names: Any) -> Config:
    c = Config()
    exec(text if "import" in text else f"from genkan_hub import sign_in_with\n{text}", {"c": c, **names})  # noqa: S102
    return c


def started(c: Config) -> Any:
    """Make the authenticator as the hub does."""
    authenticator = JupyterHub(config=c).authenticator_class
    for section in c:
        owners = {
            owner.__name__: owner for owner in (JupyterHub, *authenticator.mro()) if hasattr(owner, "class_traits")
        }
        assert set(c[section]) <= set(owners[section].class_traits(config=True))
    return authenticator(config=c)


@pytest.mark.parametrize(("language", "text"), blocks, ids=range(len(blocks)))
def test_each_configuration_starts(language: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame")
    text = text.replace(SECRET, str(tmp_path / "secret"))
    c = Config(yaml.safe_load(text)["hub"]["config"]) if language == "yaml" else executed(text)

    authenticator = started(c)

    assert authenticator.client_secret_file == str(tmp_path / "secret")
    assert authenticator.login_service


def test_helm_values_say_what_the_call_does() -> None:
    (values,) = [yaml.safe_load(text)["hub"]["config"] for language, text in blocks if language == "yaml"]
    first = next(text for language, text in blocks if language == "python")

    called = executed(first)

    assert called.JupyterHub.authenticator_class == values["JupyterHub"]["authenticator_class"]
    as_sets = {
        name: set(value) if isinstance(value, list) else value for name, value in values["OpenIDAuthenticator"].items()
    }
    assert as_sets == dict(called.OpenIDAuthenticator)


def test_the_configuration_to_try_starts() -> None:
    file = ROOT / "docs/administrators/keycloak/jupyterhub_config.py"
    authenticator = started(executed(file.read_text(), __file__=str(file)))
    assert authenticator.issuer == "http://127.0.0.1:8080/realms/lab"
