"""One sandbox from its start to its end: control plane, nodes, hub, in the order that each needs the others."""

import asyncio
import json
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from genkan_sandbox.agent.provisioner import LOCAL_CLASS
from genkan_sandbox.agent.records import Endpoint
from genkan_sandbox.agent.status import now, timestamp
from genkan_sandbox.control_plane import bootstrap, components
from genkan_sandbox.control_plane.access import (
    CLUSTER_PAGE_ACCOUNT,
    HUB_ACCOUNT,
    Identity,
    NodeToken,
    account_token,
    kubelet_access,
    make_tokens,
    role_manifests,
    token_file,
)
from genkan_sandbox.control_plane.auditing import audit_policy
from genkan_sandbox.control_plane.certificates import Node, prepare_certificates
from genkan_sandbox.exceptions import ComponentError
from genkan_sandbox.hub import components as hub_components
from genkan_sandbox.hub.answers import fill_proxy, hub_answers
from genkan_sandbox.hub.settings import HubSettings
from genkan_sandbox.plan import Plan
from genkan_sandbox.progress import Progress
from genkan_sandbox.real_node import node as real_node
from genkan_sandbox.real_node.network import NODE_ADDRESS, Door, doors_open
from genkan_sandbox.records import print_box, write_ready_file, write_run_record
from genkan_sandbox.sites import scheduler_configuration
from genkan_sandbox.supervision.components import Component
from genkan_sandbox.supervision.leftovers import end_sandbox_processes
from genkan_sandbox.supervision.supervisor import Supervisor
from genkan_spawner.api import KubernetesApi

STOP_ORDER = (
    ("hub", "proxy", "nodes", real_node.COMPONENT),
    ("kube-scheduler", "kube-controller-manager"),
    ("kube-apiserver",),
    ("etcd",),
)
"""Pods end while the API server can still be told of it, and the store is the last to go."""

START_SECONDS = 600
"""A start that takes longer waits for what will not come, such as a hub that its own configuration moved elsewhere."""

KUBECONFIGS = {
    Identity.ADMINISTRATOR: "admin.kubeconfig",
    Identity.NODE_AGENT: "nodes.kubeconfig",
    Identity.CONTROLLER_MANAGER: "controller-manager.kubeconfig",
    Identity.SCHEDULER: "scheduler.kubeconfig",
}


