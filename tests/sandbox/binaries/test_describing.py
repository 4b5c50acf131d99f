import json

from genkan_sandbox.binaries import Provenance, Source, describe, to_json

PROGRAMS = (
    Provenance(name="etcd", version="3.6.16", command=("/c/etcd",), source=Source.CACHE, made_by=Source.BUILD),
    Provenance(name="proxy", version="5.3.0", command=("/usr/bin/node", "/c/proxy"), source=Source.NPM),
)


def test_people_get_aligned_lines() -> None:
    assert describe(PROGRAMS) == (
        "etcd   3.6.16  in the cache (built)  /c/etcd",
        "proxy  5.3.0   installed with npm    /usr/bin/node /c/proxy",
    )


def test_programs_get_json() -> None:
    assert json.loads(json.dumps(to_json(PROGRAMS)))["etcd"] == {
        "version": "3.6.16",
        "command": ["/c/etcd"],
        "source": "cache",
        "made_by": "build",
    }
