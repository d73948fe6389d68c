"""The sender's side: an alert service that gives up after 3 s and resends after a 5xx.

TradingView waits 3 s for an answer and resends only after a 5xx, 5 s later, up to three
times. A refused or broken connection counts as a 5xx here, as behind a proxy.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(frozen=True)
class Patience:
    """How long a sender waits and how often it tries again."""

    timeout_seconds: float = 3.0
    resend_after_seconds: float = 5.0
    resends: int = 3


# For tests that wait for the outcome: tries again sooner, and does not give up.
EAGER = Patience(timeout_seconds=3.0, resend_after_seconds=0.4, resends=30)


@dataclass(frozen=True)
class Attempt:
    """One POST and what came of it. `status` is None when no answer came."""

    alert: int
    url: str
    body: bytes
    sent_at: float
    seconds: float
    status: int | None
    signal_id: str | None
    error: str | None

    @property
    def accepted(self) -> bool:
        """A 2xx was read: the signal is promised."""
        return self.status is not None and 200 <= self.status < 300


@dataclass
class History:
    """Everything a sender posted, in the order in which it ended."""

    attempts: list[Attempt] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _alerts: int = 0

    def next_alert(self) -> int:
        """A number for the next alert; its resends share it."""
        with self._lock:
            self._alerts += 1
            return self._alerts

    def add(self, attempt: Attempt) -> None:
        """Record one attempt."""
        with self._lock:
            self.attempts.append(attempt)

    @property
    def accepted(self) -> list[Attempt]:
        """The attempts that were answered 2xx."""
        with self._lock:
            return [each for each in self.attempts if each.accepted]


class Sender:
    """Delivers alerts and writes down each attempt. Safe to use from several threads."""

    def __init__(self, history: History, patience: Patience | None = None) -> None:
        self.history = history
        self._patience = patience or Patience()
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=100)
        self._http = httpx.Client(timeout=self._patience.timeout_seconds, limits=limits)

    def close(self) -> None:
        """Drop the connections."""
        self._http.close()

    def deliver(self, url: str, message: dict[str, Any]) -> Attempt:
        """Post one alert, again after a 5xx; returns the last attempt.

        The message gets the alert's number, so that no two alerts are equal.
        """
        alert = self.history.next_alert()
        body = json.dumps({**message, "extras": {"alert": alert}}).encode()
        for resend in range(self._patience.resends + 1):
            if resend:
                time.sleep(self._patience.resend_after_seconds)
            attempt = self._post(alert, url, body)
            self.history.add(attempt)
            if attempt.status is not None and attempt.status < 500:
                break
        return attempt

    def _post(self, alert: int, url: str, body: bytes) -> Attempt:
        sent_at, started = time.time(), time.monotonic()
        status, signal_id, error = None, None, None
        try:
            response = self._http.post(
                url, content=body, headers={"Content-Type": "application/json"}
            )
            status = response.status_code
            signal_id = response.json().get("id") if response.is_success else None
        except (httpx.HTTPError, ValueError) as failure:
            error = repr(failure)
        return Attempt(
            alert, url, body, sent_at, time.monotonic() - started, status, signal_id, error
        )
