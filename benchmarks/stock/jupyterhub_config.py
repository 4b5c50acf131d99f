"""The stock KubeSpawner with everything that Genkan sets for its own: the other side of the comparison."""

from traitlets.config import Config

from genkan_hub import configure
from genkan_profiles import SAMPLE, compile_profiles, load_catalogue, offers_for

ours = Config()
configure(ours)
for trait, value in ours.GenkanSpawner.items():
    if trait != "catalogue_file":
        c.KubeSpawner[trait] = value
# The catalogue of the site, as the user who measures is offered it.
c.KubeSpawner.profile_list = compile_profiles(offers_for(load_catalogue(SAMPLE), ["vision"]))

# What GenkanSpawner has as defaults of its own and a server cannot do without.
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
c.KubeSpawner.uid = 1000
c.KubeSpawner.fs_gid = 100
c.KubeSpawner.delete_pvc = False
c.KubeSpawner.pod_security_context = {
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
    "fsGroupChangePolicy": "OnRootMismatch",
}
c.KubeSpawner.container_security_context = {"capabilities": {"drop": ["ALL"]}}

c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
