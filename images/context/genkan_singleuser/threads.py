"""How many threads libraries start, where neither the catalogue nor the user has said so."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

THREAD_VARIABLES = (
    "BLIS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Libraries that would start a thread for each core of the machine, whatever the limit of the container."""

_MOST = "NUMEXPR_MAX_THREADS"
"""May not be less than NUMEXPR_NUM_THREADS."""

CGROUP_ROOT = Path("/sys/fs/cgroup")


def cpu_count(environ: Mapping[str, str], *, cgroup_root: Path = CGROUP_ROOT) -> int:
    """Return the cores that this container may use, at least 1.

    What JupyterHub says (CPU_LIMIT) comes first, then the limit of the control group, version 2 before 1, then the
    cores that the kernel schedules it on.
    """
    for limit in (_told(environ), _version_2(cgroup_root), _version_1(cgroup_root)):
        if limit is not None:
            return max(1, math.floor(limit))
    return len(os.sched_getaffinity(0))


def thread_variables(environ: Mapping[str, str], *, cores: int) -> dict[str, str]:
    """Return the variables that nobody has set, each for so many cores."""
    found = {name: str(cores) for name in THREAD_VARIABLES if not environ.get(name)}
    if not environ.get(_MOST):
        wanted = environ.get("NUMEXPR_NUM_THREADS") or ""
        found[_MOST] = str(max(cores, int(wanted) if wanted.isdecimal() else 0))
    return found


def _told(environ: Mapping[str, str]) -> float | None:
    return _positive(environ.get("CPU_LIMIT", ""))


def _version_2(root: Path) -> float | None:
    quota, _, period = _read(root / "cpu.max").partition(" ")
    return _quotient(quota, period)


def _version_1(root: Path) -> float | None:
    for folder in ("cpu", "cpu,cpuacct"):
        found = _quotient(_read(root / folder / "cpu.cfs_quota_us"), _read(root / folder / "cpu.cfs_period_us"))
        if found is not None:
            return found
    return None


def _quotient(quota: str, period: str) -> float | None:
    """Return cores, or None for `max`, -1 and whatever else is no limit."""
    above, below = _positive(quota), _positive(period)
    return above / below if above and below else None


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
