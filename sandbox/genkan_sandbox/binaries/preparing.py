"""Get every program of the sandbox ready: on PATH, in the cache, downloaded, or built."""

import threading
from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.binaries import building
from genkan_sandbox.binaries.components import (
    ETCD,
    EVERY_SOURCE,
    HELM,
    KUBELET,
    KUBERNETES,
    PROXY,
    Binaries,
    Component,
    Group,
    Provenance,
    Source,
    ask_version,
    find_program,
)
from genkan_sandbox.binaries.diagnosis import failure_of_system
from genkan_sandbox.binaries.downloading import download
from genkan_sandbox.binaries.fetching import UnavailableError
from genkan_sandbox.binaries.modules import Modules
from genkan_sandbox.binaries.proxy import install_proxy, proxy_command
from genkan_sandbox.binaries.store import Entry, Store
from genkan_sandbox.binaries.workshop import Addresses, Workshop
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import Progress

_GROUPS = (KUBERNETES, ETCD, PROXY)


def prepare(
    *,
    cache: Path,
    progress: Progress,
    sources: frozenset[Source] = EVERY_SOURCE,
    addresses: Addresses | None = None,
    modules: Modules | None = None,
    stop: threading.Event | None = None,
) -> Binaries:
    """Find every program in its pinned version, or get it, and say where it came from.

    It blocks, for minutes if something has to be built; run it in a thread where a loop must go on, and set `stop` to
    end it within seconds. Only the given sources are used: with PATH and CACHE alone nothing is fetched.
    BinariesError: a program can be had in no way, there is no room, or `stop` was set.
    """
    workshop = Workshop(
        store=Store(root=cache.absolute()),
        progress=progress,
        modules=modules or Modules.locate(),
        addresses=addresses or Addresses(),
        sources=sources,
        stop=stop or threading.Event(),
    )
    provenance = _prepared(_GROUPS, workshop)
    commands = {one.name: one.command for one in provenance}
    return Binaries(
        etcd=Path(commands["etcd"][0]),
        kube_apiserver=Path(commands["kube-apiserver"][0]),
        kube_controller_manager=Path(commands["kube-controller-manager"][0]),
        kube_scheduler=Path(commands["kube-scheduler"][0]),
        proxy=commands["configurable-http-proxy"],
        provenance=provenance,
    )


def prepare_helm(
    *, cache: Path, progress: Progress, sources: frozenset[Source] = EVERY_SOURCE, addresses: Addresses | None = None
) -> Provenance:
    """Find Helm, or get it, as `prepare` does; no sandbox needs it to run. Raises BinariesError."""
    return _prepare_alone(HELM, cache=cache, progress=progress, sources=sources, addresses=addresses)


def prepare_kubelet(
    *, cache: Path, progress: Progress, sources: frozenset[Source] = EVERY_SOURCE, addresses: Addresses | None = None
) -> Provenance:
    """Find the kubelet, or get it, as `prepare` does; a real node needs it. Raises BinariesError."""
    return _prepare_alone(KUBELET, cache=cache, progress=progress, sources=sources, addresses=addresses)


def _prepare_alone(
    group: Group, *, cache: Path, progress: Progress, sources: frozenset[Source], addresses: Addresses | None
) -> Provenance:
    workshop = Workshop(
        store=Store(root=cache.absolute()),
        progress=progress,
        modules=Modules.locate(),
        addresses=addresses or Addresses(),
        sources=sources,
    )
    (provenance,) = _prepared((group,), workshop)
    return provenance


def _prepared(groups: tuple[Group, ...], workshop: Workshop) -> tuple[Provenance, ...]:
    try:
        return _prepare(groups, workshop)
    except OSError as error:
        raise failure_of_system(
            "The sandbox's programs could not be prepared", error=error, place=workshop.store.root
        ) from error


def _prepare(groups: tuple[Group, ...], workshop: Workshop) -> tuple[Provenance, ...]:
    ready = {group: _find(group, workshop=workshop) for group in groups}
    missing = [group for group, found in ready.items() if not found]
    for position, group in enumerate(missing, start=1):
        ready[group] = _Acquisition(group=group, workshop=workshop, position=position, count=len(missing)).run()
    building.clear(workshop)
    return tuple(one for group in groups for one in ready[group])