class Sandbox:
    """Runs until a signal, or until a component cannot be kept alive; made inside a running event loop."""

    def __init__(self, plan: Plan, *, progress: Progress, doors: Sequence[Door] = ()) -> None:
        self._plan = plan
        self._doors = doors
        self._progress = progress
        self._password = plan.state.remember("hub/password", secrets.token_urlsafe(9))
        self._id = plan.state.id
        self._ready = False
        self._isolation = ""
        self._repairs: set[asyncio.Task[None]] = set()
        self._supervisor = Supervisor(
            self._id, announce=progress.say, changed=self._write_record, restarted=self._restarted
        )

    async def run(self) -> None:
        """Start everything, write the ready file, keep all running, and end all; raises ComponentError."""
        stopped = self._listen_for_signals()
        async with doors_open(self._doors):
            try:
                await self._supervisor.while_running(_unless(stopped, self._start_in_time()))
                if not stopped.is_set():
                    self._announce_ready()
                await self._supervisor.while_running(_unless(stopped, asyncio.Event().wait()))
            finally:
                await self._stop()

    async def _start_in_time(self) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._start()
        except TimeoutError as e:
            raise ComponentError(
                f"The sandbox was not ready after {START_SECONDS // 60} minutes.",
                mend=f"Its logs are in {self._plan.state.logs}.",
            ) from e

    async def _start(self) -> None:
        async with self._step("Starting the control plane"):
            scheduler_file = self._write_files()
            plan, state = self._plan, self._plan.state
            await self._supervisor.start(components.etcd(plan.binaries, state))
            policy = state.write("audit-policy.json", json.dumps(audit_policy())) if plan.audit else None
            await self._supervisor.start(
                components.api_server(
                    plan.binaries,
                    state,
                    address=plan.address,
                    ports=plan.ports,
                    audit_policy=policy,
                    real_node=plan.real_node is not None,
                )
            )
            async with await KubernetesApi.connect(state.admin_kubeconfig) as api:
                await bootstrap.control_plane_answers(api)
        async with await KubernetesApi.connect(state.admin_kubeconfig) as api:
            await bootstrap.forget_isolation(api)
            kubeconfig = state.root / KUBECONFIGS[Identity.CONTROLLER_MANAGER]
            for component in (
                components.controller_manager(plan.binaries, state, kubeconfig=kubeconfig),
                components.scheduler(plan.binaries, state, configuration=scheduler_file),
                self._node_agent(),
            ):
                await self._supervisor.start(component)
            await self._furnish(api)
            self._isolation = (
                await bootstrap.isolation_sentence(api)
                if self._plan.real_node is None
                else f"containers of the node {self._plan.real_node.name}, this machine"
            )

    @asynccontextmanager
    async def _step(self, title: str) -> AsyncIterator[None]:
        """Show a step that waits for other processes, with a sign of life each second."""
        with self._progress.step(title) as step:

            async def tick() -> None:
                while True:
                    await asyncio.sleep(1)
                    step.update()

            ticking = asyncio.create_task(tick())
            try:
                yield
            finally:
                ticking.cancel()

    def _write_files(self) -> Path:
        """Write certificates, tokens and configuration for this start; return the scheduler's file."""
        plan, state = self._plan, self._plan.state
        node = Node(plan.real_node.name, NODE_ADDRESS) if plan.real_node is not None else None
        prepare_certificates(state.certificates, host=plan.address.host, node=node)
        tokens = make_tokens()
        kubelet = NodeToken(node.name, secrets.token_urlsafe(32)) if node is not None else None
        state.write("tokens.csv", token_file(tokens, kubelet=kubelet))
        if plan.real_node is not None and kubelet is not None:
            state.write("kubelet.kubeconfig", plan.kubeconfig(kubelet.token))
            state.write(plan.catalogue_file.name, plan.real_node.catalogue)
        for identity, name in KUBECONFIGS.items():
            state.write(name, plan.kubeconfig(tokens[identity]))
        kubeconfig = state.root / KUBECONFIGS[Identity.SCHEDULER]
        configuration = scheduler_configuration(plan.site, kubeconfig=kubeconfig)
        return state.write("scheduler.json", json.dumps(configuration, indent=1))

    async def _furnish(self, api: KubernetesApi) -> None:
        """Apply the site, and start the hub as soon as its account is there."""
        plan = self._plan
        namespaces = [manifest for manifest in plan.manifests if manifest["kind"] == "Namespace"]
        await bootstrap.apply_all(api, bootstrap.storage_classes(real_node=plan.real_node is not None))
        await bootstrap.apply_site(api, namespaces)
        accounts = {"hub": HUB_ACCOUNT, "cluster-page": CLUSTER_PAGE_ACCOUNT}
        if plan.platform is None:
            roles = role_manifests(plan.site.hub_namespace, servers=plan.site.server_namespaces)
            await bootstrap.apply_all(api, roles)
        else:
            await bootstrap.apply_platform(api, plan.platform)
            # The hub's own process starts the page there.
            accounts["cluster-page"] = HUB_ACCOUNT
        tokens = {
            account: await account_token(api, account, namespace=plan.site.hub_namespace)
            for account in dict.fromkeys(accounts.values())
        }
        for name, account in accounts.items():
            kubeconfig = plan.kubeconfig(tokens[account], namespace=plan.site.hub_namespace)
            plan.state.write(f"{name}.kubeconfig", kubeconfig)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._open_site(api))
            if plan.with_hub:
                tasks.create_task(self._start_hub())

    async def _open_site(self, api: KubernetesApi) -> None:
        plan = self._plan
        async with self._step(f"Opening the site {plan.site_name} with {len(plan.nodes)} nodes"):
            await bootstrap.prune_site(api, plan.manifests)
            await bootstrap.apply_site(api, plan.manifests)
            if plan.real_node is None:
                await bootstrap.nodes_ready(api, plan.nodes, endpoint=Endpoint(plan.address.host, plan.ports.nodes))
        if plan.real_node is not None:
            await self._start_real_node(api, plan.real_node)

    async def _start_real_node(self, api: KubernetesApi, node: real_node.RealNode) -> None:
        async with self._step(f"Starting the node {node.name}"):
            since = timestamp(now())
            await bootstrap.apply_all(api, [kubelet_access()])
            await self._supervisor.start(node.component(self._plan.state))
            await bootstrap.real_node_ready(api, node.name, offered=node.pool.offered, since=since)

    async def _start_hub(self) -> None:
        plan, state = self._plan, self._plan.state
        async with self._step("Starting JupyterHub"):
            settings = HubSettings(
                public_url=plan.public_url,
                hub_url=plan.hub_url,
                proxy_api_url=plan.proxy_api_url,
                cluster_page_url=plan.cluster_page_url,
                cluster_page_kubeconfig=state.cluster_page_kubeconfig,
                pod_port=plan.ports.pod,
                namespace=plan.site.hub_namespace,
                folder=state.hub,
                password=self._password,
                supervisor_token=self._supervisor_token,
                crypt_key=state.remember("hub/crypt_key", secrets.token_hex(32)),
                users=plan.users,
                catalogue_file=plan.catalogue_file,
                storage_class=LOCAL_CLASS if plan.real_node is not None else "shared",
                site_config=plan.hub_config,
            )
            token = state.remember("hub/proxy_token", secrets.token_hex(32))
            proxy = hub_components.proxy(
                plan.binaries,
                state,
                address=plan.address,
                ports=plan.ports,
                hub_url=plan.hub_url,
                proxy_token=token,
            )
            await self._supervisor.start(proxy)
            await self._supervisor.start(hub_components.hub(state, settings, proxy_token=token))
            await hub_answers(plan.public_url)

    @property
    def _supervisor_token(self) -> str:
        return self._plan.state.remember("hub/supervisor_token", secrets.token_hex(32))

    def _restarted(self, name: str) -> None:
        """Mend what a component forgot with its end: a proxy has no memory."""
        if name == "proxy":
            repair = asyncio.create_task(fill_proxy(self._plan.hub_url, token=self._supervisor_token))
            self._repairs.add(repair)
            repair.add_done_callback(self._repairs.discard)

    def _node_agent(self) -> Component:
        plan, state = self._plan, self._plan.state
        options = [
            f"--kubeconfig={state.root / KUBECONFIGS[Identity.NODE_AGENT]}",
            f"--state={state.root}",
            f"--pod-network={plan.address.pod_network}",
            f"--address={plan.address.host}",
            f"--port={plan.ports.nodes}",
            f"--exporter-port={plan.ports.exporter}",
            f"--sandbox-id={state.id}",
            *(["--simulate"] if plan.simulate else []),
        ]
        command = (sys.executable, "-m", "genkan_sandbox.agent", *options)
        return Component(name="nodes", command=command, directory=state.root, log=state.log("nodes"))

    def _announce_ready(self) -> None:
        self._ready = True
        self._write_record()
        write_ready_file(self._plan, password=self._password, processes=self._supervisor.processes)
        print_box(self._plan, password=self._password, isolation=self._isolation, stream=sys.stdout)

    def _write_record(self) -> None:
        write_run_record(self._plan, ready=self._ready, processes=self._supervisor.processes)

    def _listen_for_signals(self) -> asyncio.Event:
        """End in order at the first signal, at once at the second; a closed terminal is one too, except under nohup."""
        stopped = asyncio.Event()

        def received(number: signal.Signals) -> None:
            if stopped.is_set():
                end_sandbox_processes(self._id, grace=0)
            else:
                self._progress.say(f"Stopping ({number.name})")
            stopped.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_IGN:
                continue
            asyncio.get_running_loop().add_signal_handler(number, partial(received, number))
        return stopped

    async def _stop(self) -> None:
        started = time.monotonic()
        for repair in self._repairs:
            repair.cancel()
        await self._supervisor.stop(STOP_ORDER)
        await asyncio.to_thread(end_sandbox_processes, self._id, grace=0)
        if self._plan.ready_file is not None:
            self._plan.ready_file.unlink(missing_ok=True)
        self._plan.state.forget_record()
        took = time.monotonic() - started
        self._progress.say(f"Stopped in {took:.1f} s. The state stays in {self._plan.state.root}.")


async def _unless(stopped: asyncio.Event, work: Coroutine[Any, Any, Any]) -> None:
    """Do the work, but leave it when a signal comes."""
    working, signalled = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({working, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, signalled):
            task.cancel()
        await asyncio.gather(working, signalled, return_exceptions=True)
