from genkan_hub import configure
from genkan_sandbox.hub.settings import HubSettings, configure_for_sandbox, forget_demo_users

settings = HubSettings.from_environment()
configure(c, catalogue_file=settings.catalogue_file, cluster_page=settings.cluster_page_url)
configure_for_sandbox(c, settings)
if settings.site_config is not None:
    load_subconfig(str(settings.site_config))
    forget_demo_users(c, settings)
