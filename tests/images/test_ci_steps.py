"""What the jobs of the pipelines do: their scripts run here, with programs that write down what they were asked."""

import hashlib
import http.server
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from genkan_images.ci import jobs
from genkan_images.ci.jobs import Job, pipelined
from genkan_images.matrix import load_matrix

from .fake_programs import State, install, load, save

ROOT = Path(__file__).parents[2]
IMAGE = next(image for image in pipelined(load_matrix(ROOT / "images/matrix.yaml")) if image.target == "cpu-24-04-r1")
BUILT, OTHER = ("sha256:" + letter * 64 for letter in "bc")
BASE = IMAGE.base.partition("@")[2]
RELEASE, STAGING = "registry.example.org/genkan", "staging.example.org/genkan"
TAG, STABLE = f"{RELEASE}/cpu:24.04-r1", f"{RELEASE}/cpu:stable"

# `genkan images` without what only other commands need, which takes seconds to import.
GENKAN = f"""\
#!/bin/sh
[ "$1" = images ] && shift
exec {sys.executable} -c 'from genkan_images.cli import app; app()' "$@"
"""


@dataclass
class Runner:
    """A machine with a checkout, on which jobs run as a platform has them."""

    folder: Path
    environ: dict[str, str]
    state: Path
    said: str = ""
    results: dict[str, str] = field(default_factory=dict)

    def change(self, **changes: Any) -> None:
        save(self.state, load(self.state) | changes)

    def publish(self, *, base: str = BASE, promoted: bool = False) -> None:
        name = "org.opencontainers.image.base"
        labels = {f"{name}.name": "mirror.example.org:5000/library/ubuntu:24.04", f"{name}.digest": base}
        self.change(tags={TAG: BUILT} | ({STABLE: BUILT} if promoted else {}), labels={BUILT: labels})

    def run(self, job: Job, **changes: str) -> int:
        """Run the scripts of a job, each in a shell of its own, to the first that fails; returns its status."""
        self.said = ""
        for block in job.blocks:
            secrets = {name: f"the {name}" for name in block.secrets}
            done = subprocess.run(
                ["sh", "-e", "-c", block.script],
                cwd=self.folder,
                env=self.environ | job.settings | secrets | changes,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=60,
            )
            self.said += done.stdout
            if done.returncode != 0:
                return done.returncode
        return 0

    @property
    def told(self) -> State:
        return load(self.state)

    @property
    def outputs(self) -> dict[str, str]:
        lines = (self.folder / "build/state.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def calls(self, *words: str) -> list[str]:
        """Return the commands that begin with these words."""
        lines = [" ".join([call["program"], *call["arguments"]]) for call in self.told["calls"]]
        return [line for line in lines if line.startswith(" ".join(words))]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    folder = tmp_path / "checkout"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "tools").mkdir()
    (folder / "images").symlink_to(ROOT / "images")
    (folder / "tools/environment").write_text("#!/bin/sh\n")
    (folder / "tools/environment").chmod(0o755)
    environ = install(tmp_path / "bin", tmp_path / "state.json")
    (folder / ".venv/bin/genkan").write_text(GENKAN)
    (folder / ".venv/bin/genkan").chmod(0o755)
    (folder / ".venv/bin/python").symlink_to(tmp_path / "bin/python-of-checkout")
    sums = {
        f"{name.upper()}_SHA256": hashlib.sha256((tmp_path / "bin" / name).read_bytes()).hexdigest()
        for name in ("cosign", "syft", "trivy")
    }
    return Runner(
        folder,
        {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "REGISTRY": RELEASE,
            "STAGING_REGISTRY": STAGING,
            "NVIDIA_REGISTRY": "mirror.example.org:5000",
            "LIBRARY_REGISTRY": "mirror.example.org:5000",
            "RUN": "17",
            "POLL_SECONDS": "0",
            **environ,
            **IMAGE.environ,
            **sums,
        },
        tmp_path / "state.json",
    )


