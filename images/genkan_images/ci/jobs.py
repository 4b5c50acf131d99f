"""What the jobs of a pipeline are, whatever platform runs them: their order, their rights and their scripts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genkan_images.flavours import Channel, Flavour
from genkan_images.matrix import Matrix
from genkan_images.plan import SIZE_BUDGET

STEPS = Path(__file__).with_name("steps")

VARIABLES = (
    "COSIGN_SHA256",
    "COSIGN_SIGN_OPTIONS",
    "COSIGN_VERIFY_OPTIONS",
    "EXPLOITED_CATALOGUE",
    "EXTRA_CA_BUNDLE",
    "LIBRARY_REGISTRY",
    "NVIDIA_REGISTRY",
    "REGISTRY",
    "SMOKE_TEST_OPTIONS",
    "STAGING_REGISTRY",
    "SYFT_SHA256",
    "TRIVY_SHA256",
)
"""What the site sets, for everybody who may read its pipelines to see."""

LOGIN = ("REGISTRY_USER", "REGISTRY_PASSWORD", "NVIDIA_REGISTRY_USER", "NVIDIA_REGISTRY_PASSWORD")
KEYS = ("COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD")
CLUSTER = ("SMOKE_TEST_KUBECONFIG",)
SECRETS = (*LOGIN, *KEYS, *CLUSTER)
"""What the site sets in the environment of each job alone; the same name has another value in each."""

_LOGIN_FOLDER = "build/login"


@dataclass(frozen=True, slots=True)
class Block:
    """One script, with what it needs to be told."""

    title: str
    name: str
    preludes: tuple[str, ...] = ()
    """Scripts with functions that it calls."""
    secrets: tuple[str, ...] = ()
    """What it alone is given."""

    @property
    def script(self) -> str:
        """Its text; the first failure ends it."""
        parts = [(STEPS / f"{name}.sh").read_text(encoding="utf-8") for name in (*self.preludes, self.name)]
        return "set -eu\n" + "".join(parts)


@dataclass(frozen=True, slots=True)
class Job:
    """What is done on one machine, in one go."""

    runner: str
    """The machines that may do it."""
    minutes: int
    blocks: tuple[Block, ...]
    environment: str = ""
    """Where its secrets are kept; nothing for a job without any."""
    read: tuple[str, ...] = ()
    """The site's variables that no script names, since the commands in it read them."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The site's variables that it needs."""
        text = "".join(block.script for block in self.blocks)
        return tuple(name for name in VARIABLES if name in self.read or re.search(rf"\b{name}\b", text))

    @property
    def settings(self) -> dict[str, str]:
        """Where programs find what lets them into registries."""
        if LOG_IN not in self.blocks:
            return {}
        return {"DOCKER_CONFIG": _LOGIN_FOLDER, "REGISTRY_AUTH_FILE": f"{_LOGIN_FOLDER}/config.json"}


LOG_IN = Block("Log in to the registries", "login", secrets=LOGIN)
LOG_OUT = Block("Log out", "logout")

CHECK = Job("genkan-images-scan", 20, (Block("Check matrix, pipelines and sources", "check"),))
BUILD = Job(
    "genkan-images-build",
    180,
    (
        LOG_IN,
        Block("See what is there already", "state", preludes=("registry",)),
        Block("Build, test, and push to staging", "build"),
    ),
    environment="images-build",
    read=("EXTRA_CA_BUNDLE", "LIBRARY_REGISTRY", "NVIDIA_REGISTRY"),
)
SCAN = Job(
    "genkan-images-scan",
    120,
    (
        LOG_IN,
        Block("Fetch image and base", "fetch"),
        LOG_OUT,
        Block("Scan", "scan", preludes=("pinned",)),
        Block("Ask the gates", "gates"),
    ),
    environment="images-scan",
)
PUBLISH = Job(
    "genkan-images-release",
    60,
    (
        LOG_IN,
        Block("Publish, sign and attest", "publish", preludes=("registry", "pinned"), secrets=KEYS),
    ),
    environment="images-release",
)
SMOKE_TEST = Job(
    "genkan-images-release",
    75,
    (Block("Try it on the cluster", "smoke-test", secrets=CLUSTER),),
    environment="images-cluster",
)
PROMOTE = Job(
    "genkan-images-release",
    30,
    (LOG_IN, Block("Verify the signature, and move the channel's tag", "promote", preludes=("pinned",))),
    environment="images-promotion",
)
CATALOGUE = Job(
    "genkan-images-scan",
    20,
    (LOG_IN, Block("Write the catalogue's images", "catalogue", preludes=("registry",))),
    environment="images-scan",
)
RESCAN = Job(
    "genkan-images-scan",
    120,
    (
        LOG_IN,
        Block("Fetch what is offered", "rescan-fetch", preludes=("registry",)),
        LOG_OUT,
        Block("Scan", "rescan", preludes=("pinned",)),
    ),
    environment="images-scan",
)


def report(script: str) -> Job:
    """Return the job that opens issues, which each platform does with a script of its own."""
    return Job("genkan-images-release", 10, (Block("Open an issue for each finding", script),))


RUNNERS = ("genkan-images-build", "genkan-images-release", "genkan-images-scan")


@dataclass(frozen=True, slots=True)
class Pipelined:
    """An image as its jobs know it."""

    target: str
    flavour: str
    tag: str
    channel: str
    source: str
    base: str
    """The base by its digest alone, which is what copies take."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that its jobs read."""
        return {
            "TARGET": self.target,
            "FLAVOUR": self.flavour,
            "TAG": self.tag,
            "CHANNEL": self.channel,
            "SOURCE": self.source,
            "BASE": self.base,
            "SIZE_BUDGET": str(SIZE_BUDGET),
        }


def pipelined(matrix: Matrix) -> tuple[Pipelined, ...]:
    """Return the images that a pipeline builds: those whose base is a digest."""
    return tuple(
        Pipelined(
            target=row.target,
            flavour=str(row.flavour),
            tag=row.tag,
            channel=str(row.channel),
            source=str(row.base.source),
            base=f"{row.base.path}@{row.base.digest}",
        )
        for row in matrix.images
        if row.base.digest is not None
    )


def offered(matrix: Matrix) -> tuple[tuple[Flavour, Channel], ...]:
    """Return what is scanned each night: the channels that users are offered."""
    return tuple((row.flavour, row.channel) for row in matrix.images if row.channel is not Channel.CANDIDATE)


def names_of(images: Iterable[Pipelined]) -> str:
    """Return a line for each image that says what it is in the matrix and in the registry."""
    return "".join(f"{image.target}={image.flavour}:{image.tag}\n" for image in images)
