"""The pool in Redis that lends parts of limits; see `sharing`. Loaded only when there is
somebody to share with."""

import asyncio
from collections.abc import Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from execution.limits.sharing import Share

log = structlog.get_logger()

TIMEOUT_SECONDS = 0.05
# After a failure Redis is left alone for this long.
REST_SECONDS = 1.0

# A field is an instance: units, the end of the loan, until when it wanted more.
_BORROW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local me, pool, want = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local loan, late = tonumber(ARGV[4]), tonumber(ARGV[5])
local known = redis.call('HMGET', KEYS[1], '#run', '#opens')
if known[1] ~= run then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], '#run', run, '#opens', now + loan + late)
    return {0, pool}
end
if tonumber(known[2]) > now then return {0, pool} end
local lent, wanting, rows = 0, 0, redis.call('HGETALL', KEYS[1])
for at = 1, #rows, 2 do
    local who = rows[at]
    if who ~= me and string.sub(who, 1, 1) ~= '#' then
        local units, ends, wants = string.match(rows[at + 1], '(%d+) (%d+) (%d+)')
        if tonumber(ends) + late < now then
            redis.call('HDEL', KEYS[1], who)
        else
            lent = lent + tonumber(units)
            if tonumber(wants) > now then wanting = wanting + 1 end
        end
    end
end
local mine = math.max(math.min(want, pool - lent), 0)
local wants = 0
if mine < want then wants = now + loan end
redis.call('HSET', KEYS[1], me, mine .. ' ' .. (now + loan) .. ' ' .. wants)
local fair = pool
if wanting > 0 then fair = math.floor(pool / (wanting + 1)) end
return {mine, fair}
"""


class Pool:
    """Redis, as lender; or nobody, while it is away."""

    def __init__(self, redis_url: str, instance: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=None,
        )
        self._instance = instance
        self._borrow = self._redis.register_script(_BORROW)
        self._rest_until = 0.0

    async def borrow(self, wants: Sequence[tuple[Share, int]]) -> list[tuple[int, int]] | None:
        """Borrow for all shares in one round trip: units and the fair part of each; None when
        the pool was not reached."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._rest_until:
            return None
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._redis.pipeline(transaction=False) as pipe,
            ):
                for share, want in wants:
                    late = (share.meter.limit.window + share.pace.late) // 1000
                    arguments: list[str | int] = [
                        self._instance,
                        share.pool,
                        want,
                        share.pace.loan // 1000,
                        late,
                    ]
                    await self._borrow(keys=[share.name], args=arguments, client=pipe)
                return [(int(units), int(fair)) for units, fair in await pipe.execute()]
        except (RedisError, OSError, TimeoutError) as error:
            self._rest_until = loop.time() + REST_SECONDS
            log.warning("limits_not_shared", cause=error)
            return None

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()
