import pytest

from genkan_spawner.admission import Denial, QuotaExcess, denial_of, excesses_of, priority_class_of
from genkan_spawner.exceptions import KubernetesError


def refused(message: str, *, status: int = 403) -> KubernetesError:
    return KubernetesError.from_status(status, reason="Forbidden", message=message)


@pytest.mark.parametrize(
    ("message", "denial"),
    [
        (
            "exceeded quota: gpus, requested: pods=5, used: pods=0, limited: pods=4",
            Denial.QUOTA_EXCEEDED,
        ),
        ('pods "t" is forbidden: failed quota: q: must specify limits.memory for: notebook', Denial.QUOTA_NOT_MET),
        ('pods "t" is forbidden: no PriorityClass with name nope was found', Denial.PRIORITY_CLASS),
        (
            'pods "t" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
            Denial.POD_SECURITY,
        ),
        ('pods "t" is forbidden: maximum memory usage per Container is 32Gi, but limit is 64Gi', Denial.LIMIT_RANGE),
        ('pods "t" is forbidden: minimum cpu usage per Container is 50m, but request is 10m', Denial.LIMIT_RANGE),
        ('namespaces "nons" not found', Denial.NAMESPACE),
        (
            'pods "t" is forbidden: unable to create new content in namespace x because it is being terminated',
            Denial.NAMESPACE,
        ),
        ('admission webhook "policy.example.org" denied the request: no', Denial.WEBHOOK),
        (
            'pods is forbidden: User "system:serviceaccount:genkan:hub" cannot create resource "pods"',
            Denial.RIGHTS,
        ),
        ('Pod "t" is invalid: spec.containers[0].image: Required value', Denial.INVALID),
        ('pods "t" is forbidden: status unknown for quota: q, resources: pods', Denial.BUSY),
        ("something that no version has said yet", Denial.OTHER),
    ],
)
def test_refusals_of_kubernetes_are_told_apart(message: str, denial: Denial) -> None:
    assert denial_of(refused(message)) is denial


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_no_refusal(status: int) -> None:
    assert denial_of(refused("the server is currently unable", status=status)) is Denial.BUSY


def test_every_resource_that_is_short_is_read_with_its_numbers() -> None:
    error = refused(
        'pods "h2" is forbidden: exceeded quota: high-pods, requested: pods=1,requests.cpu=6, '
        "used: pods=1,requests.cpu=4, limited: pods=1,requests.cpu=8"
    )

    assert excesses_of(error) == (
        QuotaExcess("high-pods", "pods", "1", "1", "1"),
        QuotaExcess("high-pods", "requests.cpu", "6", "4", "8"),
    )


def test_what_is_cut_off_is_no_excess() -> None:
    assert excesses_of(refused("exceeded quota: gpus, requested: requests.nvidia.com/gpu=5")) == ()


def test_a_missing_class_is_named() -> None:
    assert priority_class_of(refused('pods "t" is forbidden: no PriorityClass with name nope was found')) == "nope"
    assert priority_class_of(refused("no")) == ""
