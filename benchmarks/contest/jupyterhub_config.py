from benchmarks.contest.settings import HubSettings, configure_hub

configure_hub(c, HubSettings.from_environment())