def _find(group: Group, *, workshop: Workshop) -> tuple[Provenance, ...]:
    """Look on PATH and in the cache; empty where some program of the group is missing."""
    if Source.PATH in workshop.sources:
        found = [_on_path(component) for component in group.components]
        if all(found):
            return tuple(one for one in found if one)
    if Source.CACHE in workshop.sources and (entry := workshop.store.lookup(workshop.modules.key_of(group))):
        return _of_entry(group, entry=entry, workshop=workshop, source=Source.CACHE)
    return ()


def _on_path(component: Component) -> Provenance | None:
    program = find_program(component.name)
    if program is None:
        return None
    try:
        version = ask_version([str(program)], component=component)
    except OSError:
        return None
    if version is None or not component.is_satisfied_by(version):
        return None
    return Provenance(name=component.name, version=version, command=(str(program),), source=Source.PATH)


def _of_entry(group: Group, *, entry: Entry, workshop: Workshop, source: Source) -> tuple[Provenance, ...]:
    made_by = entry.made_by if source is Source.CACHE else None
    return tuple(
        Provenance(
            name=component.name,
            version=component.version,
            command=_command(group, component=component, folder=entry.path, workshop=workshop),
            source=source,
            made_by=made_by,
        )
        for component in group.components
    )


def _command(group: Group, *, component: Component, folder: Path, workshop: Workshop) -> tuple[str, ...]:
    return proxy_command(folder, workshop=workshop) if group is PROXY else (str(folder / component.name),)


@dataclass(frozen=True, slots=True)
class _Acquisition:
    """One group that is to be fetched or built."""

    group: Group
    workshop: Workshop
    position: int
    count: int

    def run(self) -> tuple[Provenance, ...]:
        made_here: list[Source] = []

        def make(made: Path, scratch: Path) -> Source:
            source = self._install_proxy(made, scratch) if self.group is PROXY else self._make(made, scratch)
            self._verify(made)
            made_here.append(source)
            return source

        entry = self.workshop.obtain(
            self.workshop.modules.key_of(self.group),
            title=self.group.title,
            make=make,
            renew=Source.CACHE not in self.workshop.sources,
        )
        source = entry.made_by if made_here else Source.CACHE
        return _of_entry(self.group, entry=entry, workshop=self.workshop, source=source)

    def _make(self, made: Path, scratch: Path) -> Source:
        """Download the programs, or else build them."""
        title, sources = self.group.title, self.workshop.sources
        why = "the sources that may be used leave no other way"
        if Source.DOWNLOAD in sources:
            try:
                download(
                    self.group, workshop=self.workshop, made=made, scratch=scratch, title=self._title("Downloading")
                )
            except UnavailableError as error:
                why = f"the official download cannot be had: {error}"
                for partial in made.iterdir():
                    partial.unlink()
            else:
                return Source.DOWNLOAD
        if Source.BUILD not in sources:
            raise self._nowhere(why)
        if Source.DOWNLOAD in sources:
            self.workshop.progress.say(f"{title} is built from its source, since {why}.")
        building.build(self.group, workshop=self.workshop, made=made, scratch=scratch, title=self._title("Building"))
        return Source.BUILD

    def _install_proxy(self, made: Path, scratch: Path) -> Source:
        if Source.NPM not in self.workshop.sources:
            raise self._nowhere("the sources that may be used leave no other way")
        install_proxy(workshop=self.workshop, made=made, scratch=scratch, title=self._title("Installing"))
        return Source.NPM

    def _verify(self, made: Path) -> None:
        """Let each program tell its version before anybody relies on it."""
        for component in self.group.components:
            command = _command(self.group, component=component, folder=made, workshop=self.workshop)
            version = ask_version(command, component=component)
            if version != component.version:
                says = "does not run on this machine" if version is None else f"says that it is {version}"
                raise BinariesError(
                    f"{component.name} was to be {component.version}, but {says}.",
                    mend="Nothing of it was kept; try again.",
                )

    def _title(self, verb: str) -> str:
        return f"{verb} {self.group.title}" + (f" ({self.position} of {self.count})" if self.count > 1 else "")

    def _nowhere(self, why: str) -> BinariesError:
        return BinariesError(
            f"{self.group.title} is neither on PATH nor in the cache {self.workshop.store.root}, and {why}.",
            mend=f"Put {self.group.names} {self.group.version} on PATH, or allow more sources.",
        )
