import shutil

import pytest

from ...support.sandbox import require


@pytest.fixture
def promtool() -> str:
    """Prometheus' own tool for its files."""
    return shutil.which("promtool") or require("There is no promtool here. On Debian: apt-get install prometheus")
