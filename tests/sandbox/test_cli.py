import errno
import os
from typing import NoReturn

import pytest

from genkan_sandbox import cli
from genkan_sandbox.exceptions import OptionError


@pytest.mark.parametrize(
    ("failure", "code", "sentence"),
    [
        (OSError(errno.EISDIR, os.strerror(errno.EISDIR), "/tmp/x"), 1, "genkan-sandbox: /tmp/x: Is a directory.\n"),  # noqa: S108
        (OptionError("No.", mend="Yes."), 2, "genkan-sandbox: No. Yes.\n"),
    ],
    ids=["the system refuses", "an option that cannot be"],
)
def test_a_failure_is_a_sentence_and_an_exit_code(
    failure: Exception,
    code: int,
    sentence: str,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> NoReturn:
        raise failure

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == sentence