def use_gates_that(runner: Runner, *, fail: str = "") -> None:
    """Put a command in the place of ours that passes, or fails for one gate."""
    program = runner.folder / ".venv/bin/genkan"
    program.unlink()
    program.symlink_to(Path(runner.environ["PATH"].partition(":")[0]) / "genkan-of-checkout")
    if fail:
        runner.change(failing={f"genkan-of-checkout images gate {fail}": f"{fail}: kept back."})


# Build.


def test_what_is_not_there_is_built_tested_and_pushed_to_staging(runner: Runner) -> None:
    assert runner.run(jobs.BUILD) == 0, runner.said

    (build,) = runner.calls("buildah build")
    assert f"--tag {STAGING}/cpu:24.04-r1 " in build
    assert f"BASE_IMAGE=mirror.example.org:5000/library/ubuntu:24.04@{BASE}" in build
    assert runner.calls("python-of-checkout") == ["python-of-checkout -m pytest tests/images/test_built.py"]
    (push,) = runner.calls("buildah push")
    assert push.endswith(f"{STAGING}/cpu:24.04-r1 docker://{STAGING}/cpu:24.04-r1-17")
    assert runner.outputs == {"FRESH": "true", "PROMOTED": "false", "DIGEST": BUILT}


def test_what_fails_its_tests_is_not_pushed(runner: Runner) -> None:
    runner.change(failing={"python-of-checkout -m pytest": "1 failed"})

    assert runner.run(jobs.BUILD) == 1
    assert runner.calls("buildah push") == []


@pytest.mark.parametrize("promoted", [False, True])
def test_what_is_there_is_not_built_again(runner: Runner, promoted: bool) -> None:
    runner.publish(promoted=promoted)

    assert runner.run(jobs.BUILD) == 0, runner.said

    assert runner.calls("buildah") == []
    assert runner.outputs == {"FRESH": "false", "PROMOTED": str(promoted).lower(), "DIGEST": BUILT}


def test_a_new_base_asks_for_a_new_revision(runner: Runner) -> None:
    runner.publish(base=OTHER)

    assert runner.run(jobs.BUILD) == 1
    assert "cpu:24.04-r1 is there already, on another base; raise its revision." in runner.said
    assert runner.calls("buildah") == []


def test_a_registry_that_does_not_answer_is_not_an_empty_one(runner: Runner) -> None:
    runner.change(failing={"skopeo inspect": "dial tcp: lookup registry.example.org: no such host"})

    assert runner.run(jobs.BUILD) == 1
    assert f"{TAG} cannot be looked up: dial tcp" in runner.said
    assert runner.calls("buildah") == []


def test_passwords_are_on_no_command_line(runner: Runner) -> None:
    assert runner.run(jobs.BUILD) == 0

    assert [line for line in runner.calls() if "PASSWORD" in line] == []
    assert len(runner.calls("skopeo login")) == 3
    assert stat.S_IMODE((runner.folder / "build/login").stat().st_mode) == 0o700


# Scan.


def test_scanners_are_given_no_secret(runner: Runner) -> None:
    use_gates_that(runner)
    assert runner.run(jobs.SCAN, DIGEST=BUILT) == 0, runner.said

    scans = [call for call in runner.told["calls"] if call["program"] in {"trivy", "syft"}]
    assert [call["secrets"] for call in scans] == [[]] * 4
    assert not (runner.folder / "build/login").exists()
    assert runner.calls("skopeo copy") == [
        f"skopeo copy --quiet docker://{STAGING}/cpu@{BUILT} oci:build/image",
        f"skopeo copy --quiet docker://mirror.example.org:5000/library/ubuntu@{BASE} oci:build/base",
    ]
    assert sorted(path.name for path in (runner.folder / "build/reports").iterdir()) == [
        "base.json",
        "image.json",
        "sbom.json",
        "secrets.json",
    ]


