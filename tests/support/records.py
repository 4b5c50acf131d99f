"""What the ready file of a sandbox says."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class User(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    password: str
    groups: tuple[str, ...]
    admin: bool


class ReadyFile(BaseModel):
    """Forbids what is not promised and misses nothing that is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None
    users: tuple[User, ...]
    kubeconfig: Path
    namespace: str
    gpu_metrics: str
    pids: dict[str, int]
