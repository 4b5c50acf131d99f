"""What a cluster in which nothing happens costs, hour by hour."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.snapshot import Source
from genkan_spawner.exceptions import UnreachableError

from ...support.fake_cluster import FakeCluster
from ...support.jumping import in_jumping_time

MINUTES = 120
MOST_PER_MINUTE = 4.0


class SilentCluster(FakeCluster):
    """Has nothing to tell, not even a bookmark."""

    def __init__(self) -> None:
        super().__init__()
        self.watches = 0

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if "watch" in query:
            self.watches += 1
            yield _nothing(silence)
        else:
            async with super().stream(path, query=query, silence=silence) as lines:
                yield lines


async def _nothing(silence: float) -> AsyncIterator[bytes]:
    await asyncio.sleep(silence)
    raise UnreachableError.from_exception(TimeoutError()) from TimeoutError()
    yield b""


@in_jumping_time
async def test_a_hub_at_rest_asks_for_little_and_stays_sure() -> None:
    cluster = SilentCluster()
    async with ClusterCache(cluster, clock=asyncio.get_running_loop().time) as cache:
        await cache.wait_ready(10)
        for _ in range(MINUTES):
            await asyncio.sleep(60)
            assert cache.snapshot().knows(*Source)

    assert cluster.watches / MINUTES <= MOST_PER_MINUTE
