"""The command lines of JupyterHub and of the proxy in front of it."""

import sys
from pathlib import Path

from genkan_sandbox.binaries import Binaries
from genkan_sandbox.control_plane.addresses import Ports, SandboxAddress
from genkan_sandbox.hub.settings import SETTINGS, HubSettings
from genkan_sandbox.state import StateDirectory
from genkan_sandbox.supervision.components import Component


def hub(state: StateDirectory, settings: HubSettings, *, proxy_token: str) -> Component:
    """JupyterHub with the rights of the hub's ServiceAccount."""
    configuration = Path(__file__).with_name("jupyterhub_config.py")
    return Component(
        name="hub",
        command=(sys.executable, "-m", "jupyterhub", f"--config={configuration}"),
        directory=state.hub,
        log=state.log("hub"),
        environment={
            "CONFIGPROXY_AUTH_TOKEN": proxy_token,
            "KUBECONFIG": str(state.hub_kubeconfig),
            SETTINGS: str(settings.write()),
        },
    )


def proxy(
    binaries: Binaries, state: StateDirectory, *, address: SandboxAddress, ports: Ports, hub_url: str, proxy_token: str
) -> Component:
    """configurable-http-proxy, which sends what it knows nothing about to the hub."""
    flags = [
        f"--ip={address.host}",
        f"--port={ports.public}",
        f"--api-ip={address.host}",
        f"--api-port={ports.proxy_api}",
        f"--default-target={hub_url}",
        f"--error-target={hub_url}/hub/error",
    ]
    return Component(
        name="proxy",
        command=(*binaries.proxy, *flags),
        directory=state.hub,
        log=state.log("proxy"),
        environment={"CONFIGPROXY_AUTH_TOKEN": proxy_token},
    )
