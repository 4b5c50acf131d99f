"""Workflows for GitHub: one that calls another for each image, and one for the night."""

from collections.abc import Mapping
from typing import Any

from genkan_images.matrix import Matrix

from . import jobs
from .jobs import Block, Job, names_of, offered, pipelined
from .writing import yaml_text

_CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
_UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
_DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"

_FOLDER = ".github/workflows"
_ONE = f"{_FOLDER}/genkan-image.yaml"
_COMMENTS: Mapping[str, str] = {
    _CHECKOUT: "v7.0.1",
    _UPLOAD: "v7.0.0",
    _DOWNLOAD: "v8.0.1",
    # Neither actionlint nor older servers know the other way to write it.
    f"./{_ONE}": "zizmor: ignore[self-repository]",
}
"""What stands behind the name of an action: the version that its hash is of."""

_ON_DEFAULT = "github.ref_name == github.event.repository.default_branch"
_READ = {"contents": "read"}
_PATHS = ["images/**", "requirements/**", "tools/**", f"{_FOLDER}/genkan-image*.yaml"]
_INPUTS = ("target", "flavour", "tag", "channel", "source", "base", "size_budget")


def github_files(matrix: Matrix, *, comment: str) -> dict[str, str]:
    """Return the workflows, by the path where GitHub looks for them."""
    files = {
        f"{_FOLDER}/genkan-images.yaml": _all(matrix),
        _ONE: _one(),
        f"{_FOLDER}/genkan-images-rescan.yaml": _rescan(matrix),
        ".github/actionlint.yaml": _known(),
    }
    return {path: yaml_text(data, comment=comment, comments=_COMMENTS) for path, data in files.items()}


def _all(matrix: Matrix) -> dict[str, Any]:
    """Return the workflow of all images; what other people's branches hold runs on no machine of the site."""
    images = [{key.lower(): value for key, value in image.environ.items()} for image in pipelined(matrix)]
    build = {
        "needs": "check",
        "if": f"${{{{ {_ON_DEFAULT} || github.event_name == 'workflow_dispatch' }}}}",
        "permissions": {"contents": "read", "id-token": "write"},
        "strategy": {"fail-fast": False, "matrix": {"include": images}},
        "uses": f"./{_ONE}",
        "with": {
            **{name: f"${{{{ matrix.{name} }}}}" for name in _INPUTS},
            "release": f"${{{{ {_ON_DEFAULT} }}}}",
        },
        "secrets": {name: f"${{{{ secrets.{name} }}}}" for name in jobs.SECRETS},
    }
    catalogue = _job(
        jobs.CATALOGUE,
        needs="image",
        condition=f"!cancelled() && {_ON_DEFAULT}",
        environ={"IMAGES": names_of(pipelined(matrix))},
        last=[_keep("Keep the catalogue's images", "genkan-catalogue", "build/catalogue")],
    )
    return {
        "name": "Images",
        "on": {"push": {"paths": _PATHS}, "workflow_dispatch": None},
        "permissions": {},
        "defaults": {"run": {"shell": "sh"}},
        "jobs": {"check": _job(jobs.CHECK, environ={"PLATFORM": "github"}), "image": build, "catalogue": catalogue},
    }


def _one() -> dict[str, Any]:
    digest = "${{ needs.build.outputs.digest }}"
    reports = "genkan-reports-${{ inputs.target }}"
    state = {
        "name": "Tell the other jobs",
        "id": "state",
        "run": 'cat build/state.env >>"$GITHUB_OUTPUT"\n',
    }
    build = _job(
        jobs.BUILD,
        environ={"REVISION": "${{ github.sha }}", "RUN": "${{ github.run_id }}-${{ github.run_attempt }}"},
        last=[state],
        outputs={name: f"${{{{ steps.state.outputs.{name.upper()} }}}}" for name in ("digest", "fresh", "promoted")},
    )
    fresh = "needs.build.outputs.fresh == 'true'"
    scan = _job(
        jobs.SCAN,
        needs="build",
        condition=fresh,
        environ={"DIGEST": digest},
        last=[_keep("Keep the reports", reports, "build/reports", condition="!cancelled()")],
    )
    publish = _job(
        jobs.PUBLISH,
        needs=["build", "scan"],
        condition=f"{fresh} && inputs.release",
        environ={"DIGEST": digest},
        permissions={"contents": "read", "id-token": "write"},
        first=[_take("Take the reports", {"name": reports, "path": "build/reports"})],
    )
    waiting = "!cancelled() && !failure() && needs.build.outputs.promoted == 'false' && inputs.release"
    smoke = _job(jobs.SMOKE_TEST, needs=["build", "publish"], condition=waiting, environ={"DIGEST": digest})
    tried = "!cancelled() && needs.smoke-test.result == 'success'"
    promote = _job(jobs.PROMOTE, needs=["build", "smoke-test"], condition=tried, environ={"DIGEST": digest})
    return {
        "name": "Image",
        "on": {
            "workflow_call": {
                "inputs": {
                    **{name: {"required": True, "type": "string"} for name in _INPUTS},
                    "release": {"required": True, "type": "boolean"},
                },
                "secrets": {name: {"required": False} for name in jobs.SECRETS},
            }
        },
        "permissions": {},
        "defaults": {"run": {"shell": "sh"}},
        "env": {name.upper(): f"${{{{ inputs.{name} }}}}" for name in _INPUTS},
        "jobs": {"build": build, "scan": scan, "publish": publish, "smoke-test": smoke, "promote": promote},
    }


