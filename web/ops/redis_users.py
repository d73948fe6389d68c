"""Who may do what in Redis: a user for each program, and nobody without a name.

Redis holds no truth, but whoever may write everything there could stop the bells, raise limits
or pass words to the worker. Rules are as Redis 7.2 and Valkey 8 read them.
"""

import hashlib
from collections.abc import Mapping

# Whoever runs the server.
OWNER = "owner"

_GREET = "+auth +hello +ping +quit +reset +select +client|setinfo +client|setname"
_SCRIPT = "+eval +evalsha +script|load"
# The keys of the bell, and as much of RQ's as putting a job on the queue takes.
_RINGS = (
    f"{_GREET} {_SCRIPT} +info +multi +exec +publish &fillwire:changes "
    "~fillwire:bell:* +set +llen +lpush +del +blpop "
    "%W~rq:job:* %W~rq:queue:drain %W~rq:queues +hset +rpush +sadd +expire +persist"
)

# Staff's page of what failed: RQ's list of it, what each job says of its end, putting one back,
# discarding one. Each in brackets stands for itself: its commands on its keys.
_FAILED = (
    "(+zrange +zrem +zremrangebyscore ~rq:failed:drain) (+hgetall %R~rq:job:*) "
    "(+xrevrange %R~rq:results:*)"
)

RULES: Mapping[str, str] = {
    OWNER: "~* &* +@all",
    "web": f"{_RINGS} {_FAILED}",
    "relay": _RINGS,
    # Keeps RQ's books, and drains.
    "worker": (
        "~fillwire:bell:* ~rq:* &fillwire:changes &rq:pubsub:* "
        "+@all -@admin -@dangerous -function -script|flush -script|kill +info +client|list"
    ),
    "live": f"{_GREET} &fillwire:changes +subscribe +unsubscribe",
    "execution": (
        f"{_GREET} {_SCRIPT} ~fillwire:limit:* +time +info +hmget +hgetall +hset +hdel +del"
    ),
}


def acl(passwords: Mapping[str, str]) -> str:
    """The ACL file for these users; it holds no password, only what tells a right one."""
    users = [
        f"user {name} on #{hashlib.sha256(passwords[name].encode()).hexdigest()} "
        f"resetchannels {rules}"
        for name, rules in RULES.items()
        if name in passwords
    ]
    return "\n".join(["user default off resetchannels -@all", *users]) + "\n"
