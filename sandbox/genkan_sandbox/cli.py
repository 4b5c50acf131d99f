"""The command `genkan-sandbox`."""

import dataclasses
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from genkan_sandbox import __version__, operations
from genkan_sandbox.exceptions import OptionError, SandboxError, StateError
from genkan_sandbox.options import DEFAULT_SITES, NodeKind, UpOptions
from genkan_sandbox.state import StateDirectory, default_cache_directory, default_state_directory

app = typer.Typer(
    name="genkan-sandbox",
    help="A real Kubernetes control plane with GPU nodes and a JupyterHub on this machine, without Docker or root.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

faults = typer.Typer(help="Make something go wrong in a running sandbox, and mend it.", no_args_is_help=True)
app.add_typer(faults, name="fault")

NOT_RUNNING = 3
"""Exit code of `status` when no sandbox runs, as init scripts have it."""

StateOption = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="Where the sandbox keeps its state.", show_default="per user"),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache", metavar="DIR", help="Where downloaded and built binaries are kept.", show_default="per user"
    ),
]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the hub answers; 0 takes any free port.")] = 8000,
    state: StateOption = None,
    site: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="A shipped site, or a YAML file.",
            show_default="datacenter, or machine",
        ),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write URL, users and processes here, as JSON, when ready.")
    ] = None,
    hub_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A jupyterhub_config.py of yours, read after Genkan's own.")
    ] = None,
    platform: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What `helm template` prints of genkan-platform: the hub has just the rights in it.",
        ),
    ] = None,
    nodes: Annotated[
        NodeKind,
        typer.Option(help="What pods are; containers need root, containerd and a site with one machine."),
    ] = NodeKind.PROCESSES,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Which images a node with containers has: for each name archive and reference, as JSON.",
            show_default="those that `make images` has built",
        ),
    ] = None,
    simulate: Annotated[bool, typer.Option(help="Pods turn Running without processes, thousands of them.")] = False,
    hub: Annotated[bool, typer.Option(help="Without one this is a bare cluster.")] = True,
    audit: Annotated[
        bool, typer.Option("--audit", help="Log every request to the API server, as `logs audit`.")
    ] = False,
    cache: CacheOption = None,
) -> None:
    """Start a sandbox and keep it running until Ctrl-C or `down`."""
    from genkan_sandbox.starting import start

    _end_on_signals()
    options = UpOptions(
        port=port,
        state=_root_of(state),
        site=site or DEFAULT_SITES[nodes],
        ready_file=ready_file.absolute() if ready_file is not None else None,
        hub_config=hub_config.absolute() if hub_config is not None else None,
        platform=platform,
        nodes=nodes,
        images=images,
        simulate=simulate,
        with_hub=hub,
        audit=audit,
        cache=cache or default_cache_directory(),
    )
    start(options)


@app.command()
def down(state: StateOption = None) -> None:
    """Stop a sandbox; its state stays."""
    existing = StateDirectory.existing(_root_of(state))
    stopped = existing is not None and operations.stop(existing)
    typer.echo("Stopped." if stopped else "No sandbox runs here.")


