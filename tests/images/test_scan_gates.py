"""Gates on what Trivy says.

`reports/trivy-secrets.json` was recorded from the build of Trivy that cdxgen-plugins 1.8.0 carries, on an image of two
layers, with a key that was made up. In `trivy-base.json` and `trivy-image.json` the metadata and the packages were
recorded alike; the weaknesses are made up, in the format of Trivy 0.73.
"""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_images.exceptions import ReportError
from genkan_images.gates.exploited import known_exploited
from genkan_images.gates.ignored import Exceptions, Ignored
from genkan_images.gates.outcome import Outcome
from genkan_images.gates.secrets import judge_secrets
from genkan_images.gates.trivy import Report, read_report
from genkan_images.gates.vulnerabilities import judge_vulnerabilities

REPORTS = Path(__file__).with_name("reports")
TODAY = date(2026, 11, 23)
METADATA = "opt/jupyter/lib/python3.12/site-packages/tornado-6.4.dist-info/METADATA"
OURS = f"CVE-2026-2001: tornado 6.4 in {METADATA} comes from our layers, and it is critical; 6.4.2 has it mended."


def recorded(name: str) -> Any:
    return json.loads((REPORTS / f"{name}.json").read_text())


def report(name: str, change: Callable[[Any], None] = lambda _: None) -> Report:
    data = recorded(name)
    change(data)
    return read_report(json.dumps(data), source=name)


def exceptions(*rows: dict[str, str]) -> Exceptions:
    parsed = [Ignored.model_validate_json(json.dumps({"reason": "Not reachable here."} | row)) for row in rows]
    return Exceptions(parsed, today=TODAY)


def judged(image: Report, base: Report, *rows: dict[str, str], exploited: frozenset[str] = frozenset()) -> Outcome:
    return judge_vulnerabilities(image, base, exceptions=exceptions(*rows), exploited=exploited)


def python_rows(data: Any) -> Any:
    return data["Results"][1]["Vulnerabilities"]


def test_what_our_layers_add_and_could_do_without_keeps_an_image_back() -> None:
    outcome = judged(report("trivy-image"), report("trivy-base"))

    assert outcome.failures == (OURS,)
    assert outcome.notes == (
        "Known weaknesses: 3 of the base, 3 of ours.",
        "Our layers add 1 critical without a mended version; they wait for one.",
    )


def test_an_image_that_adds_nothing_passes() -> None:
    outcome = judged(report("trivy-image", lambda data: python_rows(data).clear()), report("trivy-base"))

    assert outcome == Outcome(notes=("Known weaknesses: 3 of the base, 0 of ours.",))


def test_the_same_package_in_another_place_is_ours() -> None:
    """A copy of what the base has is one more that somebody must mend."""

    def base_has_it_too(data: Any) -> None:
        row = dict(python_rows(recorded("trivy-image"))[0], PkgPath="usr/lib/python3/dist-packages/tornado/METADATA")
        data["Results"].append(
            {"Target": "Python", "Class": "lang-pkgs", "Type": "python-pkg", "Vulnerabilities": [row]}
        )

    assert judged(report("trivy-image"), report("trivy-base", base_has_it_too)).failures == (OURS,)


def test_a_package_of_the_base_that_our_layers_changed_is_ours() -> None:
    def older(data: Any) -> None:
        data["Results"][0]["Vulnerabilities"][0]["InstalledVersion"] = "2.36-8"

    (first, _) = judged(report("trivy-image"), report("trivy-base", older)).failures

    assert first == (
        "CVE-2026-1001: libc6 2.36-9 comes from our layers, and it is critical; 2.36-9+deb12u7 has it mended."
    )


def test_a_mended_status_without_a_version_counts() -> None:
    def unnamed(data: Any) -> None:
        del python_rows(data)[0]["FixedVersion"]

    assert judged(report("trivy-image", unnamed), report("trivy-base")).failures == (
        f"CVE-2026-2001: tornado 6.4 in {METADATA} comes from our layers, and it is critical.",
    )


@pytest.mark.parametrize("where", ["", "tornado"])
def test_an_exception_lets_it_pass_until_its_day(where: str) -> None:
    row = {"id": "CVE-2026-2001", "where": where}
    reports = report("trivy-image"), report("trivy-base")

    assert judged(*reports, row | {"expires": "2026-11-23"}).failures == ()
    named = "CVE-2026-2001 in tornado" if where else "CVE-2026-2001"
    assert judged(*reports, row | {"expires": "2026-11-22"}).failures == (
        OURS,
        f"The exception for {named} ended on 2026-11-22; take it out, or look again and give it a new day.",
    )


def test_an_exception_for_another_package_helps_nothing_and_is_told() -> None:
    row = {"id": "CVE-2026-2001", "where": "jinja2", "expires": "2027-01-31"}
    outcome = judged(report("trivy-image"), report("trivy-base"), row)

    assert outcome.failures == (OURS,)
    assert outcome.notes[-1] == "The exception for CVE-2026-2001 in jinja2 is no longer needed."


