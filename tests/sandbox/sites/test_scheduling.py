from pathlib import Path

from genkan_sandbox.sites import load_site, scheduler_configuration

CONFIG = Path("/state/sched.kubeconfig")


def test_packing_prefers_the_fullest_node_and_weighs_every_kind_of_device() -> None:
    configuration = scheduler_configuration(load_site("datacenter"), kubeconfig=CONFIG)

    assert configuration == {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": "/state/sched.kubeconfig", "qps": 1000, "burst": 2000},
        "leaderElection": {"leaderElect": False},
        "percentageOfNodesToScore": 100,
        "profiles": [
            {
                "schedulerName": "default-scheduler",
                "pluginConfig": [
                    {
                        "name": "NodeResourcesFit",
                        "args": {
                            "apiVersion": "kubescheduler.config.k8s.io/v1",
                            "kind": "NodeResourcesFitArgs",
                            "scoringStrategy": {
                                "type": "MostAllocated",
                                "resources": [
                                    {"name": "cpu", "weight": 1},
                                    {"name": "memory", "weight": 1},
                                    {"name": "nvidia.com/gpu", "weight": 5},
                                    {"name": "nvidia.com/gpu.shared", "weight": 5},
                                    {"name": "nvidia.com/mig-1g.10gb", "weight": 5},
                                    {"name": "nvidia.com/mig-3g.40gb", "weight": 5},
                                ],
                            },
                        },
                    }
                ],
            }
        ],
    }


def test_without_packing_the_scheduler_keeps_its_own_way() -> None:
    site = load_site("workstations")
    spread = site.model_copy(update={"scheduler": site.scheduler.model_copy(update={"packing": False})})

    configuration = scheduler_configuration(spread, kubeconfig=CONFIG)

    assert configuration["profiles"] == [{"schedulerName": "default-scheduler"}]