@app.command()
def status(
    state: StateOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what runs; leaves with 3 when nothing does."""
    existing = StateDirectory.existing(_root_of(state))
    found = operations.status(existing) if existing is not None else operations.NOTHING
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found), indent=1))
    elif not found.running:
        typer.echo("No sandbox runs here.")
    elif found.site is None:
        typer.echo("A sandbox is being prepared here.")
    else:
        typer.echo(f"Site {found.site}, {found.url or 'no hub'}, {'ready' if found.ready else 'starting'}")
        for part in found.components:
            memory = f"{part.memory_bytes / 2**20:.0f} MiB" if part.running else "ended"
            typer.echo(f"  {part.name:<24} {part.pid:>8}  {memory:>10}  {part.age_seconds:>8.0f} s")
    if not found.running:
        raise typer.Exit(NOT_RUNNING)


@app.command()
def reset(
    state: StateOption = None,
    homes: Annotated[bool, typer.Option("--homes", help="Forget the users' homes too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before homes go.")] = False,
) -> None:
    """Forget a sandbox that is stopped: cluster, accounts, logs. Homes are put aside, unless they are to go too."""
    existing = StateDirectory.existing(_root_of(state))
    if existing is None:
        typer.echo("There is nothing to forget.")
        return
    if homes and existing.homes and not yes:
        if not sys.stdin.isatty():
            raise OptionError(f"{existing.root} holds {existing.homes} homes.", mend="Add --yes to forget them too.")
        typer.confirm(f"Forget {existing.root} and {existing.homes} homes in it?", abort=True)
    kept = operations.reset(existing, with_homes=homes)
    typer.echo(f"Forgot {existing.root}." if kept is None else f"Forgot {existing.root}; the homes are in {kept} now.")


@app.command()
def logs(
    component: Annotated[str | None, typer.Argument(help="A component or a pod; without one, the list.")] = None,
    state: StateOption = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many from the end.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added.")] = False,
) -> None:
    """Show the log of a component or of a pod."""
    existing = _existing(state)
    if component is None:
        for name, path in operations.log_files(existing).items():
            typer.echo(f"{name:<40} {path}")
        return
    for text in operations.read_log(operations.find_log(existing, component), lines=lines, follow=follow):
        typer.echo(text, nl=False)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def kubectl(context: typer.Context, state: StateOption = None) -> None:
    """Run the machine's kubectl as the sandbox's administrator."""
    raise typer.Exit(operations.run_kubectl(_existing(state), context.args))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def helm(context: typer.Context, state: StateOption = None) -> None:
    """Run Helm as the sandbox's administrator; one of the right version is fetched, or built in a few minutes."""
    from genkan_sandbox.binaries import prepare_helm
    from genkan_sandbox.progress import open_progress

    existing = _existing(state)
    _end_on_signals()
    found = prepare_helm(cache=default_cache_directory(), progress=open_progress())
    raise typer.Exit(operations.run_helm(existing, [*found.command, *context.args]))


@app.command()
def binaries(
    cache: CacheOption = None,
    with_helm: Annotated[bool, typer.Option("--with-helm", help="Helm too, which no sandbox runs.")] = False,
    with_kubelet: Annotated[
        bool, typer.Option("--with-kubelet", help="The kubelet too, for a node with containers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Find, download or build what a sandbox runs, and say where it is."""
    from genkan_sandbox.binaries import describe, prepare, prepare_helm, prepare_kubelet, to_json
    from genkan_sandbox.progress import open_progress

    _end_on_signals()
    place, progress = cache or default_cache_directory(), open_progress()
    found = prepare(cache=place, progress=progress).provenance
    if with_helm:
        found = (*found, prepare_helm(cache=place, progress=progress))
    if with_kubelet:
        found = (*found, prepare_kubelet(cache=place, progress=progress))
    typer.echo(json.dumps(to_json(found), indent=1) if as_json else "\n".join(describe(found)))


@app.command()
def sites() -> None:
    """List the sites that are shipped."""
    from genkan_sandbox.sites import shipped_sites

    for name, description in shipped_sites().items():
        typer.echo(f"{name:<14} {description}")


@faults.command("add")
def add_fault(
    kind: Annotated[str, typer.Argument(help="What goes wrong: image-missing, invalid-image, slow-pull, ...")],
    match: Annotated[list[str] | None, typer.Argument(metavar="[FIELD=PATTERN]...", help="Whom it concerns.")] = None,
    state: StateOption = None,
) -> None:
    """Let something go wrong from now on, for example `fault add image-missing 'image=.*pytorch.*'`."""
    from genkan_sandbox.agent.faults import FaultKind
    from genkan_sandbox.fault_command import add_fault as add

    if kind not in set(FaultKind):
        raise OptionError(f"There is no fault {kind!r}.", mend=f"Faults there are: {', '.join(sorted(FaultKind))}.")
    typer.echo(add(operations.administrator(_existing(state)), FaultKind(kind), match or []))


@faults.command("list")
def list_faults(state: StateOption = None) -> None:
    """Show what goes wrong now."""
    from genkan_sandbox.fault_command import list_faults as listed

    for key, text in listed(operations.administrator(_existing(state))).items():
        typer.echo(f"{key}  {text}")


@faults.command("clear")
def clear_faults(state: StateOption = None) -> None:
    """Mend everything."""
    from genkan_sandbox.fault_command import clear_faults as clear

    typer.echo(f"Ended {clear(operations.administrator(_existing(state)))} faults.")


def _existing(state: Path | None) -> StateDirectory:
    existing = StateDirectory.existing(_root_of(state))
    if existing is None:
        raise StateError(f"There is no sandbox in {_root_of(state)}.", mend="Start one with `genkan-sandbox up`.")
    return existing


def _root_of(state: Path | None) -> Path:
    return state if state is not None else default_state_directory()


def _end_on_signals() -> None:
    """Let SIGTERM and a closed terminal end a download or a build as Ctrl-C does.

    A shell's background job has SIGINT ignored, and Python leaves it so; a SIGINT that somebody sends is meant. What
    runs under nohup, though, is to outlive its terminal.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupted)


def _interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> NoReturn:
    """Run the command; a failure is a sentence and an exit code, never a traceback."""
    try:
        app()
    except SandboxError as e:
        typer.echo(f"genkan-sandbox: {e}", err=True)
        sys.exit(e.exit_code)
    except OSError as e:
        place = f"{e.filename}: " if e.filename is not None else ""
        typer.echo(f"genkan-sandbox: {place}{e.strerror or type(e).__name__}.", err=True)
        sys.exit(1)
    sys.exit(0)