def test_secrets_of_the_whole_job_are_taken_from_scanners_too(runner: Runner) -> None:
    """GitLab gives all variables to all scripts of a job."""
    use_gates_that(runner)

    assert runner.run(jobs.SCAN, DIGEST=BUILT, REGISTRY_PASSWORD="x", NVIDIA_REGISTRY_PASSWORD="y") == 0, runner.said

    scans = [call for call in runner.told["calls"] if call["program"] in {"trivy", "syft"}]
    assert [call["secrets"] for call in scans] == [[]] * 4


@pytest.mark.parametrize("program", ["TRIVY", "SYFT"])
@pytest.mark.parametrize("wrong", ["0" * 64, ""], ids=["another", "unset"])
def test_a_scanner_that_was_not_chosen_is_not_started(runner: Runner, program: str, wrong: str) -> None:
    assert runner.run(jobs.SCAN, **{"DIGEST": BUILT, f"{program}_SHA256": wrong}) != 0
    assert runner.calls("trivy") == runner.calls("syft") == []


@pytest.mark.parametrize("gate", ["vulnerabilities", "secrets", "size", "licences", "sbom"])
def test_every_gate_is_asked_and_one_is_enough_to_keep_an_image_back(runner: Runner, gate: str) -> None:
    use_gates_that(runner, fail=gate)

    assert runner.run(jobs.SCAN, DIGEST=BUILT) == 1
    assert f"{gate}: kept back." in runner.said
    assert len(runner.calls("genkan-of-checkout images gate")) == 5


def test_without_reports_every_gate_of_ours_is_shut(runner: Runner) -> None:
    assert runner.run(jobs.SCAN, DIGEST=BUILT) == 1
    for gate in ("vulnerabilities", "secrets", "size", "sbom"):
        assert f"{gate}: kept back." in runner.said


# Publish.


def test_what_passed_is_published_by_its_digest_signed_and_attested(runner: Runner) -> None:
    options = "--key env://COSIGN_PRIVATE_KEY --signing-config images/signing.json"

    assert runner.run(jobs.PUBLISH, DIGEST=BUILT, COSIGN_SIGN_OPTIONS=options) == 0, runner.said

    assert runner.told["tags"] == {TAG: BUILT}
    assert "--preserve-digests" in runner.calls("skopeo copy")[0]
    assert runner.calls("cosign") == [
        f"cosign sign --yes {options} {RELEASE}/cpu@{BUILT}",
        f"cosign attest --yes {options} --type cyclonedx --predicate build/reports/sbom.json {RELEASE}/cpu@{BUILT}",
    ]


def test_a_tag_is_never_pushed_twice(runner: Runner) -> None:
    runner.publish()

    assert runner.run(jobs.PUBLISH, DIGEST=OTHER) == 1
    assert "is there already, with another content; raise its revision." in runner.said
    assert runner.told["tags"] == {TAG: BUILT}
    assert runner.calls("cosign") == []


def test_a_job_that_was_ended_in_the_middle_can_be_run_again(runner: Runner) -> None:
    runner.publish()

    assert runner.run(jobs.PUBLISH, DIGEST=BUILT) == 0, runner.said
    assert len(runner.calls("cosign sign")) == 1


def test_a_signer_that_was_not_chosen_is_not_started(runner: Runner) -> None:
    assert runner.run(jobs.PUBLISH, DIGEST=BUILT, COSIGN_SHA256="0" * 64) == 1
    assert runner.told["tags"] == {}


# Smoke test.


