"""Hurt a whole Fillwire and see whether it keeps its promises.

Every trial starts a stack of its own: web, workers, two instances of execution, relay, Valkey,
PostgreSQL, and the paper venue behind a proxy. It sends signals, hurts the stack meanwhile,
waits until everything is at rest, and has the checker compare the sender's history, the
database and the venue's arrival log.

Exit code 0: every promise was kept. 1: one was broken, or the stack was not at rest in time;
`findings` in the report say what the checker found, `broken` what the trial asks beside it,
`away` which process did not come back, `missed` which fault found nobody to strike.
Each trial has its own numbers: `python -m tests.chaos full --help`.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.chaos import trials
from tests.chaos.trial import trial


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    made = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--seed", type=int, default=1, help="draws the schedule of faults")
    common.add_argument("--report", type=Path, metavar="FILE", help="write the result as JSON")
    common.add_argument("--keep", action="store_true", help="leave the data folder with its logs")
    common.add_argument("--executions", type=int, default=2, help="instances [2]")
    verbs = made.add_subparsers(dest="trial", required=True, metavar="TRIAL")
    for each in trials.TRIALS:
        verb = verbs.add_parser(
            each.name, parents=[common], help=each.help, description=f"{each.help}."
        )
        for name, (default, text) in each.numbers.items():
            verb.add_argument(
                f"--{name}", type=type(default), default=default, help=f"{text} [{default}]"
            )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one trial."""
    given = parser().parse_args(arguments)
    chosen = trials.BY_NAME[given.trial]
    plan = chosen.plan(given)
    with trial(plan, keep=given.keep) as running:
        result = chosen.run(running, given)
    print(result)
    if given.report:
        given.report.write_text(json.dumps(result.as_data(), indent=2, default=str))
    print("every promise was kept" if result.ok else f"BROKEN; --seed {plan.seed} draws it again")
    return 0 if result.ok else 1


if __name__ == "__main__":
    # Asked to end, it takes its stack with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
