from genkan_hub import configure
from genkan_sandbox.hub.settings import HubSettings, configure_for_sandbox

configure(c)
configure_for_sandbox(c, HubSettings.from_environment())
