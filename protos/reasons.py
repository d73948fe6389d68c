"""The reasons catalogue: why a trade is where it is, in words a person can act on.

One word each: lower case in the API, pages and docs; the same in upper case as the
`Reason` enum of the contract. `{name}` in a message is filled from the trade's numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """What happened and what to do about it."""

    message: str
    fix: str


CATALOGUE: dict[str, Words] = {
    "no_position": Words(
        "Nothing is open in {instrument}.",
        "Usually harmless: there was nothing to do.",
    ),
    "already_in_position": Words(
        "Already {side} {position} {instrument}; adding is off.",
        "Turn on adding for this subscription, or send `add`.",
    ),
    "entry_working": Words(
        "An entry in {instrument} is still working or in doubt.",
        "Wait for it, cancel it, or turn on adding.",
    ),
    "superseded": Words(
        "A newer signal, or a kill switch, ended this one before it reached the broker.",
        "Nothing to do.",
    ),
    "side_not_allowed": Words(
        "This subscription trades {sides} only.",
        "Change Sides in the subscription's settings.",
    ),
    "swap_off": Words(
        "The position was closed; side swapping is off, so no opposite position was opened.",
        "Turn on side swapping to reverse with one signal.",
    ),
    "quantity_zero": Words(
        "{quantity} rounds down to 0.",
        "Raise the size.",
    ),
    "quantity_missing": Words(
        "No quantity: neither the signal nor the settings name one.",
        "Send `quantity`, or set a size.",
    ),
    "no_price": Words(
        "A limit order needs a price, and there is neither one in the signal nor a quote.",
        "Send `limitPrice` or `price`.",
    ),
    "already_closing": Words(
        "Exits that work already, or rest at their price, close all that this one would have.",
        "Nothing to do if they fill. To close now, send an exit at the market without a quantity: "
        "it takes the place of those that rest. A smaller one takes the place of none.",
    ),
    "nothing_to_cancel": Words(
        "Cancel asked, but no order is open in {instrument}.",
        "Usually harmless: there was nothing to do.",
    ),
    "entry_canceled": Words(
        "Nothing was open; the working entry was canceled.",
        "Nothing to do.",
    ),
    "opened_beyond": Words(
        "The market opened at {price}, beyond the {what} at {level} that was to be met.",
        "Send the signal again if you still want it.",
    ),
    "entry_watched": Words(
        "The broker holds no such order, so Fillwire watches the price: it goes at {trigger}.",
        "Nothing to do; cancel it if you do not want it any more.",
    ),
    "raced_fill": Words(
        "The order filled before the cancel arrived.",
        "Check the position; send an exit if you do not want it.",
    ),
    "flatten_debt": Words(
        "An earlier order is in doubt; whatever appears will be closed.",
        "Nothing to do: it goes on by itself.",
    ),
    "nothing_appeared": Words(
        "The order in doubt never reached the broker; there was nothing to close.",
        "Nothing to do.",
    ),
    "flip_timeout": Words(
        "The exit did not fill within {seconds} s, so the opposite entry was dropped.",
        "The exit is still working; send the entry again if you still want it.",
    ),
    "cancel_timeout": Words(
        "What was to be canceled first was not confirmed within {seconds} s.",
        "Look at the open orders at the broker; send the entry again if you still want it.",
    ),
    "in_doubt": Words(
        "We do not know yet whether the broker has the order; we are asking.",
        "Do not resend; the result appears here.",
    ),
    "not_provable": Words(
        "The broker can neither show the order nor prove that it is absent.",
        "Look at the broker, then check again or declare the outcome.",
    ),
    "declared_absent": Words(
        "A member said that the broker never had the order.",
        "Nothing more is sent. Should it appear after all, it is canceled.",
    ),
    "busted": Words(
        "The broker took back or corrected a fill that it had reported: {filled} of {of} stands.",
        "Check the position at the broker. Nothing is sent again for it.",
    ),
    "declared_present": Words(
        "A member said that the broker has the order, and looks after it there.",
        "Nothing more is done about it here. What the broker reports of it is still shown.",
    ),
    "signal_stale": Words(
        "The signal was {age} s old at {stage}; the limit is {limit} s.",
        "No order was sent. Check what delayed it.",
    ),
    "broker_rejected": Words(
        "The broker refused the order: {text}",
        "Read the broker's words above.",
    ),
    "broker_auth": Words(
        "The broker ended the login.",
        "Reconnect the connection.",
    ),
    "test": Words(
        "A test signal: recorded and explained, never sent.",
        "Nothing to do.",
    ),
    "subscription_paused": Words(
        "The subscription or its strategy was paused.",
        "Enable it.",
    ),
    "approval_expired": Words(
        "Nobody approved within {minutes} min.",
        "Nothing was sent.",
    ),
    "short_not_allowed": Words(
        "Spot crypto cannot be sold short.",
        "Sell only what is held.",
    ),
    "order_type_unsupported": Words(
        "This broker has no {ord_type} orders for {instrument}.",
        "Use another order type.",
    ),
    "sentiment_mismatch": Words(
        "{action} with sentiment {sentiment} has nothing to close here.",
        "Nothing to do, or drop the sentiment.",
    ),
    "internal_error": Words(
        "We failed to work this out, and stopped: no order was sent from here on.",
        "Quote the trade's id to support.",
    ),
    "overfilled": Words(
        "The broker filled more in {instrument} than was asked, so nothing is opened there.",
        "Look at the position, then acknowledge the alarm: entries go on.",
    ),
    "entry_dropped": Words(
        "The exit filled; the entry was not sent: {text}",
        "Send the entry again if you still want it.",
    ),
    "canceled_by_signal": Words(
        "A later signal canceled the order.",
        "Nothing to do.",
    ),
    "appeared_late": Words(
        "The broker showed the order after it had been given up; it is canceled by now.",
        "Nothing to do.",
    ),
    "waiting_in_lane": Words(
        "Waiting for an earlier trade in {instrument}.",
        "Nothing to do: it goes on by itself.",
    ),
    "target_reached": Words(
        "{instrument} is already as the message wants it: {position}.",
        "Nothing to do.",
    ),
    "out_of_step": Words(
        "The sender was in a position in {instrument} before this subscription was.",
        "Nothing to do: it begins when the sender next opens from flat.",
    ),
    "sizing_unsupported": Words(
        "{asked} cannot be done here yet, so no order was sent.",
        "Send `fixed` or `quantity`, or set a size of your own.",
    ),
    "rejected_by_member": Words(
        "A member rejected the trade.",
        "Nothing was sent.",
    ),
    "size_unknown": Words(
        "The size ({size_type}) cannot be worked out: no {missing} is known.",
        "Send what is missing, or use a fixed quantity.",
    ),
    "side_isolated": Words(
        "Sides are isolated, and this would trade the other side.",
        "Turn off isolation, or use a subscription for that side.",
    ),
    "exits_ignored": Words(
        "This subscription ignores exits.",
        "Turn off Ignore exits to let signals close positions.",
    ),
    "stop_wrong_side": Words(
        "The stop {stop} is on the wrong side of the price {price}.",
        "Put it below the price for a long position, above it for a short one.",
    ),
    "target_wrong_side": Words(
        "The target {target} is on the wrong side of the price {price}.",
        "Put it above the price for a long position, below it for a short one.",
    ),
    "stop_unsupported": Words(
        "The stop asked for cannot be placed here, so nothing was opened.",
        "Use a connection that takes stops, or leave the stop out.",
    ),
    "target_unsupported": Words(
        "The target asked for cannot be placed here, so nothing was opened.",
        "Use a connection that takes targets, or leave the target out.",
    ),
    "stop_unknown": Words(
        "The stop cannot be worked out: no {missing} is known.",
        "Send `price`, or name the stop's own price.",
    ),
    "target_unknown": Words(
        "The target cannot be worked out: no {missing} is known.",
        "Send `price`, or name the target's own price.",
    ),
    "spread_too_wide": Words(
        "The spread is {spread}; the filter allows {limit}.",
        "Wait for a narrower market, or widen the filter.",
    ),
    "buying_power": Words(
        "The order costs {cost}; the account can buy for {power}.",
        "Lower the size, or add money.",
    ),
    "short_options_off": Words(
        "This would open a short option.",
        "Allow short options in the subscription's settings.",
    ),
    "subtracted_flat": Words(
        "The whole quantity closed the position; nothing was left to open.",
        "Send more than the position to reverse it.",
    ),
    "now_unprotected": Words(
        "Open orders were canceled, the position's stop or target among them.",
        "Send a new stop, or close the position.",
    ),
    "netted": Words(
        "Another subscription holds the opposite side, so that the account holds less of this.",
        "It is guarded again once the other side is closed. Use an account for each direction.",
    ),
    "stop_refused": Words(
        "The broker refused the position's stop or target: {text}.",
        "Look at the position. The setting `stop_refused_after_fill` decides what is done then.",
    ),
    "canceled_in_time": Words(
        "The order was not filled in the time it had, and was canceled.",
        "Give it longer, or a better price.",
    ),
    "outside_window": Words(
        "It was {time}; this subscription trades {windows}.",
        "Widen the trading windows, or let the signal ignore them.",
    ),
    "ticker_not_allowed": Words(
        "This subscription trades only {tickers}.",
        "Add the ticker to the allowed ones, or allow any.",
    ),
    "setting_unsupported": Words(
        "{setting} is set to {value}, and nothing obeys that yet, so nothing was opened.",
        "Clear that setting to trade without it.",
    ),
    "above_cap": Words(
        "{setting} is in other terms than its limit ({by}), so it cannot be lowered to it.",
        "Use the terms of the limit.",
    ),
    "late_exit": Words(
        "The exit was {age} s old at {stage}; the limit is {limit} s. It waits for one click.",
        "Approve it if the position is still open. It is kept for a day.",
    ),
    "canceled_by_member": Words(
        "A member canceled the trade: what had not been sent or filled by then was dropped.",
        "Look at its orders, if it has any, for what went before.",
    ),
    "instrument_unknown": Words(
        "{instrument} names nothing that can be traded in this asset class.",
        "Check the ticker, and the strategy's asset class.",
    ),
    "contract_expired": Words(
        "{instrument} has expired.",
        "Name a contract that still trades.",
    ),
    "crypto_quote_unsupported": Words(
        "{instrument} is priced in {quote}; only USD, USDC, USDT and DAI are traded.",
        "Use a pair that is priced in one of these.",
    ),
    "no_contract": Words(
        "No option of {instrument} fits what was asked.",
        "Ask for another expiration or strike.",
    ),
    "market_closed": Words(
        "The market of {instrument} is closed until {opens}.",
        "Nothing to do: it goes on when the market opens.",
    ),
    "extended_hours_unsupported": Words(
        "The market of {instrument} is closed until {opens}, and this broker takes no orders "
        "for extended hours.",
        "Turn `entry_extended_hours` off to have entries wait for the open.",
    ),
    "halted": Words(
        "The kill switch of the {scope} is on: {mode}.",
        "Nothing was sent. Turn the switch off, then send the signal again if you still want it.",
    ),
    "daily_loss_hit": Words(
        "Loss today {lost} reached the limit {limit}.",
        "Entries go on with the next trading day, at 18:00 New York time; exits go on now.",
    ),
    "max_position": Words(
        "Positions would be worth {value} together; the limit is {limit}.",
        "Lower the size, close something, or raise the limit for the next trading day.",
    ),
    "max_orders": Words(
        "{orders} orders went out within a minute; the limit is {limit}.",
        "Wait a minute, or raise the limit for the next trading day.",
    ),
    "approval_needed": Words(
        "What closes goes at once; opening in {instrument} needs a person's approval.",
        "Send the signal again to be asked, or let the subscription submit automatically.",
    ),
    "flip_halved": Words(
        "The second half of a reversal of {instrument} was dropped; its exit goes on.",
        "Nothing to do, unless you want the opposite position after all: then send it again.",
    ),
    "currency_unknown": Words(
        "{instrument} is priced in {quote}, and what that is worth in the account's currency "
        "is not known.",
        "Use a fixed quantity, or an account in {quote}.",
    ),
    "rate_limited": Words(
        "The broker takes {limit} requests in {window} s; the turn of this one comes in {wait} s.",
        "Entries that would be too old by then are not sent: spread the signals over time.",
    ),
}


class Shown(dict[str, str]):
    """Numbers for a message; what is not known says so."""

    def __missing__(self, key: str) -> str:
        return f"({key} not known)"


def explain(reason: str, numbers: Mapping[str, str]) -> str:
    """The reason's message with its numbers filled in."""
    return CATALOGUE[reason].message.format_map(Shown(numbers))