@pytest.mark.parametrize(
    ("used", "sentence"),
    [
        ("CVE-2026-1003", "CVE-2026-1003: libc6 2.36-9 comes from the base, and attackers are known to use it."),
        (
            "CVE-2026-2002",
            f"CVE-2026-2002: tornado 6.4 in {METADATA} comes from our layers, and attackers are known to use it; 6.5",
        ),
    ],
)
def test_what_attackers_use_keeps_an_image_back_wherever_it_is_from(used: str, sentence: str) -> None:
    outcome = judged(report("trivy-image"), report("trivy-base"), exploited=frozenset({used}))

    assert any(failure.startswith(sentence) for failure in outcome.failures)


def without_system(data: Any) -> None:
    del data["Metadata"]["OS"]


def without_packages(data: Any) -> None:
    del data["Results"][0]


def without_results(data: Any) -> None:
    del data["Results"]


@pytest.mark.parametrize("change", [without_system, without_packages, without_results])
@pytest.mark.parametrize("name", ["image", "base"])
def test_a_report_on_nothing_keeps_the_gate_shut(name: str, change: Callable[[Any], None]) -> None:
    image, base = (report(f"trivy-{which}", change if which == name else lambda _: None) for which in ("image", "base"))

    with pytest.raises(ReportError, match=f"^The {name}'s report says nothing of the distribution's packages: "):
        judged(image, base)


def test_a_report_without_our_packages_keeps_the_gate_shut() -> None:
    with pytest.raises(ReportError, match=r"^The image's report says nothing of Python's packages, "):
        judged(report("trivy-image", lambda data: data["Results"].pop()), report("trivy-base"))


def test_a_report_on_packages_says_nothing_of_secrets() -> None:
    with pytest.raises(ReportError, match=r"is not on secrets alone; scan with `--scanners secret`\.$"):
        judge_secrets(report("trivy-image"), base_layers=base_layers(), exceptions=exceptions())


def test_a_report_that_found_no_secret_passes() -> None:
    """Trivy leaves the results out where there are none."""
    clean = report("trivy-secrets", without_results)

    assert judge_secrets(clean, base_layers=base_layers(), exceptions=exceptions()) == Outcome()


def of_another_base(data: Any) -> None:
    data["Metadata"]["DiffIDs"] = ["sha256:" + "0" * 64]


@pytest.mark.parametrize(
    ("image", "base"),
    [
        (report("trivy-image"), report("trivy-base", of_another_base)),
        (report("trivy-image"), report("trivy-image")),
        (report("trivy-base"), report("trivy-image")),
    ],
    ids=["another base", "the image itself", "the wrong way round"],
)
def test_a_report_of_another_base_keeps_the_gate_shut(image: Report, base: Report) -> None:
    with pytest.raises(ReportError, match="This image was not built on this base"):
        judged(image, base)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "r is no report of Trivy on an image."),
        ("[]", "r is no report of Trivy on an image."),
        ('{"SchemaVersion": 1}', "r is no report of Trivy on an image (see SchemaVersion)."),
        (
            '{"SchemaVersion": 2, "ArtifactType": "filesystem", "Metadata": {}}',
            "r is no report of Trivy on an image (see ArtifactType).",
        ),
        (
            '{"SchemaVersion": 2, "ArtifactType": "container_image", "Metadata": {}}',
            "r names no layers, so nobody can tell ours from the base's.",
        ),
    ],
)
def test_something_else_than_a_report_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ReportError) as caught:
        read_report(text, source="r")

    assert str(caught.value) == sentence


def base_layers() -> tuple[str, ...]:
    return report("trivy-base").metadata.diff_ids


def test_a_secret_in_our_layers_keeps_an_image_back() -> None:
    outcome = judge_secrets(report("trivy-secrets"), base_layers=base_layers(), exceptions=exceptions())

    assert outcome.failures == (
        "/home/jovyan/.aws/credentials:2: This looks like a secret (AWS Access Key ID, aws-access-key-id).",
        "/home/jovyan/.aws/credentials:3: This looks like a secret (AWS Secret Access Key, aws-secret-access-key).",
    )


def test_a_secret_of_the_base_is_its_publishers() -> None:
    def theirs(data: Any) -> None:
        data["Results"][0]["Secrets"][0]["Layer"]["DiffID"] = base_layers()[0]

    outcome = judge_secrets(report("trivy-secrets", theirs), base_layers=base_layers(), exceptions=exceptions())

    assert len(outcome.failures) == 1
    assert outcome.notes == ("The base has 1 of what looks like secrets; they are its publisher's.",)


def test_a_secret_that_is_in_no_layer_counts_as_ours() -> None:
    def nowhere(data: Any) -> None:
        del data["Results"][0]["Secrets"][0]["Layer"]

    outcome = judge_secrets(report("trivy-secrets", nowhere), base_layers=base_layers(), exceptions=exceptions())

    assert len(outcome.failures) == 2


