"""Make the demo tenant and print it as JSON: `python -m web.ops.seed STRATEGIES`."""

import json
import sys


def main(strategies: int) -> None:
    """Seed and print; run by the supervisor with the environment of web."""
    from protos import log
    from web import demo

    log.configure("seed")

    print(json.dumps(demo.seed(strategies)))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
