"""Make the demo tenant and print it as JSON: `python -m web.ops.seed STRATEGIES`."""

import contextlib
import json
import sys

from protos import log


def main(strategies: int) -> None:
    """Seed and print; run by the supervisor with the environment of web."""
    from web import demo

    log.configure("seed")
    with contextlib.redirect_stdout(sys.stderr):
        seeded = demo.seed(strategies)
    print(json.dumps(seeded))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
