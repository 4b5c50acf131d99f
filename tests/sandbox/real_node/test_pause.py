import platform
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from genkan_sandbox.binaries.modules import architecture
from genkan_sandbox.real_node.pause import pause_program


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="there is no program for this architecture")
def test_it_waits_without_computing_until_it_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(pause_program(architecture()))
    program.chmod(0o755)

    process = subprocess.Popen([program])
    try:
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGCONT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        assert psutil.Process(process.pid).cpu_times().user < 0.1
    finally:
        process.kill()
    assert process.wait(10) == -signal.SIGKILL


def test_other_architectures_have_none() -> None:
    with pytest.raises(KeyError):
        pause_program("s390x")
