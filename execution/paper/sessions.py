"""What the venue has to say to each connected client, and when.

A session hears the replies to its own requests and the reports of the accounts it has
attached. A fault plan may make it deaf to an order, or keep an account's reports back.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from execution.paper.misdeeds import Struck
from protos.paper.v1 import paper_pb2 as pb

# A frame is sent when it holds this many messages: who reads it does something else in between.
FRAME_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said of one request or event, once it is stored."""

    account: str
    reports: Sequence[pb.Report]
    session: "Session | None" = None
    reply: pb.OrderReply | None = None
    # For the asking session only: how long it waits, or whether it hears nothing.
    delay_seconds: float = 0.0
    lost: bool = False
    # The number of the last report, where reports are missing on purpose.
    missing: int = 0

    def spoiled(self, struck: Struck) -> "Said":
        """The same, as the fault plan wants it to be heard."""
        match struck.kind:
            case pb.FAULT_KIND_DELAY:
                return replace(self, delay_seconds=struck.seconds)
            case pb.FAULT_KIND_LOST_REPLY:
                return replace(self, lost=True)
            case pb.FAULT_KIND_STREAM_GAP:
                return replace(self, reports=(), missing=self.reports[-1].report_seq)
            case pb.FAULT_KIND_DUPLICATE:
                return replace(self, reports=[each for each in self.reports for _ in range(2)])
            case pb.FAULT_KIND_REORDER:
                return replace(self, reports=self.reports[::-1])
            case _:
                return self


@dataclass(slots=True)
class _Held:
    due: float
    said: Said


