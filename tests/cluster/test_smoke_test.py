"""The Job that tries an image is one that a namespace with the restricted Pod Security Standard takes."""

from pathlib import Path
from typing import Any

import pytest

from genkan_images.matrix import load_matrix
from genkan_images.smoke import smoke_test_job
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import PODS

from ..support.cluster import IMAGE, Cluster

pytestmark = pytest.mark.cluster

ROWS = {row.target: row for row in load_matrix(Path(__file__).parents[2] / "images/matrix.yaml").images}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


async def admit(cluster: Cluster, template: dict[str, Any]) -> None:
    """Have the API server say what it would say to the pod of a Job."""
    namespace = await cluster.add_namespace(labels=RESTRICTED)
    pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": "try"}}
    await cluster.api.request("POST", PODS.path(namespace=namespace), query={"dryRun": "All"}, body=pod)


@pytest.mark.parametrize("target", ["pytorch-26-08-r1", "cpu-24-04-r1"])
async def test_the_job_and_its_pod_are_admitted(cluster: Cluster, target: str) -> None:
    job = smoke_test_job(ROWS[target], image=f"{IMAGE}@sha256:{'0' * 64}", gpu_resource="nvidia.com/gpu")
    namespace = await cluster.add_namespace(labels=RESTRICTED)

    created = await cluster.api.request(
        "POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", query={"dryRun": "All"}, body=job
    )
    await admit(cluster, job["spec"]["template"])

    assert created["metadata"]["name"].startswith(f"genkan-{target}-")
    assert "command" not in created["spec"]["template"]["spec"]["containers"][0]


async def test_a_job_that_asks_for_more_would_not_be(cluster: Cluster) -> None:
    job = smoke_test_job(ROWS["cpu-24-04-r1"], image=f"{IMAGE}@sha256:{'0' * 64}", gpu_resource="nvidia.com/gpu")
    job["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True

    with pytest.raises(ForbiddenError, match="allowPrivilegeEscalation"):
        await admit(cluster, job["spec"]["template"])