@pytest.mark.parametrize(("last", "status"), [("SuccessCriteriaMet Complete", 0), ("FailureTarget Failed", 1)])
def test_the_end_of_the_job_on_the_cluster_is_waited_for(runner: Runner, last: str, status: int) -> None:
    runner.change(conditions=["", last.partition(" ")[0], last])

    assert runner.run(jobs.SMOKE_TEST, DIGEST=BUILT) == status, runner.said

    assert len(runner.calls("kubectl get")) == 3
    assert "The words of the pod." in runner.said
    assert runner.calls()[-1] == "kubectl delete --wait=false job.batch/genkan-try"
    manifest = json.loads((runner.folder / "build/job.json").read_text())
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{RELEASE}/cpu@{BUILT}"
    assert "command" not in container


@pytest.mark.parametrize("as_file", [False, True], ids=["github", "gitlab"])
def test_the_way_to_the_cluster_is_for_this_job_alone(runner: Runner, as_file: bool) -> None:
    given = "apiVersion: v1"
    if as_file:
        (runner.folder / "given").write_text(f"{given}\n")
        given = str(runner.folder / "given")
    runner.change(conditions=["Complete"])

    assert runner.run(jobs.SMOKE_TEST, DIGEST=BUILT, SMOKE_TEST_KUBECONFIG=given) == 0, runner.said

    file = runner.folder / "build/kubeconfig"
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("apiVersion: v1\n", 0o600)


def test_options_of_the_site_reach_the_job(runner: Runner) -> None:
    runner.change(conditions=["Complete"])

    assert runner.run(jobs.SMOKE_TEST, DIGEST=BUILT, SMOKE_TEST_OPTIONS="--node-selector pool=old") == 0, runner.said

    manifest = json.loads((runner.folder / "build/job.json").read_text())
    assert manifest["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "old"}


# Promotion.


def test_what_is_signed_is_promoted_by_its_digest(runner: Runner) -> None:
    runner.publish()

    assert runner.run(jobs.PROMOTE, DIGEST=BUILT, COSIGN_VERIFY_OPTIONS="--key cosign.pub") == 0, runner.said

    assert runner.told["tags"] == {TAG: BUILT, STABLE: BUILT}
    assert runner.calls("cosign") == [f"cosign verify --key cosign.pub --output text {RELEASE}/cpu@{BUILT}"]


def test_what_is_not_signed_is_not_promoted(runner: Runner) -> None:
    runner.publish()
    runner.change(failing={"cosign verify": "Error: no signatures found"})

    assert runner.run(jobs.PROMOTE, DIGEST=BUILT) == 1
    assert runner.told["tags"] == {TAG: BUILT}


def test_the_catalogue_names_the_digests_of_what_is_published(runner: Runner) -> None:
    runner.publish()
    names = "pytorch-26-08-r1=pytorch:26.08-r1\ncpu-24-04-r1=cpu:24.04-r1\n"

    assert runner.run(jobs.CATALOGUE, IMAGES=names) == 0, runner.said

    written = yaml.safe_load((runner.folder / "build/catalogue/images.yaml").read_text())["images"]
    images = {row["slug"]: row["image"] for row in written}
    assert images["cpu"] == f"{TAG}@{BUILT}"
    assert images["pytorch"] == f"{RELEASE}/pytorch:26.08-r1"


# The night.


def test_what_is_offered_is_compared_with_the_base_it_was_built_on(runner: Runner) -> None:
    runner.publish(promoted=True, base=OTHER)
    use_gates_that(runner)

    assert runner.run(jobs.RESCAN) == 0, runner.said

    assert runner.calls("skopeo copy") == [
        f"skopeo copy --quiet docker://{RELEASE}/cpu@{BUILT} oci:build/image",
        f"skopeo copy --quiet docker://mirror.example.org:5000/library/ubuntu@{OTHER} oci:build/base",
    ]
    assert list((runner.folder / "build/findings").iterdir()) == []


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ("genkan-of-checkout images gate", "vulnerabilities: kept back."),
        ("trivy image", "FATAL: the database of weaknesses cannot be fetched"),
    ],
)
def test_a_night_without_a_pass_leaves_a_finding(runner: Runner, failing: str, sentence: str) -> None:
    runner.publish(promoted=True)
    use_gates_that(runner)
    runner.change(failing={failing: sentence})

    assert runner.run(jobs.RESCAN) != 0

    text = (runner.folder / "build/findings/cpu-stable.txt").read_text()
    assert text == f"cpu:stable {BUILT}\n\n{sentence}\n"