@dataclass(eq=False)
class Session:
    """One client's stream, seen from the writer: it only appends and never waits."""

    attached: set[str] = field(default_factory=set)
    is_open: bool = True
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    # Accounts that ask for a login: by which keys, and whether each may trade; and those that
    # it may trade.
    logins: dict[str, dict[str, bool]] = field(default_factory=dict)
    traded: set[str] = field(default_factory=set)
    _frame: pb.SessionResponse = field(default_factory=pb.SessionResponse)
    _frames: asyncio.Queue[pb.SessionResponse | None] = field(default_factory=asyncio.Queue)
    _held: dict[str, deque[_Held]] = field(default_factory=dict)
    _deaf_to: set[tuple[str, str]] = field(default_factory=set)

    def hear(self, said: Said) -> None:
        """Say this session's part of it, in order of report_seq within the account."""
        asked = said.session is self
        if asked and said.lost and said.reply is not None:
            self._deaf_to.add((said.account, said.reply.cl_ord_id))
            return
        if asked and said.delay_seconds:
            self._hold(said, said.delay_seconds)
        elif said.account in self._held:
            self._say_reply(said)
            self._hold(Said(said.account, said.reports), 0.0)
        else:
            self._say_reply(said)
            self._say_reports(said)

    def replay(self, reports: Sequence[pb.Report]) -> None:
        """Say reports that were stored before."""
        for report in reports:
            self._frame.reports.append(report)
            self._cut()

    def tell_last(self, account: str, report_seq: int) -> None:
        """Say which report of an account was the last."""
        self._frame.last_reports.add(account=account, report_seq=report_seq)
        self.flush()

    def refuse(self, reply: pb.OrderReply) -> None:
        """Answer what was not let through."""
        self._frame.replies.append(reply)
        self.flush()

    def log_in(self, account: str, key_id: str, *, may_trade: bool) -> None:
        """Let it see an account, and trade it if the key may."""
        self.logins.setdefault(account, {})[key_id] = may_trade
        self._weigh(account)

    def log_out(self, account: str, key_id: str) -> bool:
        """What a key let it do is over, and it is told so; True when no other one lets it in, so
        that it sees the account no more."""
        left = self.logins[account]
        del left[key_id]
        self._weigh(account)
        if left:
            self._frame.ended_logins.append(account)
        else:
            del self.logins[account]
            self.attached.discard(account)
            self._frame.logged_out.append(account)
        self.flush()
        return not left

    def _weigh(self, account: str) -> None:
        may_trade = any(self.logins[account].values())
        (self.traded.add if may_trade else self.traded.discard)(account)

    def listen_to(self, account: str, cl_ord_id: str) -> None:
        """No longer be deaf to an order: the client has asked about it."""
        self._deaf_to.discard((account, cl_ord_id))

    def flush(self) -> None:
        """Let go of what has been said so far."""
        frame = self._frame
        said = frame.replies or frame.reports or frame.last_reports
        if said or frame.logged_out or frame.ended_logins:
            self._frames.put_nowait(self._frame)
            self._frame = pb.SessionResponse()

    def end(self) -> None:
        """Close the stream after what was flushed."""
        self.is_open = False
        self._frames.put_nowait(None)

    async def frames(self) -> AsyncIterator[pb.SessionResponse]:
        """The frames to send, until the session ends."""
        while (frame := await self._frames.get()) is not None:
            yield frame

    def _hold(self, said: Said, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        queue = self._held.setdefault(said.account, deque())
        due = max(loop.time() + seconds, queue[-1].due if queue else 0.0)
        queue.append(_Held(due, said))
        if seconds:
            loop.call_at(due, self._release, said.account)

    def _release(self, account: str) -> None:
        now = asyncio.get_running_loop().time()
        queue = self._held.get(account, deque())
        while queue and queue[0].due <= now + 0.001:
            said = queue.popleft().said
            self._say_reply(said)
            self._say_reports(said)
        if not queue:
            self._held.pop(account, None)
        self.flush()

    def _say_reply(self, said: Said) -> None:
        if said.session is self and said.reply is not None:
            self._frame.replies.append(said.reply)

    def _say_reports(self, said: Said) -> None:
        if said.account in self.attached:
            for report in said.reports:
                if not self._deaf_to or (said.account, report.cl_ord_id) not in self._deaf_to:
                    self._frame.reports.append(report)
        self._cut()

    def _cut(self) -> None:
        if len(self._frame.replies) + len(self._frame.reports) >= FRAME_MESSAGES:
            self.flush()


@dataclass
class Sessions:
    """The open sessions, and who has attached which account."""

    _open: dict[str, Session] = field(default_factory=dict)
    _by_account: dict[str, set[Session]] = field(default_factory=dict)
    # Accounts with missing reports, and the last of each.
    _missing: dict[str, int] = field(default_factory=dict)

    def open(self) -> Session:
        """A new session that has attached nothing."""
        session = Session()
        self._open[session.id] = session
        return session

    def find(self, session_id: str) -> Session | None:
        """An open session, by its id."""
        return self._open.get(session_id)

    def log_out(self, account: str, key_id: str) -> None:
        """Whoever logged in by a key hears of the account no more."""
        for session in self._open.values():
            if key_id in session.logins.get(account, {}) and session.log_out(account, key_id):
                self._by_account.get(account, set()).discard(session)

    def close(self, session: Session) -> None:
        """Forget a session; its stream ends."""
        if session.id in self._open:
            del self._open[session.id]
            for account in session.attached:
                self._by_account[account].discard(session)
                if not self._by_account[account]:
                    del self._by_account[account]
            session.end()

    def close_all(self) -> None:
        """End every stream, so that its client resumes from what it has heard."""
        for session in list(self._open.values()):
            self.close(session)

    def attach(self, session: Session, account: str) -> None:
        """Let a session hear the reports of an account from now on."""
        if session.is_open:
            session.attached.add(account)
            self._by_account.setdefault(account, set()).add(session)

    def tell_missing(self) -> None:
        """Let clients notice which reports they have not heard."""
        for account, report_seq in self._missing.items():
            for session in self._by_account.get(account, ()):
                session.tell_last(account, report_seq)
        self._missing.clear()

    def say(self, batch: Sequence[Said]) -> None:
        """Tell everyone concerned, and let go of it."""
        touched: set[Session] = set()
        for said in batch:
            if said.missing:
                self._missing[said.account] = said.missing
            hearers = self._by_account.get(said.account, set()) if said.reports else set()
            if said.session is not None and said.session not in hearers:
                hearers = hearers | {said.session}
            for session in hearers:
                session.hear(said)
            touched |= hearers
        for session in touched:
            session.flush()
