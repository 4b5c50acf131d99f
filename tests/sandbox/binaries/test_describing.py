import json
from pathlib import Path

from genkan_sandbox.binaries import Binaries, Provenance, Source, describe, to_json

BINARIES = Binaries(
    etcd=Path("/c/etcd"),
    kube_apiserver=Path("/c/kube-apiserver"),
    kube_controller_manager=Path("/c/kube-controller-manager"),
    kube_scheduler=Path("/c/kube-scheduler"),
    proxy=("/usr/bin/node", "/c/proxy"),
    provenance=(
        Provenance(name="etcd", version="3.6.16", command=("/c/etcd",), source=Source.CACHE, made_by=Source.BUILD),
        Provenance(name="proxy", version="5.3.0", command=("/usr/bin/node", "/c/proxy"), source=Source.NPM),
    ),
)


def test_people_get_aligned_lines() -> None:
    assert describe(BINARIES) == (
        "etcd   3.6.16  in the cache (built)  /c/etcd",
        "proxy  5.3.0   installed with npm    /usr/bin/node /c/proxy",
    )


def test_programs_get_json() -> None:
    assert json.loads(json.dumps(to_json(BINARIES)))["etcd"] == {
        "version": "3.6.16",
        "command": ["/c/etcd"],
        "source": "cache",
        "made_by": "build",
    }
