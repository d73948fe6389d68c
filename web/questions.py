"""Commands that ask a running Fillwire through its API, or its rules without one."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib import error, parse, request

import click
import msgspec

SECONDS = 60

Command = Callable[..., None]


def _asks(command: Command) -> Command:
    """Where to ask, and with which key."""
    command = click.option(
        "--key",
        envvar="FILLWIRE_API_KEY",
        required=True,
        help="An API key.  [FILLWIRE_API_KEY]",
    )(command)
    command = click.option(
        "--url",
        envvar="FILLWIRE_WEB_URL",
        default="http://127.0.0.1:8000",
        show_default=True,
        help="Of the site.",
    )(command)
    return click.option("--json", "as_json", is_flag=True, help="The whole answer.")(command)


@click.command()
@click.option("--strategy", required=True, help="Its id, `str_…`.")
@click.option("--subscription", "only", multiple=True, help="Only this one; may be repeated.")
@_asks
@click.argument("file")
def explain(
    strategy: str, only: Sequence[str], url: str, key: str, as_json: bool, file: str
) -> None:
    """Tell what every subscription would do with the message in FILE; nothing is sent.

    \b
    Example: fillwire explain --strategy str_… alert.json
    """
    text = sys.stdin.read() if file == "-" else _read(Path(file))
    body: dict[str, Any] = {"message": text}
    if only:
        body["subscription_ids"] = list(only)
    answer = _ask(url, key, f"/strategies/{parse.quote(strategy)}/explain", body)
    if as_json:
        return _print(answer)
    if not answer["accepted"]:
        refused = answer["refusal"]
        click.echo(f"Refused: {refused['code']}. {refused['message']} {refused['fix']}")
        raise SystemExit(1)
    signal = answer["signal"]
    click.echo(f"{signal['action']} {signal['instrument']}, read at {answer['at']}")
    for warning in answer["warnings"]:
        click.echo(f"warning: {warning}")
    for each in answer["subscriptions"]:
        _print_subscription(each)
    if not answer["subscriptions"]:
        click.echo("No subscription of it is enabled.")
    return None


@click.command()
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Try it so.")
@_asks
@click.argument("trade")
def replay(changes: Sequence[str], url: str, key: str, as_json: bool, trade: str) -> None:
    """Decide TRADE again from its record; exits 1 if that comes out differently.

    \b
    Example: fillwire replay trd_… --set size=8
    """
    query = parse.urlencode([("set", change) for change in changes])
    answer = _ask(url, key, f"/trades/{parse.quote(trade)}/replay?{query}")
    if as_json:
        _print(answer)
    else:
        _print_replay(answer)
    if not answer["equal"]:
        raise SystemExit(1)


def _print_subscription(told: Mapping[str, Any]) -> None:
    connection, planned = told["connection"], told["execution"]
    click.echo(f"\n{connection['name']} ({connection['mode']}) {told['subscription_id']}")
    click.echo(f"  {told['state']} {told['message'] or ''}".rstrip())
    if told["entry_message"]:
        click.echo(f"  opens nothing: {told['entry_message']}")
    for warning in [*told["warnings"], *(planned or {}).get("warnings", ())]:
        click.echo(f"  warning: {warning}")
    for each in told["effective"]:
        if each["from"] != "default":
            click.echo(f"  {each['label']}: {each['text']} [{each['from']}]")
    for each in told["verdicts"]:
        click.echo(f"  {'ok' if each['passed'] else 'NO'} {each['rule']} {_numbers(each)}".rstrip())
    if planned is None:
        return
    if not planned["answered"]:
        click.echo(f"  {planned['why']}")
        return
    for each in planned["verdicts"]:
        click.echo(f"  {'ok' if each['passed'] else 'NO'} {each['rule']} {_numbers(each)}".rstrip())
    for line in planned["words"]:
        click.echo(f"  → {line}")
    click.echo(f"  then {planned['state']} {planned['message'] or ''}".rstrip())
    if planned["worst_loss"]:
        click.echo(f"  at its stop it loses {planned['worst_loss']}")
    seen = planned["seen"]
    if seen:
        known = {name: v for name, v in seen.items() if isinstance(v, str) and name != "at"}
        click.echo(f"  seen at {seen['at']}: {_pairs(known)}")


def _print_replay(answer: Mapping[str, Any]) -> None:
    rules = answer["rules"]
    click.echo(f"{answer['trade_id']}: {'equal' if answer['equal'] else 'DIFFERENT'}")
    _print_pair("rules", rules["recorded"], rules["recomputed"], rules["equal"])
    for step in answer["steps"]:
        _print_pair(step["step"], step["recorded"], step["recomputed"], step["equal"])
    changed = answer.get("changed")
    if not changed:
        return
    click.echo("\nwith other settings:")
    for each in changed["effective"]:
        before, after = each["before"]["value"], each["after"]["value"]
        click.echo(f"  {each['name']}: {before} → {after}")
    for name in ("before", "after"):
        _print_plan(name, changed[name])
    if changed["note"]:
        click.echo(f"  {changed['note']}")


def _print_pair(
    name: str, recorded: Mapping[str, Any], recomputed: Mapping[str, Any], equal: bool
) -> None:
    click.echo(f"\n{name}: {'equal' if equal else 'DIFFERENT'}")
    click.echo(f"  recorded   {recorded['hash']}")
    click.echo(f"  recomputed {recomputed['hash']}")
    _print_plan("recorded", recorded)
    if not equal:
        _print_plan("recomputed", recomputed)


def _print_plan(name: str, plan: Mapping[str, Any]) -> None:
    click.echo(f"  {name}: {plan['state'] or 'sent'} {plan['reason'] or ''}".rstrip())
    for order in plan.get("orders", ()):
        click.echo(f"    {_pairs({k: v for k, v in order.items() if v is not None})}")


def _numbers(told: Mapping[str, Any]) -> str:
    return _pairs(told["numbers"])


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _print(answer: Mapping[str, Any]) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(answer)).decode())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise click.ClickException(str(problem)) from None


def _ask(url: str, key: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """One call; what the API refuses is told in its own words."""
    asked = request.Request(
        f"{url.rstrip('/')}/api/v1{path}",
        data=None if body is None else msgspec.json.encode(body),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with request.urlopen(asked, timeout=SECONDS) as answer:
            return msgspec.json.decode(answer.read())
    except error.HTTPError as refusal:
        raise click.ClickException(_why(refusal)) from None
    except OSError as problem:
        raise click.ClickException(f"no answer: {problem}") from None


def _why(refusal: error.HTTPError) -> str:
    try:
        problem = msgspec.json.decode(refusal.read(), type=dict[str, Any])
        return f"{problem['title']}: {problem['detail']} {problem['fix']}"
    except (msgspec.MsgspecError, KeyError):
        return f"{refusal.code} {refusal.reason}"


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--dialect",
    type=click.Choice(["auto", "traderspost", "crypto-arsenal"]),
    default="auto",
    show_default=True,
    help="Which language the messages are in.",
)
@click.option(
    "--asset-class",
    type=click.Choice(["stocks", "options", "futures", "crypto"]),
    help="The strategy's; without it, what depends on it is not checked.",
)
@click.option("--jsonl", is_flag=True, help="Each line is one message, not each file.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day to judge expiries by; without it, what is over today is a warning.",
)
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False),
    help="A subscription's settings, as the API gives them: what they make of the messages.",
)
def lint(
    files: tuple[str, ...],
    dialect: str,
    asset_class: str | None,
    jsonl: bool,
    as_of: datetime | None,
    settings: str | None,
) -> None:
    """Check messages offline, with the code that reads webhooks; `-` is standard input.

    Prints one JSON object a message and exits 1 if any would be refused.

    \b
    Example: fillwire lint --asset-class futures alert.json
    Example: fillwire lint --jsonl alerts.jsonl
    """
    from web.signals import lint as linting
    from web.subscriptions import remarks

    try:
        options = linting.Options(
            dialect=dialect,
            asset_class=asset_class,
            now=(as_of or datetime.now(UTC)).replace(tzinfo=UTC),
            jsonl=jsonl,
            by_clock=as_of is not None,
            remark=remarks.by(Path(settings).read_bytes()) if settings else None,
        )
        fine = linting.run(files, options, sys.stdout.buffer)
    except (OSError, remarks.Unreadable) as problem:
        raise click.ClickException(str(problem)) from None
    if not fine:
        raise SystemExit(1)
