import errno
import os
from pathlib import Path

import pytest

from genkan_sandbox.binaries.diagnosis import Cause, cause_of, failure_of_system


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("link: write /c/go-build/b001/exe/a.out: no space left on device", Cause.ROOM),
        ("npm error code ENOSPC", Cause.ROOM),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", Cause.ROOM),
        ("cp: error writing 'x': Disk quota exceeded", Cause.ROOM),
        ("verifying go.etcd.io/etcd@v3: checksum mismatch", Cause.ALTERED),
        ("npm error code EINTEGRITY", Cause.ALTERED),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", Cause.ALTERED),
        ("k8s.io/api/core/v1: /go/tool/compile: signal: killed", Cause.MEMORY),
        ("dial tcp: lookup host on 10.0.0.1:53: no such host", Cause.NETWORK),
        ("dial tcp 192.0.2.1:443: i/o timeout", Cause.NETWORK),
        ("Temporary failure in name resolution", Cause.NETWORK),
        ("npm error code EAI_AGAIN", Cause.NETWORK),
        ("module lookup disabled by GOPROXY=off", Cause.NETWORK),
        ("main.go:3:1: syntax error", Cause.OTHER),
    ],
)
def test_causes_are_recognised(line: str, cause: Cause) -> None:
    assert cause_of(["first", line, "last"]) is cause


@pytest.mark.parametrize(
    ("number", "says", "mend"),
    [
        (
            errno.ENOSPC,
            "It failed: there is no room left on the file system of /cache.",
            "Make room there (/cache), or",
        ),
        (errno.EACCES, "It failed: /cache/file cannot be written or run (Permission denied).", "with --cache DIR."),
        (errno.EROFS, "It failed: /cache/file cannot be written or run (Read-only file system).", "with --cache DIR."),
        (errno.EIO, "It failed: /cache/file: Input/output error.", ""),
    ],
)
def test_what_the_system_refuses_is_a_sentence(number: int, says: str, mend: str) -> None:
    error = OSError(number, os.strerror(number), Path("/cache/file"))

    made = failure_of_system("It failed", error=error, place=Path("/cache"))

    assert made.sentence == says
    assert mend in (made.mend or "")