def _rescan(matrix: Matrix) -> dict[str, Any]:
    rows = [{"flavour": str(flavour), "channel": str(channel)} for flavour, channel in offered(matrix)]
    finding = "genkan-finding-${{ matrix.flavour }}-${{ matrix.channel }}"
    keep = _keep("Keep the finding", finding, "build/findings", condition="failure()")
    rescan = {
        "strategy": {"fail-fast": False, "matrix": {"include": rows}},
        **_job(
            jobs.RESCAN,
            environ={name.upper(): f"${{{{ matrix.{name} }}}}" for name in ("flavour", "channel")},
            last=[keep],
        ),
    }
    take = _take("Take the findings", {"pattern": "genkan-finding-*", "path": "build/findings", "merge-multiple": True})
    report = _job(
        jobs.report("report-github"),
        needs="rescan",
        condition="!cancelled() && needs.rescan.result == 'failure'",
        environ={"GH_TOKEN": "${{ github.token }}", "GH_REPO": "${{ github.repository }}"},
        permissions={"issues": "write"},
        first=[take],
        checkout=False,
    )
    return {
        "name": "Images at night",
        "on": {"schedule": [{"cron": "23 2 * * *"}], "workflow_dispatch": None},
        "permissions": {},
        "concurrency": {"group": "genkan-images-rescan", "cancel-in-progress": False},
        "defaults": {"run": {"shell": "sh"}},
        "jobs": {"rescan": rescan, "report": report},
    }


def _known() -> dict[str, Any]:
    """Return what actionlint cannot know: the site's machines and variables."""
    return {"self-hosted-runner": {"labels": list(jobs.RUNNERS)}, "config-variables": list(jobs.VARIABLES)}


def _job(
    job: Job,
    *,
    needs: str | list[str] = "",
    condition: str = "",
    environ: Mapping[str, str] | None = None,
    permissions: Mapping[str, str] | None = None,
    first: list[dict[str, Any]] | None = None,
    last: list[dict[str, Any]] | None = None,
    outputs: Mapping[str, str] | None = None,
    checkout: bool = True,
) -> dict[str, Any]:
    """Return a job, with no more of the site's variables and secrets than its scripts ask for."""
    settings = {name: f"${{{{ vars.{name} }}}}" for name in job.variables} | dict(environ or {}) | job.settings
    found = {
        "needs": needs,
        "if": f"${{{{ {condition} }}}}" if condition else "",
        "runs-on": ["self-hosted", job.runner],
        "timeout-minutes": job.minutes,
        "environment": job.environment,
        "permissions": dict(permissions or _READ),
        "outputs": dict(outputs or {}),
        "env": settings,
        "steps": [
            *([_CHECKOUT_STEP] if checkout else []),
            *(first or []),
            *map(_step, job.blocks),
            *(last or []),
            {"name": "Leave nothing behind", "if": "${{ always() }}", "run": "rm -rf build\n"},
        ],
    }
    return {key: value for key, value in found.items() if value}


_CHECKOUT_STEP: dict[str, Any] = {"uses": _CHECKOUT, "with": {"persist-credentials": False}}


def _step(block: Block) -> dict[str, Any]:
    secrets = {name: f"${{{{ secrets.{name} }}}}" for name in block.secrets}
    return {"name": block.title, **({"env": secrets} if secrets else {}), "run": block.script}


def _keep(title: str, name: str, path: str, *, condition: str = "") -> dict[str, Any]:
    when = {"if": f"${{{{ {condition} }}}}"} if condition else {}
    return {
        "name": title,
        **when,
        "uses": _UPLOAD,
        "with": {"name": name, "path": path, "overwrite": True, "retention-days": 14},
    }


def _take(title: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": title, "uses": _DOWNLOAD, "with": dict(options)}
