"""The table of settings: each of them once, in the order of the form."""

from collections.abc import Mapping

from web.subscriptions.settings import rows_general, rows_orders
from web.subscriptions.settings.kinds import BadSetting, Kind, Scope, Setting

_ROWS: tuple[Setting, ...] = (
    *rows_general.BASICS,
    *rows_general.TICKERS_AND_SIDES,
    *rows_general.SIZE,
    *rows_orders.ENTRY,
    *rows_orders.EXIT,
    *rows_orders.TAKE_PROFIT,
    *rows_orders.STOP,
    *rows_orders.OPTIONS,
    *rows_general.TIMING,
    *rows_general.SAFETY,
    *rows_general.CANCEL,
    *rows_general.RETRY,
)
LOCKED = Setting(
    name="locked",
    group="Basics",
    label="Locked settings",
    help="Subscriptions are bound by this strategy's values of these: they may trade less, "
    "never more.",
    kind=Kind.NAMES,
    default=(),
    empty="none",
    choices=tuple(setting.name for setting in _ROWS if setting.lockable),
    scope=Scope.STRATEGY,
    binds="entries",
    advanced=True,
)
_AFTER = len(rows_general.BASICS)
SETTINGS: tuple[Setting, ...] = (*_ROWS[:_AFTER], LOCKED, *_ROWS[_AFTER:])
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
# What a strategy may set for its subscriptions, and what a subscription may set.
OF_STRATEGY: tuple[Setting, ...] = tuple(s for s in SETTINGS if s.scope is not Scope.SUBSCRIPTION)
OF_SUBSCRIPTION: tuple[Setting, ...] = tuple(s for s in SETTINGS if s.scope is not Scope.STRATEGY)
PARTS: Mapping[str, tuple[Setting, ...]] = {
    head.name: tuple(part for part in SETTINGS if part.part_of == head.name) for head in SETTINGS
}


def find(name: str) -> Setting:
    """The row of a name.

    Raises BadSetting.
    """
    setting = BY_NAME.get(name)
    if setting is None:
        raise BadSetting(
            name,
            f"There is no setting `{name}`.",
            "Look at the schema of settings for their names.",
        )
    return setting
