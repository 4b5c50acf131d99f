import asyncio

import pytest

from genkan_sandbox.agent.host import HostView
from genkan_sandbox.agent.sandboxing import Isolation, detect_isolation

from ...support.sandbox import require


@pytest.fixture(scope="session")
def bubblewrap() -> Isolation:
    """Bubblewrap, or a skip with the reason why it does not work on this machine."""
    isolation, reason = asyncio.run(detect_isolation(HostView.read()))
    if isolation is Isolation.NONE:
        require(reason)
    return isolation


@pytest.fixture(params=list(Isolation))
def isolation(request: pytest.FixtureRequest) -> Isolation:
    """Both ways to run containers."""
    wanted = Isolation(request.param)
    if wanted is Isolation.BUBBLEWRAP:
        request.getfixturevalue("bubblewrap")
    return wanted
