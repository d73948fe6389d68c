"""One strategy of a stack and one ticker: send alerts, read what became of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.e2e.evidence import TERMINAL
from tests.e2e.stack import Stack

PRICE = "228.40"


@dataclass(frozen=True)
class Lane:
    """Where one test trades."""

    stack: Stack
    webhook: str
    ticker: str

    def send(self, action: str, **fields: Any) -> str:
        """Post an alert that must be accepted; returns the signal's id."""
        message = {"ticker": self.ticker, "action": action, "price": PRICE, **fields}
        response = self.stack.post(self.webhook, message)
        assert response.status_code == 200, response.text
        signal_id: str = response.json()["id"]
        return signal_id

    def trade(self, signal_id: str, *, within: float = 5) -> dict[str, Any]:
        """The one trade of a signal, once it has ended."""

        def ended() -> bool:
            answer = self.stack.api("GET", f"/signals/{signal_id}", params={"expand": "trades"})
            if answer.status_code == 503:
                # The database is on its way back.
                return False
            trades = answer.raise_for_status().json()["trades"]
            return bool(trades) and all(each["state"] in TERMINAL for each in trades)

        self.stack.until(ended, within, f"outcome of {signal_id}")
        (trade,) = self.stack.shown(signal_id)["trades"]
        return dict(trade)

    def do(self, action: str, **fields: Any) -> tuple[str, str | None]:
        """Send an alert and wait; returns the state and the reason of its trade."""
        trade = self.trade(self.send(action, **fields))
        return trade["state"], trade["reason"]

    def position(self) -> Decimal:
        """The position that the API shows for this ticker."""
        held = [
            Decimal(each["quantity"])
            for each in self.stack.get("/positions", limit="100")["data"]
            if each["instrument"] == self.ticker
        ]
        return sum(held, Decimal(0))
