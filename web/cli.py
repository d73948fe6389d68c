"""The `fillwire` command: one short function a verb, each importing only what it calls."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from web import certs, halt, questions, staff_command, vaults
from web.audit import command as audit
from web.privacy import command as privacy

ROOT = Path(__file__).resolve().parents[1]


class Verbs(click.Group):
    """Lists verbs in the order of this file, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name=None, version="0.1.0", prog_name="fillwire")
@click.pass_context
def main(context: click.Context) -> None:
    """Turns trade alerts into broker orders, exactly once, in order, every step visible.

    Start with `fillwire up --demo`. Each verb has --help with an example.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _data_dir() -> Path:
    return Path(os.environ.get("FILLWIRE_DATA_DIR") or ROOT / ".fillwire").absolute()


def _say(line: str) -> None:
    try:
        click.echo(line)
        sys.stdout.flush()
    except OSError:  # nobody reads any more; the stack goes on
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115


def _run_all(commands: Sequence[Sequence[str]], beside: Sequence[str] = ()) -> None:
    """Run each; exit 1 at the end if any failed, so that one run shows all there is.

    The one beside has the processor while the others leave it idle, and is heard last.
    """
    import subprocess

    folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    failed = []
    with tempfile.TemporaryFile() as said:
        patient = ["nice", "-n", "19", *beside]
        aside = beside and subprocess.Popen(
            patient, cwd=ROOT, env=environment, stdout=said, stderr=said
        )
        for command in commands:
            click.secho("$ " + " ".join(command), bold=True)
            if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
                failed.append(command[0])
        if aside:
            click.secho("$ " + " ".join(beside), bold=True)
            if aside.wait() != 0:
                failed.append(beside[0])
            said.seek(0)
            click.echo(said.read().decode(errors="replace"), nl=False)
    if failed:
        raise click.ClickException("failed: " + ", ".join(failed))


@main.command()
@click.option("--demo", is_flag=True, help="Make a tenant to try it with, and print its sign-in.")
@click.option("--strategies", default=1, show_default=True, help="How many the demo has.")
@click.option("--executions", default=1, show_default=True, help="How many take orders to brokers.")
@click.option("--mutual-tls", is_flag=True, help="Let processes show each other certificates.")
@click.option("--port", type=int, help="Port of the site.  [default: 8000 if free]")
@click.option("--data-dir", type=click.Path(path_type=Path), help="[default: .fillwire]")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Written when all is ready.")
def up(
    demo: bool,
    strategies: int,
    executions: int,
    mutual_tls: bool,
    port: int | None,
    data_dir: Path | None,
    ready_file: Path | None,
) -> None:
    """Start everything and keep it running; Ctrl-C stops it.

    With DATABASE_URL and REDIS_URL set it uses those servers, otherwise private ones.

    \b
    Example: fillwire up --demo --port 8080
    """
    from web.ops import places, roles, stack, state, supervisor

    options = stack.Options(
        data_dir=(data_dir or _data_dir()).absolute(),
        port=port,
        ready_file=ready_file.absolute() if ready_file else None,
        demo=demo,
        strategies=strategies,
        executions=max(executions, 1),
        mutual_tls=mutual_tls,
    )
    expected = (
        stack.CannotStart,
        state.Busy,
        places.NoServer,
        supervisor.GaveUp,
        roles.MigrationFailed,
    )
    try:
        stack.up(options, _say)
    except expected as problem:
        raise click.ClickException(str(problem)) from None


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(pytest_arguments: tuple[str, ...]) -> None:
    """Run every check and every test; with arguments, pytest alone with those.

    \b
    Example: fillwire test
    Example: fillwire test tests/unit -k settings
    """
    if pytest_arguments:
        _run_all([["pytest", *pytest_arguments]])
    else:
        _run_all([*LINTERS, *SUITES], beside=TYPES)


# Side by side, file by file, the slow ones first. They wait for the database
# now and then, so there is one more than there are cores. What hurts a whole stack mostly waits,
# but two of those at once are enough for two cores.
_SIDE_BY_SIDE = ["--dist", "loadfile", "--no-loadscope-reorder"]
_AT_ONCE = str(min((os.cpu_count() or 2) + 1, 4))
SUITES = (
    ["pytest", "--ignore", "tests/e2e", "-n", _AT_ONCE, *_SIDE_BY_SIDE],
    ["pytest", "tests/e2e", "-n", "2", *_SIDE_BY_SIDE],
)
LINTERS = (
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["lint-imports", "--no-cache"],
)
# Half a minute, which whole stacks leave idle.
TYPES = ["mypy"]


@main.command("lint-code")
def lint_code() -> None:
    """Check style, types and import contracts.

    \b
    Example: fillwire lint-code
    """
    _run_all([*LINTERS, TYPES])


@main.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="[default: .fillwire]")
def doctor(data_dir: Path | None) -> None:
    """Look at this machine and at a running stack; say what is wrong and the cure.

    \b
    Example: fillwire doctor
    """
    from web.ops import doctor as examination

    findings = examination.examine((data_dir or _data_dir()).absolute())
    for finding in findings:
        click.echo(finding.line)
    if not all(finding.fine for finding in findings):
        raise SystemExit(1)


@main.command()
def migrate() -> None:
    """Bring the database in DATABASE_URL (its owner) to the newest schema.

    Runtime roles with a password in their FILLWIRE_*_DATABASE_URL are let in with it.

    \b
    Example: DATABASE_URL=postgresql://fillwire_owner:…@db/fillwire fillwire migrate
    """
    from web.ops import roles

    owner = os.environ.get("DATABASE_URL")
    if not owner:
        raise click.ClickException("set DATABASE_URL to the URL of the database's owner")
    try:
        roles.upgrade(owner)
        roles.let_in(owner, roles.passwords_in(os.environ))
    except roles.MigrationFailed as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("The schema is up to date.")


@main.command()
def web() -> None:
    """Serve webhooks, pages and API on FILLWIRE_WEB_BIND.

    \b
    Example: FILLWIRE_WEB_BIND=0.0.0.0:8000 fillwire web
    """
    _become("web.serve", "web")


@main.command()
def live() -> None:
    """Serve event streams for open pages on FILLWIRE_LIVE_BIND.

    \b
    Example: FILLWIRE_LIVE_BIND=0.0.0.0:8001 fillwire live
    """
    _become("web.serve", "live")


@main.command()
def worker() -> None:
    """Drain due strategies whenever the bell rings; run as many as you like.

    \b
    Example: fillwire worker
    """
    from web import jobs

    jobs.run_worker()


@main.command()
def relay() -> None:
    """Sweep, keep timers and project facts; one is active, others stand by.

    \b
    Example: fillwire relay
    """
    from web import relay as loops

    loops.run()


@main.command()
def execution() -> None:
    """Serve the execution contract on FILLWIRE_EXECUTION_BIND.

    \b
    Example: FILLWIRE_EXECUTION_BIND=0.0.0.0:50051 fillwire execution
    """
    _become("execution")


@main.command()
def paper() -> None:
    """Serve the paper venue on FILLWIRE_PAPER_BIND.

    \b
    Example: FILLWIRE_PAPER_BIND=0.0.0.0:50052 fillwire paper
    """
    _become("execution.paper")


def _become(*module: str) -> None:
    # web may not import execution, and Granian likes to be the main program.
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", *module])


@main.command()
@click.argument("url")
@click.argument("message")
def send(url: str, message: str) -> None:
    """Post MESSAGE to a webhook URL and print the answer; `-` reads standard input.

    \b
    Example: fillwire send "$WEBHOOK_URL" '{"ticker":"AAPL","action":"buy","quantity":5}'
    """
    from urllib import error, request

    body = sys.stdin.buffer.read() if message == "-" else message.encode()
    post = request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with request.urlopen(post, timeout=10) as answer:
            click.echo(f"{answer.status} {answer.read().decode(errors='replace')}")
    except error.HTTPError as refusal:
        click.echo(f"{refusal.code} {refusal.read().decode(errors='replace')}")
        raise SystemExit(1) from None
    except OSError as problem:
        raise click.ClickException(f"no answer: {problem}") from None


main.add_command(questions.lint)
main.add_command(questions.explain)
main.add_command(questions.replay)
main.add_command(halt.halt)
main.add_command(staff_command.staff)
main.add_command(certs.certs)
main.add_command(certs.redis_users)
main.add_command(vaults.vault)
main.add_command(vaults.paper_keys)
main.add_command(audit.verify_audit)
main.add_command(audit.export_audit)
main.add_command(privacy.person)


@main.group()
def account() -> None:
    """Tenants and their people."""


@account.command("add")
@click.argument("email")
@click.option("--tenant", default="", help="Name of the tenant.  [default: the e-mail address]")
@click.option("--data-dir", type=click.Path(path_type=Path), help="[default: .fillwire]")
@click.password_option(help="Asked for when not given.")
def account_add(email: str, tenant: str, data_dir: Path | None, password: str) -> None:
    """Make a tenant with one person, its owner, in DATABASE_URL or in the running stack.

    \b
    Example: fillwire account add ann@example.com --tenant "Ann's desk"
    """
    from web.ops import people

    folder = (data_dir or _data_dir()).absolute()
    try:
        people.add(folder, email=email, password=password, tenant=tenant or email)
    except people.CannotAdd as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(f"{email} can sign in now.")


@main.group("fault-points")
def fault_points() -> None:
    """Places where a test may kill, fail or delay a process."""


@fault_points.command("list")
def fault_points_list() -> None:
    """List every fault point: process, name, what is true there.

    \b
    Example: fillwire fault-points list
    """
    from protos import faults

    for name, (process, truth) in faults.POINTS.items():
        click.echo(f"{process:<10} {name:<24} {truth}")


if __name__ == "__main__":
    main(prog_name="fillwire")
