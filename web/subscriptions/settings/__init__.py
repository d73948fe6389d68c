"""The table of settings and the one resolver that everything asks.

Validation, the form, the API schema, the docs page and the planner are drawn from
`SETTINGS`. Each setting of a subscription has a source:

- `strategy`: inherit the strategy's value, live;
- `own`: my value;
- `signal`: let the signal decide, falling back to my value, then to the strategy's.

Pure: nothing in this package reads a clock or opens anything.
"""

from web.subscriptions.settings.caps import Cap as Cap
from web.subscriptions.settings.caps import caps_of as caps_of
from web.subscriptions.settings.kinds import BadSetting as BadSetting
from web.subscriptions.settings.kinds import Kind as Kind
from web.subscriptions.settings.kinds import Scope as Scope
from web.subscriptions.settings.kinds import Setting as Setting
from web.subscriptions.settings.kinds import limits as limits
from web.subscriptions.settings.kinds import to_text as to_text
from web.subscriptions.settings.resolver import Effective as Effective
from web.subscriptions.settings.resolver import Resolved as Resolved
from web.subscriptions.settings.resolver import complete as complete
from web.subscriptions.settings.resolver import recall as recall
from web.subscriptions.settings.resolver import resolve as resolve
from web.subscriptions.settings.schema import strategy_schema as strategy_schema
from web.subscriptions.settings.schema import subscription_schema as subscription_schema
from web.subscriptions.settings.stored import Changed as Changed
from web.subscriptions.settings.stored import Source as Source
from web.subscriptions.settings.stored import copy_for_follower as copy_for_follower
from web.subscriptions.settings.stored import default_source as default_source
from web.subscriptions.settings.stored import merge as merge
from web.subscriptions.settings.stored import validate as validate
from web.subscriptions.settings.stored import validate_own as validate_own
from web.subscriptions.settings.table import BY_NAME as BY_NAME
from web.subscriptions.settings.table import OF_STRATEGY as OF_STRATEGY
from web.subscriptions.settings.table import OF_SUBSCRIPTION as OF_SUBSCRIPTION
from web.subscriptions.settings.table import SETTINGS as SETTINGS