def test_an_exception_lets_one_secret_of_one_file_pass() -> None:
    row = {"id": "aws-access-key-id", "where": "/home/jovyan/.aws/credentials", "expires": "2027-01-31"}
    outcome = judge_secrets(report("trivy-secrets"), base_layers=base_layers(), exceptions=exceptions(row))

    assert [sentence.partition(" ")[0] for sentence in outcome.failures] == ["/home/jovyan/.aws/credentials:3:"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"vulnerabilities": [{}]}', '{"vulnerabilities": []}'])
def test_a_list_of_nothing_is_no_list_of_what_attackers_use(text: str) -> None:
    with pytest.raises(ReportError, match=r"^The list of what attackers use is "):
        known_exploited(text)


def test_what_attackers_use_is_read_from_cisas_catalogue() -> None:
    text = json.dumps({"catalogVersion": "2026.11.20", "count": 1, "vulnerabilities": [{"cveID": "CVE-2026-1003"}]})

    assert known_exploited(text) == {"CVE-2026-1003"}


@pytest.fixture
def ignored(tmp_path: Path) -> Path:
    file = tmp_path / "ignored.yaml"
    file.write_text("vulnerabilities: []\nsecrets: []\n")
    return file


def gate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["images", "gate", *map(str, arguments)])


def test_the_commands_judge_recorded_reports(ignored: Path) -> None:
    base = REPORTS / "trivy-base.json"

    found = gate("vulnerabilities", REPORTS / "trivy-image.json", base, "--ignored", ignored)
    secret = gate("secrets", REPORTS / "trivy-secrets.json", base, "--ignored", ignored)

    assert (found.exit_code, secret.exit_code) == (1, 1)
    assert found.stderr.startswith(f"vulnerabilities: {OURS}\n")
    assert found.stderr.endswith("vulnerabilities: kept back.\n")
    assert "secrets: /home/jovyan/.aws/credentials:2: This looks like a secret" in secret.stderr


def test_an_exception_in_the_list_opens_the_gate(ignored: Path) -> None:
    ignored.write_text(
        "vulnerabilities: [{id: CVE-2026-2001, where: tornado, reason: Looked at., expires: 2026-12-31}]\n"
    )
    arguments = ("vulnerabilities", REPORTS / "trivy-image.json", REPORTS / "trivy-base.json", "--ignored", ignored)

    assert gate(*arguments, "--today", "2026-12-31").exit_code == 0
    assert gate(*arguments, "--today", "2027-01-01").exit_code == 1


def test_a_broken_list_keeps_the_gate_shut_and_names_the_place(ignored: Path) -> None:
    ignored.write_text("vulnerabilities: [{id: CVE-2026-2001, reason: Why not., expires: someday}]\n")

    result = gate("vulnerabilities", REPORTS / "trivy-image.json", REPORTS / "trivy-base.json", "--ignored", ignored)

    assert result.exit_code == 1
    assert f"vulnerabilities: {ignored}:1:" in result.stderr
    assert "vulnerabilities[0].expires" in result.stderr


@pytest.mark.parametrize("command", ["vulnerabilities", "secrets"])
def test_a_scanner_that_is_not_installed_keeps_the_gate_shut(
    command: str, ignored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    result = gate(command, tmp_path / "image", REPORTS / "trivy-base.json", "--ignored", ignored)

    assert result.exit_code == 1
    assert result.stderr == (
        f"{command}: trivy is not installed, or not on PATH, so nothing was looked at.\n{command}: kept back.\n"
    )


@pytest.fixture
def trivy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A scanner of our own on PATH that does what a test says."""

    def install(script: str) -> None:
        program = tmp_path / "bin/trivy"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return install


def test_an_image_is_given_to_the_scanner(trivy: Callable[[str], None], ignored: Path, tmp_path: Path) -> None:
    trivy(f'echo "$@" >> {tmp_path}/calls\nfor last; do :; done\ncat "{REPORTS}/trivy-${{last##*/}}.json"')

    result = gate("vulnerabilities", tmp_path / "image", tmp_path / "base", "--ignored", ignored)

    assert result.stderr.startswith(f"vulnerabilities: {OURS}\n")
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"image --no-progress --format json --scanners vuln --list-all-pkgs --input {tmp_path / name}"
        for name in ("image", "base")
    ]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            "echo the database cannot be fetched >&2; exit 1",
            "gave no report on {image}: the database cannot be fetched",
        ),
        ("exit 3", "gave no report on {image}: it ended with status 3 and said nothing."),
        ("exit 0", "gave no report on {image}: it ended with status 0 and said nothing."),
        ("echo half a {", None),
    ],
)
def test_a_scanner_that_fails_keeps_the_gate_shut(
    trivy: Callable[[str], None], ignored: Path, script: str, sentence: str | None
) -> None:
    trivy(script)
    image = ignored.with_name("image")

    result = gate("vulnerabilities", image, image, "--ignored", ignored)

    wanted = f"trivy {sentence.format(image=image)}" if sentence else f"{image} is no report of Trivy on an image."
    assert (result.exit_code, result.stderr) == (1, f"vulnerabilities: {wanted}\nvulnerabilities: kept back.\n")
