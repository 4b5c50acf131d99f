"""`genkan-sandbox up`: settle everything that can be refused cheaply, then run the sandbox."""

import asyncio
from pathlib import Path
from typing import TypeVar

from genkan_sandbox.binaries import prepare, prepare_kubelet
from genkan_sandbox.control_plane.addresses import choose_ports, claimed_address
from genkan_sandbox.exceptions import ComponentError, OptionError, SandboxError, StateError
from genkan_sandbox.options import NodeKind, UpOptions
from genkan_sandbox.plan import Plan
from genkan_sandbox.platform import load_platform
from genkan_sandbox.progress import Progress, open_progress
from genkan_sandbox.real_node.cgroups import group_name, remove_group
from genkan_sandbox.real_node.network import Door, enter_private_network, open_doors
from genkan_sandbox.real_node.settling import settle
from genkan_sandbox.sandbox import Sandbox
from genkan_sandbox.sites import Site, load_site, site_manifests
from genkan_sandbox.state import StateDirectory
from genkan_sandbox.supervision.leftovers import end_sandbox_processes
from genkan_spawner.exceptions import KubernetesError

E = TypeVar("E", bound=BaseException)


def start(options: UpOptions) -> None:
    """Run a sandbox until it is stopped; raises SandboxError with a sentence."""
    progress = open_progress()
    site = load_site(options.site)
    _check(options, site)
    ingredients = settle(options, site) if options.nodes is NodeKind.CONTAINERS else None
    platform = None
    if options.platform is not None:
        platform = load_platform(options.platform, namespace=site.hub_namespace)
    state = StateDirectory.open(options.state)
    with state.locked():
        if options.ready_file is not None:
            options.ready_file.unlink(missing_ok=True)
        ended = end_sandbox_processes(state.id)
        remove_group(group_name(state.id))
        if ended:
            progress.say(f"Ended {ended} processes that an earlier sandbox of this state left behind.")
        state.drop_old_pod_logs()
        binaries = prepare(cache=options.cache, progress=progress)
        real_node = None
        if ingredients is not None:
            kubelet = prepare_kubelet(cache=options.cache, progress=progress)
            real_node = ingredients.node(Path(kubelet.command[0]))
        with claimed_address(_remembered_number(state), public=options.port) as address:
            state.write("number", str(address.number))
            plan = Plan(
                state=state,
                site_name=Path(options.site).stem,
                site=site,
                binaries=binaries,
                address=address,
                ports=choose_ports(address, public=options.port),
                with_hub=options.with_hub,
                simulate=options.simulate,
                audit=options.audit,
                ready_file=options.ready_file,
                hub_config=options.hub_config,
                platform=platform,
                real_node=real_node,
                manifests=tuple(site_manifests(site) if real_node is None else real_node.manifests(site)),
            )
            _run(plan, progress)


def _check(options: UpOptions, site: Site) -> None:
    """Refuse what cannot be before anything is made."""
    if options.with_hub and not site.users:
        raise OptionError(
            f"The site {options.site} has no users, so nobody could log in.",
            mend="Add `users:`, or start it with --no-hub.",
        )
    if options.ready_file is not None and not options.ready_file.parent.is_dir():
        raise OptionError(
            f"The ready file's directory {options.ready_file.parent} does not exist.",
            mend="Create it, or name another.",
        )
    if options.hub_config is not None and not options.hub_config.is_file():
        raise OptionError(f"There is no file {options.hub_config}.", mend="Name a jupyterhub_config.py of yours.")


def _remembered_number(state: StateDirectory) -> int | None:
    """Return the number of this state's last address, so that links and kubeconfigs stay right."""
    text = state.remember("number", "").strip()
    return int(text) if text.isdigit() else None


def _run(plan: Plan, progress: Progress) -> None:
    # From here on the sandbox may be in a network of its own, but for what listens already.
    doors: tuple[Door, ...] = ()
    if plan.real_node is not None:
        doors = open_doors(plan.address.host, plan.open_ports)
        enter_private_network()

    async def run() -> None:
        await Sandbox(plan, doors=doors, progress=progress).run()

    try:
        asyncio.run(run())
    except* SandboxError as group:
        raise _first(group) from None
    except* KubernetesError as group:
        raise ComponentError(
            f"The control plane failed while the sandbox started: {_first(group)}",
            mend=f"Its logs are in {plan.state.logs}.",
        ) from group
    except* OSError as group:
        raise StateError(
            f"The sandbox could not go on: {_first(group).strerror}.", mend=f"Its state is in {plan.state.root}."
        ) from group


def _first(group: BaseExceptionGroup[E]) -> E:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
