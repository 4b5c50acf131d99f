"""What some hubs have beside a pod: created with it, refused in a sentence, and gone with it."""

import base64
import logging
from pathlib import Path
from typing import Any

import pytest

from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import NAMESPACES, SECRETS, SERVICES, Kind
from genkan_spawner.reasons import Reason

from ...support.jumping import in_jumping_time, now
from ..stage import Refusals, answered, spawners, stage
from .scenes import refusal

ASK = "Tell an administrator: the hub's log has the details."
FORBIDDEN = 'services is forbidden: User "hub" cannot create resource'
OWN_PLACE = {"enable_user_namespaces": True, "user_namespace_template": "default"}


def certificates(folder: Path) -> dict[str, Any]:
    paths = {name: str(folder / name) for name in ("keyfile", "certfile", "cafile")}
    for path in (*paths.values(), str(folder / "hub-ca")):
        Path(path).write_text("a private key")
    bundles = {"hub-ca": str(folder / "hub-ca")}
    return {"internal_ssl": True, "cert_paths": paths, "internal_trust_bundles": bundles}


@in_jumping_time
async def test_they_are_created_after_the_pod_that_owns_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        stale = play.cluster.put(SERVICES, {"metadata": {"name": "jupyter-alice", "namespace": "default"}})
        starting = make(**certificates(tmp_path)).start()
        pod = await play.created()
        await play.run()
        await starting

        (secret,), (service,) = play.cluster.all(SECRETS), play.cluster.all(SERVICES)
        assert base64.b64decode(secret["data"]["ssl.key"]) == b"a private key"
        assert service["metadata"]["uid"] != stale["metadata"]["uid"]
        for found in (secret, service):
            (owner,) = found["metadata"]["ownerReferences"]
            assert owner["uid"] == pod["metadata"]["uid"]


@in_jumping_time
async def test_a_namespace_per_user_is_created_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        for user in ("alice", "bob"):
            starting = make(user, gpus=0, **OWN_PLACE).start()
            await play.created(f"jupyter-{user}")
            await play.run(f"jupyter-{user}")
            await starting

        assert [found["metadata"]["name"] for found in play.cluster.all(NAMESPACES)] == ["default"]
        assert play.cluster.calls["POST", "namespaces"] == 2


@pytest.mark.parametrize(
    ("kind", "traits", "failure", "sentence"),
    [
        (NAMESPACES, OWN_PLACE, FORBIDDEN, f"The place where your servers run could not be created. {ASK}"),
        (SECRETS, {"internal_ssl": True}, FORBIDDEN, f"The certificate of your server could not be created. {ASK}"),
        (
            SERVICES,
            {"services_enabled": True},
            FORBIDDEN,
            f"The network address of your server could not be created. {ASK}",
        ),
        (
            SERVICES,
            {"services_enabled": True},
            "exceeded quota: q, requested: services=1, used: services=9, limited: services=9",
            f"The network address of your server could not be created. {ASK}",
        ),
    ],
)
def test_what_cannot_be_created_is_told_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    *,
    kind: Kind,
    traits: dict[str, Any],
    failure: str,
    sentence: str,
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            play.cluster.fails = Refusals("POST", f"/{kind.plural}", [answered(403, failure)], for_ever=True)
            known = certificates(tmp_path) if "internal_ssl" in traits else {}
            spawner = make(**(traits | known))
            spawner.log = logging.getLogger("test")

            found = await refusal(spawner.start())

            assert (found.jupyterhub_message, found.reason, found.status_code) == (sentence, Reason.UNAVAILABLE, 503)
            assert failure in str(found)
            assert play.pod() is None
            assert play.view.cache.snapshot().pending == ()
            assert base64.b64encode(b"a private key").decode() not in caplog.text

    run()


@pytest.mark.parametrize(("kind", "traits"), [(NAMESPACES, OWN_PLACE), (SERVICES, {"services_enabled": True})])
@pytest.mark.parametrize("failure", [answered(503), answered(429)])
def test_what_may_pass_is_tried_again_and_told_in_the_end(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, traits: dict[str, Any], failure: KubernetesError
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            play.cluster.fails = Refusals("POST", f"/{kind.plural}", [failure, failure])
            starting = make(**traits).start()
            await play.created()
            await play.run()
            await starting
            assert [found["metadata"]["namespace"] for found in play.cluster.all(SERVICES)] == (
                ["default"] if kind is SERVICES else []
            )

            play.cluster.fails = Refusals("POST", f"/{kind.plural}", [failure], for_ever=True)
            began = now()
            found = await refusal(make("bob", gpus=0, **traits).start())

            assert now() - began > 10
            assert found.jupyterhub_message == "The cluster does not answer at the moment. Try again in a minute."

    run()
