"""Build images on one machine, hold them against every check, push them to a registry of their own and promote them.

python -m tools.images [--only NAME ...]
"""

import argparse
import fcntl
import os
import signal
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from genkan_images.exceptions import ImagesError
from genkan_images.gates.archives import open_archive
from genkan_images.gates.trivy import our_layers
from genkan_images.matrix import load_matrix
from genkan_images.promoting import promote
from genkan_sandbox.progress import Progress, open_progress, spell_duration
from genkan_sandbox.state import default_cache_directory

from .archives import INDEX, Archives, BuiltImage
from .bases import StandIns, uses_true_bases
from .checks import REQUIRE_ALL, Checker, Result, Verdict
from .commands import SIGNALS, Commands
from .exceptions import WorkError
from .programs import check_machine, prepare_checkers
from .registry import Registry, local_registry
from .targets import REGISTRY, Files, Target, targets

CHECKOUT = Path(__file__).resolve().parents[2]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""What this machine trusts; a build trusts the same, so that it works where a site inspects its traffic."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one image."""

    target: Target
    built: BuiltImage
    results: list[Result]
    promoted: str
    """Where it was promoted to; empty if a check kept it back."""
    ours: int
    """Compressed bytes of our layers."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Works:
    """All that builds, checks and moves images."""

    progress: Progress
    commands: Commands
    stand_ins: StandIns | None
    """None on the true bases."""
    archives: Archives
    bases: Archives
    checker: Checker
    registry: Registry
    certificates: Path | None

    def finish(self, target: Target) -> Done:
        """Build an image, and take it as far as its checks let it."""
        began = time.monotonic()
        base = self.base(target)
        with self.progress.step(f"{target.name}: build"):
            self.commands.run(f"{target.name}-build", *target.build_command(base=base, certificates=self.certificates))
        with self.progress.step(f"{target.name}: write the archive"):
            built = self.archives.keep(target.name, target.reference)
            kind = target.stand_in if self.stand_ins else target.name
            under = self.bases.keep(f"base-{kind}", self.base_in_storage(target, base))
        with tempfile.TemporaryDirectory(prefix=f"{target.name}-", dir=self.commands.logs) as place:
            files = self._files(Path(place), built, under)
            results = self.checker.results(target.name, target.checks(files, has=self.checker.has))
        promoted = "" if any(result.verdict is Verdict.FAILED for result in results) else self._promote(target, built)
        return Done(target, built, results, promoted, added(built, under), time.monotonic() - began)

    def base(self, target: Target) -> str:
        """Return what an image is built on; empty where the plan knows it."""
        if self.stand_ins:
            return self.stand_ins.reference(target.stand_in)
        return f"{os.environ['LIBRARY_REGISTRY']}/{target.base}" if target.base else ""

    def base_in_storage(self, target: Target, base: str) -> str:
        """Return the base's name in buildah's storage."""
        if base or target.row is None:
            return base
        source = f"{target.row.base.source}_REGISTRY".upper()
        return f"{os.environ[source]}/{target.row.base.reference}"

    def _files(self, place: Path, built: BuiltImage, under: BuiltImage) -> Files:
        layouts = (place / "image", place / "base")
        if self.checker.has("trivy"):
            for layout, archive in zip(layouts, (built.archive, under.archive), strict=True):
                with tarfile.open(archive) as packed:
                    packed.extractall(layout, filter="data")
        return Files(Path(built.archive), Path(under.archive), layouts, self.commands.logs)

    def _promote(self, target: Target, built: BuiltImage) -> str:
        with self.progress.step(f"{target.name}: push, and promote to {target.channel}"):
            pushed = self.registry.push(target.name, Path(built.archive), target.tag)
            if not pushed.endswith(f"@{built.digest}"):
                message = f"The registry has {pushed}, and the archive {built.digest}."
                raise WorkError(message)
            return promote(pushed, target.channel, tls=False)


def added(built: BuiltImage, under: BuiltImage) -> int:
    """Return how many compressed bytes an image adds to its base."""
    with open_archive(Path(built.archive)) as image, open_archive(Path(under.archive)) as base:
        ours = set(our_layers(image.diff_ids, base.diff_ids))
        return sum(layer.size for layer in image.layers if layer.diff_id in ours)


def report(done: Sequence[Done], *, out: Path) -> str:
    """Return what people read at the end: each image, and each check that did not pass."""
    lines = []
    for row in done:
        counts = {verdict: sum(result.verdict is verdict for result in row.results) for verdict in Verdict}
        checks = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
        lines += [
            "",
            f"{row.target.name}: {row.target.reference}",
            f"    {spell_duration(row.seconds)}; our layers {row.ours / 1_000_000:.0f} MB compressed; checks: {checks}",
            f"    {row.built.digest}",
            f"    {row.built.archive}",
            f"    promoted to {row.promoted.rpartition(':')[2]}" if row.promoted else "    kept back",
        ]
        for result in row.results:
            took = f" ({spell_duration(result.seconds)})" if result.seconds else ""
            lines.append(f"    - {result.check}: {result.verdict}{took}")
            lines += [f"        {sentence}" for sentence in result.sentences]
    return "\n".join((*lines, "", f"{out / INDEX} names the archives."))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    progress = open_progress()
    try:
        matrix = load_matrix(CHECKOUT / "images/matrix.yaml")
        known = targets(matrix)
        options = _options(arguments, [target.name for target in known])
        wanted = [target for target in known if target.name in (options.only or [target.name])]
        done = _work(wanted, progress)
    except (WorkError, ImagesError) as error:
        progress.say(f"genkan: {error}")
        return 1
    except KeyboardInterrupt:
        progress.say("genkan: Stopped; what is done is kept, and the next run goes on from there.")
        return 130
    return 0 if all(row.promoted for row in done) else 1


def _work(wanted: Sequence[Target], progress: Progress) -> list[Done]:
    began = time.monotonic()
    true_bases = uses_true_bases(os.environ)
    check_machine(true_bases=true_bases)
    cache = default_cache_directory()
    certificates = Path(os.environ.get("EXTRA_CA_BUNDLE") or CERTIFICATES)
    environ = {"REGISTRY": REGISTRY} | ({"EXTRA_CA_BUNDLE": str(certificates)} if certificates.is_file() else {})
    commands = Commands(CHECKOUT, CHECKOUT / "build/images", environ)
    commands.logs.mkdir(parents=True, exist_ok=True)
    checker = Checker(
        commands, progress, prepare_checkers(CHECKOUT, cache, progress), bool(os.environ.get(REQUIRE_ALL))
    )
    with alone(cache / "images"), local_registry(commands) as registry:
        works = Works(
            progress,
            commands,
            None if true_bases else StandIns(commands, progress),
            Archives(cache / "images", commands),
            Archives(cache / "images", commands, index="bases.json"),
            checker,
            registry,
            certificates if certificates.is_file() else None,
        )
        done = [works.finish(target) for target in wanted]
    sys.stdout.write(report(done, out=cache / "images") + "\n")
    sys.stdout.write(f"All of it took {spell_duration(time.monotonic() - began)}.\n")
    return done


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only one who writes archives; raises WorkError if somebody else is at work."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkError("Another `make images` of yours is at work; wait for it, or end it.") from error
        yield


def _options(arguments: Sequence[str] | None, names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make images IMAGES_ARGS=...", description="Build, check and promote images.")
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=names, help=f"one or more of {', '.join(names)}")
    return parser.parse_args(arguments)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
