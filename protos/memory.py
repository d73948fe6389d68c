"""When a process looks for what only its own references keep alive: it stands still meanwhile.

What most work makes is freed by counting references, and needs no looking for. What is left are
a few objects of each call that gRPC serves, so none of it may be left for ever either.
"""

import asyncio
import gc

# How many objects, made and not freed since it last looked.
_SOME = 50_000
# So many are looked through within 5 ms; of so few nothing is worth a look.
_SHORT, _FEW = 10_000, 100
_TIDY_SECONDS = 1.0


def settle() -> None:
    """After the start: what is there by now stays, and is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_SOME, 20, 100)


async def keep_tidy() -> None:
    """For ever, in a process that keeps much of what it makes: look each second, instead of
    whenever very much was made.

    Trades are kept for a while, 60 objects each: looking through two million took 0.9 s. What a
    burst made is therefore not looked through at all; it is freed as ever when it is no longer
    referred to.
    """
    settle()
    gc.disable()
    while True:
        await asyncio.sleep(_TIDY_SECONDS)
        tidy()


def tidy() -> None:
    """Free what is only referred to by itself. What is left is looked through again, until it is
    very much."""
    made = gc.get_count()[0]
    if made < _FEW:
        return
    if made <= _SHORT:
        gc.collect()
        if len(gc.get_objects()) <= _SHORT:
            return
    gc.freeze()
