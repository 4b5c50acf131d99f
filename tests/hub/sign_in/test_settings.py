"""A hub with which nobody could sign in does not start, and says in sentences why."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper
from traitlets.config import Config

from genkan_hub import sign_in_with
from genkan_hub.sign_in.exceptions import SettingsError
from genkan_hub.sign_in.github import GitHubAuthenticator
from genkan_hub.sign_in.google import GoogleAuthenticator

from .conftest import Make


def test_good_settings_need_no_more_than_they_must(make: Make) -> None:
    authenticator = make()

    assert authenticator.enable_auth_state
    assert authenticator.manage_groups
    assert authenticator.enable_pkce
    assert authenticator.scope == ["openid", "email", "profile"]
    assert authenticator.username_claim == "preferred_username"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"issuer": ""}, "OpenIDAuthenticator.issuer is missing"),
        ({"issuer": "http://sso.example.org"}, "OpenIDAuthenticator.issuer must begin with https://"),
        ({"issuer": "https://a.example/.well-known/openid-configuration/"}, "issuer is the address without /.well-kn"),
        ({"client_id": ""}, "OpenIDAuthenticator.client_id is missing"),
        ({"client_secret": ""}, "The secret of the client is missing"),
        ({"client_secret_file": "/nowhere"}, "client_secret_file: /nowhere cannot be read: no such file"),
        ({"allowed_groups": set()}, "OpenIDAuthenticator.allowed_groups is missing"),
        ({"enable_auth_state": False}, "OpenIDAuthenticator.enable_auth_state must stay True"),
        ({"token_url": "http://sso.example.org/token"}, "OpenIDAuthenticator.token_url must begin with https://"),
        ({"scope": ["email"]}, "OpenIDAuthenticator.scope must contain openid"),
        ({"groups_claim": "", "manage_groups": True}, "OpenIDAuthenticator.groups_claim is empty"),
    ],
)
def test_what_is_missing_or_wrong_is_told_alone(make: Make, settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as e:
        make(**settings)

    first, *problems = str(e.value).splitlines()
    assert first == "Nobody could sign in like this:"
    assert len(problems) == 1
    assert problem in problems[0]


def test_teams_of_github_need_the_right_to_read_them(make: Make) -> None:
    make(GitHubAuthenticator, allowed_organizations={"lab"})
    with pytest.raises(SettingsError, match=r"GitHubAuthenticator\.scope must contain read:org"):
        make(GitHubAuthenticator, scope=[])


def test_google_without_groups_leaves_them_to_the_hub(make: Make) -> None:
    assert not make(GoogleAuthenticator, allowed_groups=set(), allow_all=True).manage_groups


@pytest.mark.parametrize(("key", "problem"), [("", "There is no key to encrypt"), ("short", "must be 32 bytes")])
def test_without_a_key_to_encrypt_nobody_signs_in(
    make: Make, monkeypatch: pytest.MonkeyPatch, key: str, problem: str
) -> None:
    CryptKeeper.clear_instance()
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", key)

    with pytest.raises(SettingsError, match=problem) as e:
        make()
    assert "openssl rand -hex 32" in str(e.value)


def test_a_secret_in_a_file_is_read_without_its_last_line_break_and_read_again(make: Make, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one\n")
    authenticator = make(client_secret="", client_secret_file=str(file))

    for text, secret in (("one\n", "one"), ("two", "two"), ("", "two"), ("\n", "two")):
        file.write_text(text)
        authenticator._renew_secret()
        assert authenticator.client_secret == secret
    file.unlink()
    authenticator._renew_secret()
    assert authenticator.client_secret == "two"


def test_one_call_sets_up_sign_in_and_leaves_other_settings(tmp_path: Path) -> None:
    c = Config()
    c.OpenIDAuthenticator.scope = ["openid", "groups"]

    sign_in_with(c, "openid", issuer="https://sso.example.org", allowed_groups={"vision"})

    assert c.JupyterHub.authenticator_class == "genkan-openid"
    assert c.OpenIDAuthenticator.issuer == "https://sso.example.org"
    assert c.OpenIDAuthenticator.scope == ["openid", "groups"]


@pytest.mark.parametrize(
    ("provider", "settings", "message"),
    [
        ("saml", {}, r"There is no provider 'saml'; there are: openid, google, github\."),
        ("openid", {"isuer": ""}, r"OpenIDAuthenticator has no setting isuer\. Did you mean issuer\?"),
        ("github", {"xyzzy": ""}, r"GitHubAuthenticator has no setting xyzzy\.$"),
    ],
)
def test_a_call_with_a_slip_names_it(provider: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sign_in_with(Config(), provider, **settings)


def test_the_hub_ends_with_the_reasons_and_without_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(
        "from genkan_hub import sign_in_with\n"
        "sign_in_with(c, 'openid', issuer='http://sso.example.org')\n"
        "c.JupyterHub.spawner_class = 'simple'\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "JUPYTERHUB_CRYPT_KEY"}

    ended = subprocess.run(
        [sys.executable, "-m", "jupyterhub", f"--config={config}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "Nobody could sign in like this:" in ended.stderr
    for problem in ("client_id is missing", "secret of the client", "allowed_groups", "https://", "There is no key"):
        assert problem in ended.stderr
