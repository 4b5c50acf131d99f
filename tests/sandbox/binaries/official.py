"""An official host on this machine, which serves a folder."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from genkan_sandbox.binaries.components import ETCD, HELM, KUBERNETES
from genkan_sandbox.binaries.modules import architecture
from genkan_sandbox.binaries.workshop import Addresses


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it)
        pass


@dataclass(frozen=True, slots=True)
class OfficialHost:
    folder: Path
    url: str

    @property
    def addresses(self) -> Addresses:
        return Addresses(kubernetes=self.url, etcd=f"{self.url}/etcd", helm=f"{self.url}/helm")

    @property
    def programs(self) -> Path:
        """Folder of Kubernetes' programs."""
        return self._folder(f"v{KUBERNETES.version}/bin/linux/{architecture()}")

    @property
    def etcd_release(self) -> Path:
        return self._folder(f"etcd/v{ETCD.version}")

    @property
    def etcd_archive(self) -> Path:
        return self.etcd_release / f"etcd-v{ETCD.version}-linux-{architecture()}.tar.gz"

    @property
    def helm_archive(self) -> Path:
        return self._folder("helm") / f"helm-v{HELM.version}-linux-{architecture()}.tar.gz"

    def publish(self) -> None:
        """Put everything there, with the right checksums."""
        for component in KUBERNETES.components:
            script = f"#!/bin/sh\necho Kubernetes v{KUBERNETES.version}\n".encode()
            (self.programs / component.name).write_bytes(script)
            (self.programs / f"{component.name}.sha256").write_text(hashlib.sha256(script).hexdigest())
        etcd = f"etcd-v{ETCD.version}-linux-{architecture()}/etcd"
        archive = _archive(etcd, f"#!/bin/sh\necho etcd Version: {ETCD.version}\n".encode())
        self.etcd_archive.write_bytes(archive)
        lines = [f"{'0' * 64}  other.tar.gz", f"{hashlib.sha256(archive).hexdigest()}  {self.etcd_archive.name}", ""]
        (self.etcd_release / "SHA256SUMS").write_text("\n".join(lines))
        archive = _archive(f"linux-{architecture()}/helm", f"#!/bin/sh\necho v{HELM.version}+gabc\n".encode())
        self.helm_archive.write_bytes(archive)
        self.helm_archive.with_name(f"{self.helm_archive.name}.sha256sum").write_text(
            f"{hashlib.sha256(archive).hexdigest()}  {self.helm_archive.name}\n"
        )

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@contextmanager
def official_host(folder: Path) -> Iterator[OfficialHost]:
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.02))
        thread.start()
        try:
            yield OfficialHost(folder=folder, url=f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def _archive(name: str, program: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(program)
        tar.addfile(member, io.BytesIO(program))
    return content.getvalue()
