"""What an authenticator makes of what a provider tells, where no provider is needed to tell it."""

from io import BytesIO
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse

from genkan_hub.sign_in.exceptions import RefusedError, SignInError, UnavailableError
from genkan_hub.sign_in.github import GitHubAuthenticator
from genkan_hub.sign_in.google import GoogleAuthenticator

from .conftest import Make


def page_of(e: "pytest.ExceptionInfo[SignInError]") -> str:
    return f"{e.value.status_code} {e.value.page.title}"


@pytest.mark.parametrize("claims", [{}, {"preferred_username": ""}, {"preferred_username": 7}, {"name": "Alice"}])
def test_a_provider_that_gives_no_name_is_for_administrators(make: Make, claims: dict[str, Any]) -> None:
    with pytest.raises(SignInError) as e:
        make().user_info_to_username(claims)
    assert page_of(e) == "500 Sign-in is not set up right"
    assert "Alice" not in str(e.value.get_message())


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_address_is_a_name_only_when_the_provider_has_confirmed_it(make: Make, verified: Any) -> None:
    authenticator = make(username_claim="email")
    assert authenticator.user_info_to_username({"email": "a@b.example", "email_verified": True}) == "a@b.example"
    with pytest.raises(SignInError) as e:
        authenticator.user_info_to_username({"email": "a@b.example", "email_verified": verified})
    assert page_of(e) == "403 This address is not confirmed"


def test_a_function_may_make_the_name(make: Make) -> None:
    authenticator = make(username_claim=lambda claims: claims["upn"].partition("@")[0])
    assert authenticator.user_info_to_username({"upn": "alice@example.org"}) == "alice"


async def test_whoever_is_not_allowed_or_blocked_hears_so(make: Make) -> None:
    authenticator = make(blocked_users={"mallory"})
    model: dict[str, Any] = {"name": "alice", "admin": None, "groups": ["vision"], "auth_state": {}}
    assert await authenticator.check_allowed("alice", model)
    with pytest.raises(SignInError) as e:
        await authenticator.check_allowed("bob", {**model, "groups": ["language"]})
    assert page_of(e) == "403 This account has no access"
    assert "bob is not allowed, with language" in str(e.value.get_message())
    assert authenticator.check_blocked_users("alice", model)
    with pytest.raises(SignInError):
        authenticator.check_blocked_users("mallory", model)


@pytest.mark.parametrize(
    ("settings", "groups"),
    [
        ({}, {"vision"}),
        ({"groups_claim": "resource_access.genkan.roles"}, {"gpu"}),
        ({"groups_claim": "", "allowed_groups": set(), "allow_all": True}, set()),
        ({"auth_state_groups_key": lambda state: [state["oauth_user"]["department"]]}, {"physics"}),
        ({"auth_state_groups_key": "oauth_user.groups"}, {"/vision"}),
    ],
)
async def test_groups_come_from_the_claim_that_is_set(make: Make, settings: dict[str, Any], groups: set[str]) -> None:
    claims = {
        "groups": ["/vision"],
        "resource_access": {"genkan": {"roles": ["gpu"]}},
        "department": "physics",
    }
    assert await make(**settings).get_user_groups({"oauth_user": claims}) == groups


async def test_teams_of_github_are_groups(make: Make) -> None:
    authenticator = make(GitHubAuthenticator)
    teams = [{"slug": "vision", "organization": {"login": "Lab"}}, {"slug": "all", "organization": {"login": "lab"}}]
    assert await authenticator.get_user_groups({"teams": teams}) == {"lab:vision", "lab:all"}
    assert await authenticator.get_user_groups({}) == set()
    assert authenticator.populate_teams_in_auth_state
    assert authenticator.user_info_to_username({"login": "Alice", "email": None}) == "Alice"


