"""A pipeline for GitLab: a chain of jobs for each image, and one for the night."""

from collections.abc import Mapping
from typing import Any

from genkan_images.matrix import Matrix

from . import jobs
from .jobs import Job, names_of, offered, pipelined
from .writing import yaml_text

_FILE = ".gitlab/genkan-images.yaml"
_STAGES = ("check", "build", "scan", "publish", "smoke-test", "promote", "catalogue", "rescan", "report")
_CHANGES = ["images/**/*", "requirements/**/*", "tools/**/*", _FILE]
_PUSHED: dict[str, Any] = {"if": '$CI_PIPELINE_SOURCE == "push"', "changes": _CHANGES}
_BY_HAND: dict[str, Any] = {"if": '$CI_PIPELINE_SOURCE == "web"'}
_NIGHT: dict[str, Any] = {"if": '$CI_PIPELINE_SOURCE == "schedule" && $GENKAN_RESCAN'}
_RELEASED: list[dict[str, Any]] = [
    {"if": '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH', "changes": _CHANGES},
    {"if": '$CI_PIPELINE_SOURCE == "web" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'},
]
_BUILT = [_RELEASED[0], _BY_HAND]
_ONLY_FRESH = 'if [ "$FRESH" = false ]; then exit 0; fi'
_ONLY_UNPROMOTED = 'if [ "$PROMOTED" = true ]; then exit 0; fi'


def gitlab_files(matrix: Matrix, *, comment: str) -> dict[str, str]:
    """Return the pipeline, by its path; a site's `.gitlab-ci.yml` includes it."""
    images = pipelined(matrix)
    data: dict[str, Any] = {"stages": list(_STAGES), **_templates()}
    check = _job(jobs.CHECK, stage="check", environ={"PLATFORM": "gitlab"})
    data["images:check"] = {**check, "rules": [_PUSHED, _BY_HAND]}
    for image in images:
        data |= _chain(image.target, image.environ)
    data["images:catalogue"] = {
        **_job(jobs.CATALOGUE, stage="catalogue", environ={"IMAGES": names_of(images)}),
        "needs": [],
        "rules": [{**rule, "when": "manual", "allow_failure": True} for rule in _RELEASED],
        "artifacts": {"paths": ["build/catalogue"]},
    }
    data |= _night(matrix)
    return {_FILE: yaml_text(data, comment=comment)}


def _templates() -> dict[str, Any]:
    """Return what the jobs of all images share, one template for each step of the chain."""
    found = {
        "build": {
            **_job(jobs.BUILD, stage="build", environ={"REVISION": "$CI_COMMIT_SHA", "RUN": "$CI_PIPELINE_ID"}),
            "rules": _BUILT,
            "artifacts": {"reports": {"dotenv": "build/state.env"}},
        },
        "scan": {
            **_job(jobs.SCAN, stage="scan", first=_ONLY_FRESH),
            "rules": _BUILT,
            "artifacts": {"paths": ["build/reports"], "when": "always", "expire_in": "14 days"},
        },
        "publish": {
            **_job(jobs.PUBLISH, stage="publish", first=_ONLY_FRESH),
            "rules": _RELEASED,
            "id_tokens": {"SIGSTORE_ID_TOKEN": {"aud": "sigstore"}},
        },
        "smoke-test": {**_job(jobs.SMOKE_TEST, stage="smoke-test", first=_ONLY_UNPROMOTED), "rules": _RELEASED},
        "promote": {
            **_job(jobs.PROMOTE, stage="promote", first=_ONLY_UNPROMOTED),
            "environment": {"name": jobs.PROMOTE.environment},
            "rules": [{**rule, "when": "manual", "allow_failure": True} for rule in _RELEASED],
        },
        "rescan": {
            **_job(jobs.RESCAN, stage="rescan"),
            "rules": [_NIGHT],
            "artifacts": {"paths": ["build/findings"], "when": "on_failure", "expire_in": "14 days"},
        },
    }
    return {f".genkan-{name}": job for name, job in found.items()}


def _chain(target: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the jobs of one image, each after the one before it, with what that one said of itself."""
    needs: dict[str, list[str]] = {
        "build": ["images:check"],
        "scan": [f"build:{target}"],
        "publish": [f"build:{target}", f"scan:{target}"],
        "smoke-test": [f"build:{target}", f"publish:{target}"],
        "promote": [f"build:{target}", f"smoke-test:{target}"],
    }
    return {
        f"{name}:{target}": {"extends": f".genkan-{name}", "variables": dict(environ), "needs": before}
        for name, before in needs.items()
    }


def _night(matrix: Matrix) -> dict[str, Any]:
    rescans = {
        f"rescan:{flavour}-{channel}": {
            "extends": ".genkan-rescan",
            "variables": {"FLAVOUR": str(flavour), "CHANNEL": str(channel)},
        }
        for flavour, channel in offered(matrix)
    }
    report = {
        **_job(jobs.report("report-gitlab"), stage="report"),
        "environment": {"name": "images-report", "action": "access"},
        "rules": [{**_NIGHT, "when": "on_failure"}],
    }
    return {**rescans, "images:report": report}


def _job(job: Job, *, stage: str, environ: Mapping[str, str] | None = None, first: str = "") -> dict[str, Any]:
    """Return a job; the site's variables are there already, those of its environment in no other job."""
    found = {
        "stage": stage,
        "tags": [job.runner],
        "timeout": f"{job.minutes} minutes",
        "environment": {"name": job.environment, "action": "access"} if job.environment else {},
        "variables": {**(environ or {}), **job.settings},
        "script": [*([first] if first else []), *(block.script for block in job.blocks)],
        "after_script": ["rm -rf build/login build/kubeconfig"],
        "interruptible": False,
    }
    return {key: value for key, value in found.items() if value not in ({}, "")}
