"""When a process looks for what its own references keep alive: seldom, for it stands still then.

What most work makes is freed by counting references, and needs no looking for.
"""

import gc

# Of what a fan-out makes, thousands of trades are alive at once for a while.
_MANY, _SOME = 2_000_000, 50_000


def settle(*, keeps_much: bool = False) -> None:
    """After the start: what is there by now stays, and is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MANY if keeps_much else _SOME, 20, 100)