async def test_groups_of_a_google_workspace_are_groups(make: Make) -> None:
    authenticator = make(GoogleAuthenticator, allowed_groups=set(), allowed_google_groups={"example.org": {"vision"}})
    assert authenticator.manage_groups
    assert await authenticator.get_user_groups({"google_user": {"google_groups": ["vision"]}}) == {"vision"}
    assert authenticator.extra_authorize_params == {"access_type": "offline"}


def test_what_is_kept_says_whose_it_is_and_since_when(make: Make) -> None:
    authenticator = make()
    tokens = {"access_token": "a", "refresh_token": "r", "scope": "openid email"}
    kept = authenticator.build_auth_state_dict(tokens, {"sub": "17"})
    assert kept["account"] == ["https://sso.example.org/realms/lab", "17"]
    assert kept["confirmed_at"] == pytest.approx(authenticator.now(), abs=5)
    assert kept["oauth_user"] == {"sub": "17"}
    github = make(GitHubAuthenticator)
    assert github.build_auth_state_dict(tokens, {"id": 17})["account"] == [github.token_url, "17"]


class Silent:
    """An HTTP client that gets one answer, or none."""

    def __init__(self, answer: HTTPResponse | Exception) -> None:
        self._answer = answer

    async def fetch(self, _: HTTPRequest, **__: Any) -> HTTPResponse:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def failure(code: int, body: bytes | None = None) -> HTTPClientError:
    request = HTTPRequest("https://sso.example.org/token?access_token=sesame")
    response = None if body is None else HTTPResponse(request, code, buffer=BytesIO(body))
    return HTTPClientError(code, response=response)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failure(599), UnavailableError),
        (failure(500, b"<html>"), UnavailableError),
        (failure(502), UnavailableError),
        (failure(429, b'{"error": "slow_down"}'), UnavailableError),
        (ConnectionRefusedError(111, "Connection refused"), UnavailableError),
        (failure(401), RefusedError),
        (failure(400, b'{"error": "invalid_grant", "error_description": "Session not active"}'), RefusedError),
        (failure(400, b'["invalid_grant"]'), RefusedError),
        (failure(403, b"\xff"), RefusedError),
    ],
)
async def test_only_a_provider_that_answers_says_no(make: Make, answer: Exception, error: type[Exception]) -> None:
    authenticator = make()
    authenticator.http_client = Silent(answer)
    with pytest.raises(error) as e:
        await authenticator.httpfetch("https://sso.example.org/token?access_token=sesame")
    assert "https://sso.example.org/token" in str(e.value)
    assert "sesame" not in str(e.value)
    assert e.value.__cause__ is None


async def test_the_code_of_oauth_is_read_from_a_refusal(make: Make) -> None:
    authenticator = make()
    authenticator.http_client = Silent(failure(400, b'{"error": "invalid_grant", "error_description": "over"}'))
    with pytest.raises(RefusedError, match=r"answers 400 invalid_grant \('over'\)$") as e:
        await authenticator.httpfetch("https://sso.example.org/token")
    assert e.value.error == "invalid_grant"


@pytest.mark.parametrize("body", [b"<html>", b'{"access_token'])
async def test_an_answer_that_is_no_json_is_no_answer(make: Make, body: bytes) -> None:
    authenticator = make()
    request = HTTPRequest("https://sso.example.org/userinfo")
    authenticator.http_client = Silent(HTTPResponse(request, 200, buffer=BytesIO(body)))
    with pytest.raises(UnavailableError, match="answers something else than JSON"):
        await authenticator.httpfetch(request.url)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'{"access_token_typo": "sesame"}', b'{"error_description": "no"}'])
async def test_an_answer_without_a_token_is_a_refusal_that_repeats_nothing(make: Make, body: bytes) -> None:
    authenticator = make(token_url="https://sso.example.org/token")
    request = HTTPRequest(authenticator.token_url)
    authenticator.http_client = Silent(HTTPResponse(request, 200, buffer=BytesIO(body)))
    with pytest.raises(RefusedError, match=r"^https://sso\.example\.org/token gives no token$"):
        await authenticator.get_token_info(None, {"code": "x"})