def test_what_was_never_promoted_is_not_scanned(runner: Runner) -> None:
    runner.publish()

    assert runner.run(jobs.RESCAN) == 0, runner.said
    assert "cpu:stable was never promoted." in runner.said
    assert runner.calls("trivy") == []


def test_a_night_without_a_registry_fails(runner: Runner) -> None:
    runner.change(failing={"skopeo inspect": "503 Service Unavailable"})

    assert runner.run(jobs.RESCAN) == 1


def finding(runner: Runner) -> None:
    folder = runner.folder / "build/findings"
    folder.mkdir(parents=True)
    (folder / "cpu-stable.txt").write_text("vulnerabilities: kept back.\n")


@pytest.mark.parametrize("number", ["", "7"], ids=["new", "known"])
def test_a_finding_is_one_issue_on_github(runner: Runner, number: str) -> None:
    finding(runner)
    runner.change(issue=number)

    assert runner.run(jobs.report("report-github")) == 0, runner.said

    assert [line.split()[2] for line in runner.calls("gh issue")] == ["list", "edit" if number else "create"]
    assert runner.told["body"] == "```\nvulnerabilities: kept back.\n\n```\n"


def test_a_night_without_findings_opens_nothing(runner: Runner) -> None:
    (runner.folder / "build/findings").mkdir(parents=True)

    assert runner.run(jobs.report("report-github")) == 0, runner.said
    assert runner.calls("gh issue") == []


@pytest.fixture
def issues() -> Iterator[tuple[str, list[dict[str, Any]], list[tuple[str, str]]]]:
    """GitLab's issues, as far as the report asks for them: its address, the issues, and the requests."""
    rows: list[dict[str, Any]] = [{"iid": 3, "title": "Something else"}]
    requests: list[tuple[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            requests.append((self.command, self.path))
            allowed = self.headers["PRIVATE-TOKEN"] == "the token"
            said = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if allowed and self.command == "POST":
                rows.append({"iid": 4, "title": parse_qs(said)["title"][0], "text": parse_qs(said)["description"][0]})
            if allowed and self.command == "PUT":
                number = int(urlsplit(self.path).path.rpartition("/")[2])
                row = next(row for row in rows if row["iid"] == number)
                row["text"] = parse_qs(said)["description"][0]
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(json.dumps(rows).encode())

        do_GET = do_POST = do_PUT = answer  # noqa: N815  # the names of http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the same
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", rows, requests
        server.shutdown()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on PATH")
def test_a_finding_is_one_issue_on_gitlab(
    runner: Runner, issues: tuple[str, list[dict[str, Any]], list[tuple[str, str]]]
) -> None:
    url, rows, requests = issues
    finding(runner)
    (Path(runner.environ["PATH"].partition(":")[0]) / "curl").unlink()
    variables = {"CI_API_V4_URL": url, "CI_PROJECT_ID": "12", "ISSUE_TOKEN": "the token"}
    for text in ("first\n", "second\n"):
        (runner.folder / "build/findings/cpu-stable.txt").write_text(text)
        assert runner.run(jobs.report("report-gitlab"), **variables) == 0, runner.said

    assert [method for method, _ in requests] == ["GET", "POST", "GET", "PUT"]
    assert [row["title"] for row in rows] == ["Something else", "The nightly scan keeps cpu-stable back"]
    assert rows[1]["text"] == "```\nsecond\n\n```\n"
    assert not (runner.folder / "build/curl").exists()
    assert runner.run(jobs.report("report-gitlab"), **(variables | {"ISSUE_TOKEN": "another"})) != 0
