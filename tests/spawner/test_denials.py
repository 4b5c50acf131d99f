import traceback

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genkan_spawner.denials import refusal_of
from genkan_spawner.exceptions import KubernetesError, UnreachableError
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

HEAD = 'pods "jupyter-alice" is forbidden: '
QUOTA = (
    HEAD + "exceeded quota: gpus, requested: requests.nvidia.com/gpu=2, "
    "used: requests.nvidia.com/gpu=3, limited: requests.nvidia.com/gpu=4"
)
KUBERNETES_WORDS = ("is forbidden", "exceeded quota", "namespace x", "admission webhook", "PodSecurity", "violates")


def error(message: str, status: int = 403) -> KubernetesError:
    return KubernetesError.from_status(status, reason="Forbidden", message=message)


@pytest.mark.parametrize(
    ("message", "reason", "status", "words"),
    [
        (QUOTA, Reason.QUOTA, 409, "Your team has 1 GPU left of its share of 4, and this needs 2."),
        (HEAD + "exceeded quota: gpus, requested: pods", Reason.QUOTA, 409, "Your team's share does not suffice"),
        (
            HEAD + "exceeded quota: q, requested: cpu=lots, used: cpu=0, limited: cpu=1",
            Reason.QUOTA,
            409,
            "Your team's share does not suffice",
        ),
        (HEAD + "failed quota: q: must specify limits.memory for: notebook", Reason.QUOTA, 409, "does not name"),
        (HEAD + "no PriorityClass with name nope was found", Reason.PRIORITY, 409, "The priority nope does not exist"),
        (HEAD + 'violates PodSecurity "restricted:latest": runAsNonRoot', Reason.UNAVAILABLE, 503, "security rules"),
        (
            HEAD + "maximum memory usage per Container is 32Gi, but limit is 64Gi",
            Reason.QUOTA,
            409,
            "One server may have at most 32 GB of memory here, and this asks for 64 GB.",
        ),
        (
            HEAD + "minimum cpu usage per Container is 50m, but request is 10m",
            Reason.QUOTA,
            409,
            "One server must have at least 0.05 CPU cores here, and this asks for 0.01.",
        ),
        (
            HEAD + "maximum memory usage per Pod is 1.5Gi.  No limit is specified",
            Reason.QUOTA,
            409,
            "One server may have at most 1.5 GB of memory here, and this hardware does not say how much it may take.",
        ),
        (
            HEAD + "maximum cpu usage per Container is many, but limit is 2",
            Reason.QUOTA,
            409,
            "outside of what one server may have",
        ),
        (
            HEAD + "memory max limit to request ratio per Container is 2, but provided ratio is 4",
            Reason.QUOTA,
            409,
            "outside of what one server may have",
        ),
        (
            HEAD + "error looking up service account team/robot: not found",
            Reason.UNAVAILABLE,
            503,
            "The account that servers run with does not exist.",
        ),
        (HEAD + "because it is being terminated", Reason.UNAVAILABLE, 503, "does not exist"),
        (
            'admission webhook "policy.example.org" denied the request: no',
            Reason.UNAVAILABLE,
            503,
            "A rule of the cluster",
        ),
        (
            'pods is forbidden: User "system:serviceaccount:genkan:hub" cannot create resource "pods"',
            Reason.UNAVAILABLE,
            503,
            "The hub may not start servers there.",
        ),
        (HEAD + "status unknown for quota: q, resources: pods", Reason.UNAVAILABLE, 503, "Try again in a minute."),
        ("what no version has said yet", Reason.UNAVAILABLE, 503, "The cluster refuses this server."),
    ],
)
def test_each_refusal_of_kubernetes_has_its_reason_and_a_sentence(
    message: str, reason: Reason, status: int, words: str
) -> None:
    refusal = refusal_of(error(message))

    assert (refusal.reason, refusal.status_code) == (reason, status)
    assert words in refusal.jupyterhub_message
    assert refusal.jupyterhub_message.endswith(".")
    assert not any(word in refusal.jupyterhub_message for word in KUBERNETES_WORDS)
    assert message in str(refusal)


