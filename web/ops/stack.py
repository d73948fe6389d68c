"""`fillwire up`: servers, migrations, every process, and the file that lists them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from protos import certificates
from protos.services import Service
from web.ops import children, places, postgres, processes, readiness, roles, state, valkey
from web.ops.keeping import Shown
from web.ops.processes import Process, Ready
from web.ops.state import State
from web.ops.supervisor import Launch, Supervisor

ROOT = roles.ROOT
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")


class CannotStart(Exception):
    """The stack cannot be started; the message says why and what to do."""


@dataclass(frozen=True)
class Options:
    """What the command line said."""

    data_dir: Path
    port: int | None = None
    ready_file: Path | None = None
    demo: bool = False
    strategies: int = 1
    executions: int = 1
    mutual_tls: bool = False


@dataclass
class Stack:
    """One start of everything on one data folder."""

    options: Options
    state: State
    say: Callable[[str], None]
    postgres: postgres.Cluster | None
    redis: valkey.Server | None
    environment: dict[str, str]
    demo: dict[str, object] | None = None
    serving: bool = False
    # What processes show each other, a folder each; without, they speak plain text.
    shown: Shown | None = None

    @property
    def folder(self) -> Path:
        return self.options.data_dir

    @property
    def owner_url(self) -> str:
        if self.postgres is None:
            return os.environ["DATABASE_URL"]
        return self.postgres.url(roles.OWNER, self.state.passwords["owner"], roles.DATABASE)

    @property
    def redis_url(self) -> str:
        return self.redis.url if self.redis is not None else os.environ["REDIS_URL"]

    def start(self, supervisor: Supervisor) -> None:
        """Bring everything up; returns early when asked to stop."""
        if servers := self._servers():
            self.say("Starting " + " and ".join(server.process for server in servers))
            supervisor.start(servers)
            supervisor.wait_ready()
        if supervisor.stopping:
            return
        self._prepare()
        programs = [
            self._program(process, number)
            for process in processes.PROGRAMS
            for number in range(
                1, self.options.executions + 1 if process.name == "execution" else 2
            )
        ]
        self.say("Starting " + ", ".join(launch.name for launch in programs))
        supervisor.start(programs)
        if self.options.demo:
            self.say("Making the demo tenant")
            environment = {**self._known("web"), "DATABASE_URL": self.owner_url}
            self.demo = _seed(environment, self.options.strategies)
        supervisor.wait_ready()
        self.serving = not supervisor.stopping

    def write_ready_file(self, pids: Mapping[str, list[int]]) -> None:
        """Say what runs where; written anew whenever a pid changes."""
        if not self.serving:
            return
        listed = {row.name: pids.get(row.name, []) for row in processes.PROCESSES}
        text = json.dumps(
            {
                "web_url": self.environment["FILLWIRE_WEB_URL"],
                "grpc_target": self.environment["FILLWIRE_EXECUTION_TARGET"],
                "paper_target": self.environment["FILLWIRE_PAPER_TARGET"],
                "database_url": self.owner_url,
                "redis_url": self.redis_url,
                "certificates": str(self.shown.of(Service.OPERATOR)) if self.shown else None,
                "processes": listed,
                "demo": self.demo,
            },
            indent=1,
        )
        state.write_private(self.folder / "run" / "up.json", text)
        if self.options.ready_file is not None:
            state.write_private(self.options.ready_file, text)

    def _servers(self) -> list[Launch]:
        found = []
        for name, server, stop in (
            ("postgres", self.postgres, postgres.STOP),
            ("redis", self.redis, valkey.STOP),
        ):
            if server is None:
                continue
            if server.create():
                self.say(f"Created the data folder of {name}")
            launch = Launch(
                name=name,
                process=name,
                command=server.command,
                environment=server.environment,
                folder=Path("/"),
                log=self.folder / "log" / f"{name}.log",
                is_ready=server.is_ready,
                identity=server.identity,
                stop_signal=stop,
                stop_seconds=processes.BY_NAME[name].stop_seconds,
            )
            found.append(launch)
        return found

    def _prepare(self) -> None:
        if self.postgres is not None:
            roles.ensure_owner(self.postgres.super_url, self.state.passwords["owner"])
        if self.redis is None:
            _check_redis(self.redis_url, self.say)
        if self.shown is not None:
            self.shown.keep()
        self.say("Migrating the database")
        roles.upgrade(self.owner_url)
        roles.let_in(self.owner_url, _passwords_to_set(self.state))

    def _known(self, name: str) -> dict[str, str]:
        """What the process of this name may be told."""
        own = {}
        if self.shown is not None:
            own["FILLWIRE_CERTIFICATES"] = str(self.shown.folder / name)
        if self.redis is not None and name in self.redis.users:
            own["REDIS_URL"] = self.redis.url_for(name)
        return {**self.environment, **own}

    def _program(self, process: Process, number: int) -> Launch:
        instance = f"{process.name}-{number}"
        known = {**self._known(process.name), "FILLWIRE_INSTANCE": instance}
        if number > 1:
            known[process.address] = f"127.0.0.1:{self.state.ports[instance]}"
        own = {name: known[name] for name in process.variables if name in known}
        ready_file = self.folder / "run" / f"{instance}.ready"
        return Launch(
            name=instance,
            process=process.name,
            command=process.command,
            environment={**_inherited(), **own},
            folder=ROOT,
            log=self.folder / "log" / f"{instance}.log",
            is_ready=_check_for(process, known, ready_file, self.shown),
            before=lambda: ready_file.unlink(missing_ok=True),
            stop_seconds=process.stop_seconds,
        )


def up(options: Options, say: Callable[[str], None]) -> None:
    """Run everything until SIGTERM or Ctrl-C.

    Raises CannotStart, state.Busy, places.NoServer, supervisor.GaveUp, roles.MigrationFailed.
    """
    began = time.monotonic()
    state.make_folder(options.data_dir)
    with state.held(options.data_dir):
        stack = _assemble(options, say)
        supervisor = Supervisor(say, lambda: stack.write_ready_file(supervisor.pids()))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, supervisor.ask_to_stop)
        try:
            stack.start(supervisor)
            if not supervisor.stopping:
                stack.write_ready_file(supervisor.pids())
                _announce(stack, time.monotonic() - began)
                supervisor.run()
        finally:
            stack.serving = False
            say("Stopping")
            if stack.shown is not None:
                stack.shown.leave()
            supervisor.stop()
            for listed in (options.ready_file, options.data_dir / "run" / "up.json"):
                if listed is not None:
                    listed.unlink(missing_ok=True)
            say("Stopped")


def _assemble(options: Options, say: Callable[[str], None]) -> Stack:
    _end_leftovers(options.data_dir, say)
    known = state.load(options.data_dir)
    cluster, server = _embedded(options.data_dir, known)
    for leftover in (cluster, server):
        if leftover is not None:
            leftover.end_leftover()
    names = (*state.PORTS, *_further(options.executions))
    for name in state.choose_ports(known, web_port=options.port, names=names):
        say(f"The port of {name} was taken; it is now {known.ports[name]}")
    state.save(options.data_dir, known)
    cluster, server = _embedded(options.data_dir, known)
    stack = Stack(options, known, say, cluster, server, {}, shown=_shown(options, say))
    stack.environment = _environment(stack)
    return stack


def _further(executions: int) -> list[str]:
    """The instances of execution beside the first."""
    return [f"execution-{number}" for number in range(2, executions + 1)]


def _embedded(folder: Path, known: State) -> tuple[postgres.Cluster | None, valkey.Server | None]:
    """The servers of our own: one for each of DATABASE_URL and REDIS_URL that is not set."""
    cluster = server = None
    who = places.identity() if not _external("DATABASE_URL", "REDIS_URL") else None
    if not _external("DATABASE_URL"):
        cluster = postgres.Cluster(
            folder=places.data_folder(folder / "postgres", who, unique=known.unique),
            port=known.ports.get("postgres", 0),
            password=known.passwords["super"],
            binaries=postgres.find(who),
            identity=who,
        )
    if not _external("REDIS_URL"):
        server = valkey.Server(
            folder=places.data_folder(folder / "redis", who, unique=known.unique),
            port=known.ports.get("redis", 0),
            password=known.passwords["redis"],
            binary=valkey.find(who),
            identity=who,
            users=known.redis_passwords,
        )
    return cluster, server


def _external(*names: str) -> bool:
    return all(os.environ.get(name) for name in names)


def _environment(stack: Stack) -> dict[str, str]:
    """Every variable of the process table: derived here, unless the caller has set it."""
    ports = {name: f"127.0.0.1:{port}" for name, port in stack.state.ports.items()}
    executions = [ports[name] for name in ("execution", *_further(stack.options.executions))]
    derived = {
        **roles.runtime_urls(
            stack.owner_url, {name: stack.state.passwords[name] for name in roles.RUNTIME}
        ),
        "REDIS_URL": stack.redis_url,
        "FILLWIRE_EXECUTION_BIND": ports["execution"],
        # The clients go to the first that can be reached.
        "FILLWIRE_EXECUTION_TARGET": "ipv4:" + ",".join(executions),
        "FILLWIRE_PAPER_BIND": ports["paper"],
        "FILLWIRE_PAPER_TARGET": ports["paper"],
        "FILLWIRE_WEB_BIND": ports["web"],
        "FILLWIRE_LIVE_BIND": ports["live"],
        "FILLWIRE_WEB_URL": f"http://{ports['web']}",
        "FILLWIRE_LIVE_URL": f"http://{ports['live']}",
        "FILLWIRE_SECRET_KEY": stack.state.secret_key,
        "FILLWIRE_SEALING_KEY": stack.state.sealing_key,
        "FILLWIRE_AUDIT_KEY": stack.state.audit_key,
    }
    set_outside = {name: os.environ[name] for name in processes.KNOWN if os.environ.get(name)}
    return {**derived, **set_outside, "FILLWIRE_DATA_DIR": str(stack.folder)}


def _passwords_to_set(known: State) -> dict[str, str]:
    # A role whose URL was given from outside keeps the password that URL holds.
    return {
        name: known.passwords[name]
        for name, (_, variable) in roles.RUNTIME.items()
        if not os.environ.get(variable)
    }


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _shown(options: Options, say: Callable[[str], None]) -> Shown | None:
    """Certificates where they are asked for: nobody in production speaks plain text."""
    theirs = os.environ.get("FILLWIRE_CERTIFICATES")
    if theirs:
        return Shown(Path(theirs), say, is_ours=False)
    if options.mutual_tls or os.environ.get("FILLWIRE_PRODUCTION") == "1":
        return Shown(options.data_dir / "certificates", say, is_ours=True)
    return None


def _check_for(
    process: Process, known: Mapping[str, str], ready_file: Path, shown: Shown | None
) -> Callable[[], bool]:
    match process.ready:
        case Ready.HTTP:
            return lambda: readiness.http_ok(known[process.address])
        case Ready.GRPC:
            ours = certificates.at(shown.of(Service.SUPERVISOR)) if shown else None
            who = Service(process.name)
            return lambda: readiness.grpc_serving(known[process.address], who, ours)
        case Ready.FILE:
            return lambda: readiness.touched(ready_file)
        case Ready.SERVER:
            raise AssertionError(f"{process.name} is a server, not a program of ours")


def _check_redis(url: str, say: Callable[[str], None]) -> None:
    import redis

    try:
        valkey.refuse_eviction(url)
    except valkey.MayEvict as refusal:
        raise CannotStart(str(refusal)) from None
    except redis.RedisError as error:
        say(f"Redis does not answer ({error}); going on without bells, only slower")


def _end_leftovers(folder: Path, say: Callable[[str], None]) -> None:
    """End what a killed supervisor left on this folder."""
    left = children.left_behind(f"FILLWIRE_DATA_DIR={folder}", having="FILLWIRE_INSTANCE=")
    if left:
        say(f"Ending {len(left)} processes that an earlier start left behind")
    for pid in left:
        children.end(pid, (signal.SIGTERM, signal.SIGKILL), patience_seconds=3)


def _seed(environment: Mapping[str, str], strategies: int) -> dict[str, object]:
    """Make the demo tenant in a process that sees what web sees, and the owner's URL.

    Raises CannotStart with what that process said.
    """
    command = [sys.executable, "-m", "web.ops.seed", str(strategies)]
    own = {name: environment[name] for name in environment if name != "FILLWIRE_FAULT"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**_inherited(), **own},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotStart(f"the demo could not be made:\n{done.stderr.strip()}")
    seeded: dict[str, object] = json.loads(done.stdout)
    return seeded


def _announce(stack: Stack, seconds: float) -> None:
    say = stack.say
    say(f"Ready in {seconds:.1f} s: {stack.environment['FILLWIRE_WEB_URL']}")
    if stack.demo is not None:
        say(f"Sign in with {stack.demo.get('email')} and {stack.demo.get('password')}")
        say(f"Send signals to {stack.demo.get('webhook_url')}")
    say(f"Logs are in {stack.folder / 'log'}; Ctrl-C stops everything")
