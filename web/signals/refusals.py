"""Every way a message can be refused: one catalogue for answers, docs pages and tests.

Codes are TradersPost's where it has one, since senders know them; the last two groups are
its newer ones and our own.
"""

from dataclasses import dataclass
from enum import StrEnum

DOCS_PATH = "/docs/errors"


class Raised(StrEnum):
    """Who raises a code."""

    READING = "when the message is read"
    REQUEST = "before or after the message is read"
    # Documented for those who know the code; what would raise it is not built.
    NEVER = "not yet: no setting of a strategy limits its tickers"


@dataclass(frozen=True)
class Refusal:
    """One code: which fields it is about, what it means, how to mend the message."""

    code: str
    fields: tuple[str, ...]
    message: str
    fix: str
    status: int = 400
    raised: Raised = Raised.READING

    @property
    def docs(self) -> str:
        """Where this code is explained, on this host."""
        return f"{DOCS_PATH}#{self.code}"


class BadSignal(Exception):
    """A message we do not take: why, where, and how to mend it."""

    def __init__(self, code: str, message: str, fix: str, field: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.message = message
        self.fix = fix


def bad(
    code: str, field: str | None = None, message: str | None = None, fix: str | None = None
) -> BadSignal:
    """The refusal with this code; what is not given is said as the catalogue says it."""
    known = CATALOGUE[code]
    if field is None and len(known.fields) == 1:
        field = known.fields[0]
    return BadSignal(code, message or known.message, fix or known.fix, field)


_REQUEST, _NEVER = Raised.REQUEST, Raised.NEVER
ABOVE_0 = 'Send a number above 0, for example 10 or "85.50", without signs or units.'

# A table is read down its columns, so its rows are long.
# fmt: off
# ruff: noqa: E501
_ALL = (
    # The request and the JSON.
    Refusal("post-required", (), "A webhook takes POST only.", "Send the message with POST.", raised=_REQUEST),
    Refusal("empty-json", (), "The message is empty.", 'Send a JSON object, for example {"ticker":"AAPL","action":"buy"}.'),
    Refusal("malformed-json", (), "This is not valid JSON.", "Copy the message again from where it was made."),
    Refusal("invalid-payload", ("ticker", "action", "price", "signalPrice", "limitPrice", "stopPrice", "time", "test", "cancel", "cancelOrderType", "cancelAfter", "delay", "rejectAfter", "breakevenOffset", "ignoreTradingWindows", "bidAskSpreadFilter", "bidAskSpreadFilterPercent", "stopLoss.pnlAmount", "takeProfit.pnlAmount", "interval"), "A field is missing or cannot be used.", "Send at least `ticker` and `action`; mend the field that is named."),
    Refusal("invalid-password", (), "The secret in this webhook URL is not right.", "Copy the webhook URL again from the strategy's page.", raised=_REQUEST),
    Refusal("not-trading-view", (), "The message did not come from TradingView.", "Send it from TradingView, or change on the strategy's webhook page who may send.", raised=_REQUEST),
    Refusal("not-trend-spider", (), "The message did not come from TrendSpider.", "Send it from TrendSpider, or change on the strategy's webhook page who may send.", raised=_REQUEST),
    Refusal("invalid-ip-address", (), "The message came from an address that is not on the strategy's list.", "Add the sender's address to the list on the strategy's webhook page, if the message is yours.", raised=_REQUEST),
    Refusal("invalid-ip-address-format", (), "The sender's address cannot be read, and this webhook asks for it.", "Whoever runs Fillwire looks at its proxies: FILLWIRE_TRUSTED_PROXIES says how many add X-Forwarded-For.", raised=_REQUEST),
    # What to trade.
    Refusal("empty-ticker-name", ("ticker",), "`ticker` is empty.", "Name the symbol, for example AAPL, MNQ1! or BTCUSD."),
    Refusal("ticker-does-not-exist", ("ticker",), "There is no such instrument.", "Send a symbol such as AAPL, MNQ1! or BTCUSD."),
    Refusal("invalid-ticker-and-option-type", ("optionType",), "The contract in `ticker` is not of this `optionType`.", "Leave `optionType` out, or make it the contract's own."),
    Refusal("unsupported-ticker", ("ticker",), "This strategy does not trade this ticker.", "Add the ticker to the strategy's list, or allow any.", raised=_NEVER),
    Refusal("invalid-asset-class", ("ticker",), "This ticker is not of the strategy's asset class.", "Send it to a strategy of its own asset class."),
    # What to do.
    Refusal("invalid-action", ("action",), "`action` is not one we know.", "Use buy, sell, exit, add, cancel, reverse or breakeven, in lower case."),
    Refusal("invalid-sentiment", ("sentiment",), "`sentiment` is not one we know.", "Use bullish, bearish or flat (long and short are taken too), or leave it out."),
    Refusal("invalid-sentiment-action", ("sentiment",), "`sentiment` goes with buy or sell only.", "Leave `sentiment` out."),
    Refusal("invalid-order-type", ("orderType",), "`orderType` is not one we know.", "Use market, limit, stop, stop_limit or trailing_stop, or leave it to the settings."),
    Refusal("invalid-trailing-stop", ("orderType", "trailAmount", "trailPercent"), "A trailing stop needs either `trailAmount` or `trailPercent`, and the action buy, sell, exit or reverse.", "Send exactly one of `trailAmount` and `trailPercent`, above 0."),
    Refusal("invalid-time-in-force", ("timeInForce",), "`timeInForce` is not one we know.", "Use day, gtc, opg, cls, ioc or fok, or leave it to the settings."),
    Refusal("invalid-extended-hours", ("extendedHours",), "`extendedHours` is true or false, and for stocks only.", "Send true or false without quotes to a stocks strategy, or leave it out."),
    # Which option contract.
    Refusal("invalid-option-type", ("optionType",), "`optionType` is not one we know.", "Use both, call or put."),
    Refusal("invalid-intrinsic-value", ("intrinsicValue",), "`intrinsicValue` is not one we know.", "Use itm or otm."),
    Refusal("invalid-expiration", ("expiration", "ticker"), "The expiration is not a date we can use.", "Send a date to come such as 2027-01-15, or a distance such as +2 weeks."),
    Refusal("invalid-strike-count", ("strikeCount",), "`strikeCount` is not a whole number above 0.", "Send a whole number, for example 12."),
    Refusal("invalid-strikes-away", ("strikesAway",), "`strikesAway` is not a whole number within half of `strikeCount`.", "Send a whole number from 0 to half of `strikeCount`."),
    Refusal("invalid-strike-price", ("strikePrice",), "`strikePrice` is not a number above 0 that comes with `expiration` and `optionType`.", "Send it with `expiration` and `optionType`, or put the whole contract into `ticker`."),
    # How much.
    Refusal("invalid-quantity", ("quantity",), "`quantity` is not a number above 0.", ABOVE_0),
    Refusal("invalid-quantity-type", ("quantityType",), "`quantityType` is not one we know.", "Use fixed_quantity, dollar_amount, risk_dollar_amount, risk_percent, percent_of_equity or percent_of_position."),
    Refusal("invalid-quantity-type-action", ("quantityType",), "`quantityType` goes with buy, sell, exit or add only.", "Leave `quantityType` out for this action."),
    Refusal("invalid-risk-dollar-amount-action", ("quantityType",), "A size by risk goes with buy, sell or add only.", "Use fixed_quantity or percent_of_position to exit."),
    Refusal("invalid-percent-of-position-action", ("quantityType",), "percent_of_position goes with buy, sell or exit only.", "Use another `quantityType` for this action."),
    Refusal("quantity-type-requires-quantity", ("quantity",), "`quantityType` was sent without `quantity`.", "Send `quantity` as well, or leave `quantityType` out."),
    Refusal("invalid-quantity-type-for-asset-class", ("quantityType",), "Futures are sized by fixed_quantity or percent_of_position only.", "Use one of these two, or leave the size to the settings."),
    # Where to take the profit.
    Refusal("invalid-take-profit-percent", ("takeProfit.percent",), "`takeProfit.percent` is not a number above 0.", ABOVE_0),
    Refusal("invalid-take-profit-amount", ("takeProfit.amount",), "`takeProfit.amount` is not a number above 0.", ABOVE_0),
    Refusal("invalid-take-profit-limit-price", ("takeProfit.limitPrice",), "`takeProfit.limitPrice` is not a number above 0.", ABOVE_0),
    Refusal("invalid-take-profit-amount-and-percent", ("takeProfit",), "`takeProfit` has both `amount` and `percent`.", "Keep one of them."),
    Refusal("invalid-take-profit-relative-and-absolute", ("takeProfit",), "`takeProfit` says its price in more than one way.", "Keep one of `limitPrice`, `percent`, `amount` and `pnlAmount`."),
    Refusal("invalid-take-profit-value-required", ("takeProfit",), "`takeProfit` has no price.", 'Send an object with one of `limitPrice`, `percent`, `amount` and `pnlAmount`, for example {"percent":10}.'),
    # Where to stop the loss.
    Refusal("invalid-stop-loss-type", ("stopLoss.type",), "`stopLoss.type` is not one we know.", "Use stop, stop_limit or trailing_stop."),
    Refusal("invalid-stop-loss-percent", ("stopLoss.percent",), "`stopLoss.percent` is not a number above 0.", ABOVE_0),
    Refusal("invalid-stop-loss-amount", ("stopLoss.amount",), "`stopLoss.amount` is not a number above 0.", ABOVE_0),
    Refusal("invalid-stop-loss-stop-price", ("stopLoss.stopPrice",), "`stopLoss.stopPrice` is not a number above 0.", ABOVE_0),
    Refusal("invalid-stop-loss-limit-price", ("stopLoss.limitPrice",), "`stopLoss.limitPrice` is not a number above 0.", ABOVE_0),
    Refusal("invalid-stop-loss-trail-price", ("stopLoss.trailPrice",), "`stopLoss.trailPrice` is not a number above 0.", "Send `stopLoss.trailAmount`, the newer name, as a number above 0."),
    Refusal("invalid-stop-loss-trail-amount", ("stopLoss.trailAmount",), "`stopLoss.trailAmount` is not a number above 0.", ABOVE_0),
    Refusal("invalid-stop-loss-trail-percent", ("stopLoss.trailPercent",), "`stopLoss.trailPercent` is not a number above 0.", ABOVE_0),
    Refusal("invalid-stop-loss-trail-value", ("stopLoss",), "`stopLoss` trails by an amount and by a percent.", "Keep one of `trailAmount` and `trailPercent`."),
    Refusal("invalid-stop-loss-trail-value-required", ("stopLoss",), "A trailing `stopLoss` has nothing to trail by.", "Send `trailAmount` or `trailPercent`."),
    Refusal("invalid-stop-loss-amount-and-percent", ("stopLoss",), "`stopLoss` has both `amount` and `percent`.", "Keep one of them."),
    Refusal("invalid-stop-loss-relative-and-absolute", ("stopLoss",), "`stopLoss` says its price in more than one way.", "Keep one of `stopPrice`, `percent`, `amount` and `pnlAmount`."),
    Refusal("invalid-stop-loss-stop-price-required", ("stopLoss.stopPrice",), "`stopLoss` has a limit but no stop.", "Send `stopLoss.stopPrice` as well."),
    Refusal("invalid-stop-loss-value-required", ("stopLoss",), "`stopLoss` has no price.", 'Send an object with one of `stopPrice`, `percent`, `amount` and `pnlAmount`, for example {"type":"stop","percent":5}.'),
    # For people.
    Refusal("invalid-expires-at", ("expiresAt",), "`expiresAt` is not a time.", "Send 2026-12-31 23:59:59, or a distance such as +5 minutes."),
    Refusal("invalid-message-length", ("message",), "`message` is not a text of 25 to 255 characters.", "Make it longer or shorter, or put it into `extras`."),
    Refusal("invalid-message-tags", ("message",), "`message` has HTML tags in it.", "Send plain text."),
    # Newer codes of TradersPost's.
    Refusal("invalid-market-price-type", ("marketPriceType",), "`marketPriceType` is not one we know.", "Use ask_bid, mark, ask, bid or last."),
    Refusal("invalid-take-profit-pnl-amount", ("takeProfit.pnlAmount",), "`takeProfit.pnlAmount` is not a number above 0.", ABOVE_0),
    Refusal("invalid-stop-loss-pnl-amount", ("stopLoss.pnlAmount",), "`stopLoss.pnlAmount` is not a number above 0.", ABOVE_0),
    Refusal("invalid-delay-format", ("delay",), "`delay` is not a time to wait.", "Send seconds from 1 to 3600, or a distance such as +5 minutes."),
    # The way here.
    Refusal("not-found", (), "There is no webhook at this address.", "Copy the webhook URL again from the strategy's page.", 404, _REQUEST),
    Refusal("unknown-connector", (), "The connector name or token is not right.", "Copy both from the strategy's page.", 401, _REQUEST),
    Refusal("invalid-connector", ("connectorName", "connectorToken"), "The connector name or token in the message is not this strategy's.", "Copy both from the strategy's page, or leave both out: this URL knows them.", raised=_REQUEST),
    Refusal("connector-missing", (), "This is a Crypto-Arsenal message, and the strategy has no connector.", "Make one on the strategy's page: it names the symbol to trade.", raised=_REQUEST),
    Refusal("idempotency-mismatch", (), "This Idempotency-Key was used for another message.", "Use a new Idempotency-Key for a new message.", 409, _REQUEST),
    Refusal("payload-too-large", (), "The message is larger than 64 KB.", "Send only the fields that matter.", 413, _REQUEST),
    Refusal("too-many-requests", (), "This webhook has sent too many messages.", "Wait a little. Combine alerts, or ask for a higher limit.", 429, _REQUEST),
    Refusal("internal-error", (), "We failed to read this message; nothing was traded.", "Tell us; it is our fault.", 500, _REQUEST),
    Refusal("try-again", (), "We could not store the message; nothing was traded.", "Send it again.", 503, _REQUEST),
)
# fmt: on
CATALOGUE = {refusal.code: refusal for refusal in _ALL}