@pytest.mark.parametrize("failure", [error("x", 429), error("x", 500), error("x", 503), UnreachableError("x")])
def test_a_cluster_that_does_not_answer_is_nobodys_fault(failure: KubernetesError) -> None:
    refusal = refusal_of(failure)

    assert (refusal.reason, refusal.status_code) == (Reason.UNAVAILABLE, 503)
    assert refusal.jupyterhub_message == "The cluster does not answer at the moment. Try again in a minute."


@pytest.mark.parametrize(
    ("message", "status", "words"),
    [
        ('namespaces "nons" not found', 404, "The place where your team's servers run does not exist."),
        ('Pod "t" is invalid: spec.containers[0].image: Required value', 422, "does not accept this server"),
    ],
)
def test_what_is_no_403_is_told_too(message: str, status: int, words: str) -> None:
    refusal = refusal_of(error(message, status))

    assert refusal.reason == Reason.UNAVAILABLE
    assert words in refusal.jupyterhub_message


def test_the_numbers_of_a_quota_are_kept_and_its_name_is_not_told() -> None:
    verdict = refusal_of(error(QUOTA)).verdict

    assert verdict is not None
    (finding,) = verdict.findings
    assert (finding.resource, finding.requested, finding.used, finding.limit, finding.over_by, finding.quota) == (
        "requests.nvidia.com/gpu",
        "2",
        "3",
        "4",
        "1",
        "gpus",
    )
    assert "gpus" not in refusal_of(error(QUOTA)).jupyterhub_message


def test_the_numbers_of_several_limits_are_kept() -> None:
    message = (
        HEAD + "[minimum cpu usage per Container is 2, but request is 1, "
        "maximum memory usage per Container is 32Gi, but limit is 64Gi]"
    )

    verdict = refusal_of(error(message)).verdict

    assert verdict is not None
    assert [(row.resource, row.requested, row.limit, row.over_by, row.ever) for row in verdict.findings] == [
        ("cpu", "1", "2", None, False),
        ("memory", "64Gi", "32Gi", "32Gi", False),
    ]


@given(st.text(), st.sampled_from([400, 403, 404, 409, 422, 429, 500]))
@example("exceeded quota: q, requested: =,, used: , limited: ,", 403)
@example("exceeded quota: q, requested: cpu=1e999999, used: cpu=-1, limited: cpu=x", 403)
@example("maximum cpu usage per Pod is 1e999999, but limit is -1", 403)
@example("%s %d admission webhook %(x)s", 403)
def test_any_text_becomes_a_written_sentence(text: str, status: int) -> None:
    message = f"SECRET{text}SECRET"
    refusal = refusal_of(error(message, status))

    assert "SECRET" not in refusal.jupyterhub_message
    assert refusal.jupyterhub_message[0].isupper()
    assert refusal.jupyterhub_message.endswith(".")
    assert refusal.reason in set(Reason)


SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "quoted",
    [
        f'{{"name":"JUPYTERHUB_API_TOKEN","value":"{SECRET}"}}',
        f"{{JUPYTERHUB_API_TOKEN {SECRET} nil}}",
        f"- name: JUPYTERHUB_API_TOKEN\n  value: {SECRET}\n",
    ],
)
@pytest.mark.parametrize(
    "message",
    [
        'admission webhook "policy.example.org" denied the request: ',
        "what no version has said yet: ",
        QUOTA + ", ",
        HEAD + "maximum memory usage per Container is 32Gi, but limit is 64Gi, ",
    ],
)
def test_a_manifest_that_a_denial_quotes_leaves_no_token_in_the_log(message: str, quoted: str) -> None:
    failure = error(message + quoted)
    try:
        raise refusal_of(failure) from failure
    except Refusal as refusal:
        logged = f"{refusal} {refusal.log_message} {''.join(traceback.format_exception(refusal))}"

    assert SECRET not in logged
    assert message.strip(", :") in logged
