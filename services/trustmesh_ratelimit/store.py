"""Counters in Redis, shared by all instances."""

from __future__ import annotations

import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from trustmesh_chassis.errors import Unavailable
from trustmesh_ratelimit.ports import Count
from trustmesh_ratelimit.rates import Bucket

_TIMEOUT = 0.25
_CONNECTIONS = 32
_NAMESPACE = "trustmesh"


class RedisCounters:
    """Counters of the `limits` library; each hit is atomic in Redis, by a script. Keys expire after two windows."""

    def __init__(self, url: str) -> None:
        """`url` is redis://, rediss:// or unix://, as redis-py reads it. Nothing is connected yet."""
        self._pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_TIMEOUT,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            # Once more and at once, for a connection that broke while it was idle: the gateway waits for 20 ms.
            retry=Retry(NoBackoff(), 1),
        )
        self._storage = RedisStorage(
            "async+redis://",
            wrap_exceptions=True,
            implementation="redispy",
            connection_pool=self._pool,  # type: ignore[arg-type]  # handed on to redis-py, whatever its type
        )
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)

    async def hit(self, bucket: Bucket, cost: int) -> Count:
        item = RateLimitItemPerSecond(bucket.rate.requests, bucket.rate.seconds, namespace=_NAMESPACE)
        try:
            passed = await self._limiter.hit(item, bucket.key, cost=cost)
            reset, remaining = await self._limiter.get_window_stats(item, bucket.key)
        except StorageError as error:
            raise Unavailable("The counters are not available.", retry_after=1.0) from error
        # The library takes the time from the system's clock, so the difference is to that one.
        return Count(passed, remaining, max(0.0, reset - time.time()))

    async def check(self) -> None:
        if not await self._storage.check():
            raise Unavailable("Redis does not answer.", retry_after=1.0)

    async def close(self) -> None:
        await self._pool.aclose()
