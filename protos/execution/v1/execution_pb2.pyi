import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STORE_STATUS_UNSPECIFIED: _ClassVar[StoreStatus]
    STORE_STATUS_STORED: _ClassVar[StoreStatus]
    STORE_STATUS_ALREADY_STORED: _ClassVar[StoreStatus]
    STORE_STATUS_CONFLICT: _ClassVar[StoreStatus]
    STORE_STATUS_NOT_FOUND: _ClassVar[StoreStatus]
    STORE_STATUS_INVALID: _ClassVar[StoreStatus]

class DoubtWord(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOUBT_WORD_UNSPECIFIED: _ClassVar[DoubtWord]
    DOUBT_WORD_CHECK: _ClassVar[DoubtWord]
    DOUBT_WORD_ABSENT: _ClassVar[DoubtWord]
    DOUBT_WORD_PRESENT: _ClassVar[DoubtWord]
    DOUBT_WORD_LET_GO: _ClassVar[DoubtWord]

class DoubtStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOUBT_STATUS_UNSPECIFIED: _ClassVar[DoubtStatus]
    DOUBT_STATUS_TAKEN: _ClassVar[DoubtStatus]
    DOUBT_STATUS_NOT_IN_DOUBT: _ClassVar[DoubtStatus]
    DOUBT_STATUS_NOT_FOUND: _ClassVar[DoubtStatus]

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTION_UNSPECIFIED: _ClassVar[Action]
    ACTION_BUY: _ClassVar[Action]
    ACTION_SELL: _ClassVar[Action]
    ACTION_EXIT: _ClassVar[Action]
    ACTION_ADD: _ClassVar[Action]
    ACTION_CANCEL: _ClassVar[Action]
    ACTION_REVERSE: _ClassVar[Action]
    ACTION_BREAKEVEN: _ClassVar[Action]

class Sentiment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SENTIMENT_UNSPECIFIED: _ClassVar[Sentiment]
    SENTIMENT_BULLISH: _ClassVar[Sentiment]
    SENTIMENT_BEARISH: _ClassVar[Sentiment]
    SENTIMENT_FLAT: _ClassVar[Sentiment]

class Sides(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDES_UNSPECIFIED: _ClassVar[Sides]
    SIDES_BOTH: _ClassVar[Sides]
    SIDES_BULLISH: _ClassVar[Sides]
    SIDES_BEARISH: _ClassVar[Sides]
    SIDES_NONE: _ClassVar[Sides]

class AssetClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSET_CLASS_UNSPECIFIED: _ClassVar[AssetClass]
    ASSET_CLASS_STOCKS: _ClassVar[AssetClass]
    ASSET_CLASS_OPTIONS: _ClassVar[AssetClass]
    ASSET_CLASS_FUTURES: _ClassVar[AssetClass]
    ASSET_CLASS_CRYPTO: _ClassVar[AssetClass]

class OptionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPTION_TYPE_UNSPECIFIED: _ClassVar[OptionType]
    OPTION_TYPE_BOTH: _ClassVar[OptionType]
    OPTION_TYPE_CALL: _ClassVar[OptionType]
    OPTION_TYPE_PUT: _ClassVar[OptionType]

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class OrdType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORD_TYPE_UNSPECIFIED: _ClassVar[OrdType]
    ORD_TYPE_MARKET: _ClassVar[OrdType]
    ORD_TYPE_LIMIT: _ClassVar[OrdType]
    ORD_TYPE_STOP: _ClassVar[OrdType]
    ORD_TYPE_STOP_LIMIT: _ClassVar[OrdType]
    ORD_TYPE_TRAILING_STOP: _ClassVar[OrdType]

class SizeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIZE_TYPE_UNSPECIFIED: _ClassVar[SizeType]
    SIZE_TYPE_FIXED_QUANTITY: _ClassVar[SizeType]
    SIZE_TYPE_DOLLAR_AMOUNT: _ClassVar[SizeType]
    SIZE_TYPE_RISK_DOLLAR_AMOUNT: _ClassVar[SizeType]
    SIZE_TYPE_RISK_PERCENT: _ClassVar[SizeType]
    SIZE_TYPE_PERCENT_OF_EQUITY: _ClassVar[SizeType]
    SIZE_TYPE_PERCENT_OF_POSITION: _ClassVar[SizeType]
    SIZE_TYPE_PERCENT_OF_BALANCE: _ClassVar[SizeType]
    SIZE_TYPE_NOTIONAL: _ClassVar[SizeType]

class Sizing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIZING_UNSPECIFIED: _ClassVar[Sizing]
    SIZING_WHOLE: _ClassVar[Sizing]
    SIZING_UNITS: _ClassVar[Sizing]
    SIZING_BALANCE_PERCENT: _ClassVar[Sizing]
    SIZING_INITIAL_PERCENT: _ClassVar[Sizing]
    SIZING_INITIAL_AND_PROFIT: _ClassVar[Sizing]
    SIZING_FIXED_QUOTE: _ClassVar[Sizing]
    SIZING_ORDER_SIZE: _ClassVar[Sizing]
    SIZING_FIXED_BASE: _ClassVar[Sizing]
    SIZING_FLAT_PERCENT: _ClassVar[Sizing]
    SIZING_FIXED_CAPITAL: _ClassVar[Sizing]

class PriceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_TYPE_UNSPECIFIED: _ClassVar[PriceType]
    PRICE_TYPE_MARK: _ClassVar[PriceType]
    PRICE_TYPE_ASK_BID: _ClassVar[PriceType]
    PRICE_TYPE_ASK: _ClassVar[PriceType]
    PRICE_TYPE_BID: _ClassVar[PriceType]
    PRICE_TYPE_LAST: _ClassVar[PriceType]

class CancelFirst(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_FIRST_UNSPECIFIED: _ClassVar[CancelFirst]
    CANCEL_FIRST_YES: _ClassVar[CancelFirst]
    CANCEL_FIRST_NO: _ClassVar[CancelFirst]

class OrdStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORD_STATUS_UNSPECIFIED: _ClassVar[OrdStatus]
    ORD_STATUS_PENDING_NEW: _ClassVar[OrdStatus]
    ORD_STATUS_NEW: _ClassVar[OrdStatus]
    ORD_STATUS_PARTIALLY_FILLED: _ClassVar[OrdStatus]
    ORD_STATUS_FILLED: _ClassVar[OrdStatus]
    ORD_STATUS_CANCELED: _ClassVar[OrdStatus]
    ORD_STATUS_REJECTED: _ClassVar[OrdStatus]
    ORD_STATUS_EXPIRED: _ClassVar[OrdStatus]

class ExecType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXEC_TYPE_UNSPECIFIED: _ClassVar[ExecType]
    EXEC_TYPE_NEW: _ClassVar[ExecType]
    EXEC_TYPE_FILL: _ClassVar[ExecType]
    EXEC_TYPE_CANCELED: _ClassVar[ExecType]
    EXEC_TYPE_REJECTED: _ClassVar[ExecType]
    EXEC_TYPE_EXPIRED: _ClassVar[ExecType]
    EXEC_TYPE_NOT_SENT: _ClassVar[ExecType]
    EXEC_TYPE_TRADE_CANCEL: _ClassVar[ExecType]
    EXEC_TYPE_TRADE_CORRECT: _ClassVar[ExecType]

class Leg(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEG_UNSPECIFIED: _ClassVar[Leg]
    LEG_ENTRY: _ClassVar[Leg]
    LEG_EXIT: _ClassVar[Leg]
    LEG_TAKE_PROFIT: _ClassVar[Leg]
    LEG_STOP: _ClassVar[Leg]

class Origin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORIGIN_UNSPECIFIED: _ClassVar[Origin]
    ORIGIN_SIGNAL: _ClassVar[Origin]
    ORIGIN_APPROVAL: _ClassVar[Origin]
    ORIGIN_PROTECTION: _ClassVar[Origin]
    ORIGIN_FLATTEN: _ClassVar[Origin]
    ORIGIN_KILL_SWITCH: _ClassVar[Origin]
    ORIGIN_MANUAL: _ClassVar[Origin]
    ORIGIN_CORRECTION: _ClassVar[Origin]
    ORIGIN_EXTERNAL: _ClassVar[Origin]

class ProtectionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROTECTION_STATE_UNSPECIFIED: _ClassVar[ProtectionState]
    PROTECTION_STATE_PENDING: _ClassVar[ProtectionState]
    PROTECTION_STATE_PROTECTED: _ClassVar[ProtectionState]
    PROTECTION_STATE_UNPROTECTED: _ClassVar[ProtectionState]
    PROTECTION_STATE_CLOSED: _ClassVar[ProtectionState]

class TradeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRADE_STATE_UNSPECIFIED: _ClassVar[TradeState]
    TRADE_STATE_PENDING: _ClassVar[TradeState]
    TRADE_STATE_WAITING_APPROVAL: _ClassVar[TradeState]
    TRADE_STATE_DELAYED: _ClassVar[TradeState]
    TRADE_STATE_QUEUED: _ClassVar[TradeState]
    TRADE_STATE_WORKING: _ClassVar[TradeState]
    TRADE_STATE_BLOCKED: _ClassVar[TradeState]
    TRADE_STATE_FILLED: _ClassVar[TradeState]
    TRADE_STATE_PARTIALLY_FILLED: _ClassVar[TradeState]
    TRADE_STATE_DONE: _ClassVar[TradeState]
    TRADE_STATE_CANCELED: _ClassVar[TradeState]
    TRADE_STATE_REJECTED: _ClassVar[TradeState]
    TRADE_STATE_EXPIRED: _ClassVar[TradeState]
    TRADE_STATE_SKIPPED: _ClassVar[TradeState]
    TRADE_STATE_HALTED: _ClassVar[TradeState]
    TRADE_STATE_NEEDS_ATTENTION: _ClassVar[TradeState]

class RefreshStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFRESH_STATUS_UNSPECIFIED: _ClassVar[RefreshStatus]
    REFRESH_STATUS_DONE: _ClassVar[RefreshStatus]
    REFRESH_STATUS_ASKED: _ClassVar[RefreshStatus]

class SwitchScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SWITCH_SCOPE_UNSPECIFIED: _ClassVar[SwitchScope]
    SWITCH_SCOPE_PLATFORM: _ClassVar[SwitchScope]
    SWITCH_SCOPE_TENANT: _ClassVar[SwitchScope]
    SWITCH_SCOPE_STRATEGY: _ClassVar[SwitchScope]
    SWITCH_SCOPE_CONNECTION: _ClassVar[SwitchScope]
    SWITCH_SCOPE_BROKER: _ClassVar[SwitchScope]

class SwitchMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SWITCH_MODE_UNSPECIFIED: _ClassVar[SwitchMode]
    SWITCH_MODE_OFF: _ClassVar[SwitchMode]
    SWITCH_MODE_STOP_ENTRIES: _ClassVar[SwitchMode]
    SWITCH_MODE_STOP_ALL: _ClassVar[SwitchMode]
    SWITCH_MODE_FLATTEN: _ClassVar[SwitchMode]

class AlarmKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALARM_KIND_UNSPECIFIED: _ClassVar[AlarmKind]
    ALARM_KIND_NOT_PROVABLE: _ClassVar[AlarmKind]
    ALARM_KIND_INTERNAL_ERROR: _ClassVar[AlarmKind]
    ALARM_KIND_LATE_EXIT: _ClassVar[AlarmKind]
    ALARM_KIND_EXIT_OUTSIDE_WINDOW: _ClassVar[AlarmKind]
    ALARM_KIND_EXIT_SPREAD_TOO_WIDE: _ClassVar[AlarmKind]
    ALARM_KIND_EXIT_REFUSED_BY_AGE: _ClassVar[AlarmKind]
    ALARM_KIND_FLIP_TIMEOUT: _ClassVar[AlarmKind]
    ALARM_KIND_OVERFILLED: _ClassVar[AlarmKind]
    ALARM_KIND_STOP_REFUSED: _ClassVar[AlarmKind]
    ALARM_KIND_UNPROTECTED: _ClassVar[AlarmKind]
    ALARM_KIND_EXIT_TOO_LATE: _ClassVar[AlarmKind]
    ALARM_KIND_EXIT_FAILED: _ClassVar[AlarmKind]
    ALARM_KIND_EXIT_UNANSWERED: _ClassVar[AlarmKind]
    ALARM_KIND_BUSTED: _ClassVar[AlarmKind]
    ALARM_KIND_GUARD_NOT_PROVABLE: _ClassVar[AlarmKind]
    ALARM_KIND_SHARE_TAKEN: _ClassVar[AlarmKind]
    ALARM_KIND_LOGIN_REFUSED: _ClassVar[AlarmKind]

class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_UNSPECIFIED: _ClassVar[Reason]
    REASON_NO_POSITION: _ClassVar[Reason]
    REASON_ALREADY_IN_POSITION: _ClassVar[Reason]
    REASON_ENTRY_WORKING: _ClassVar[Reason]
    REASON_SUPERSEDED: _ClassVar[Reason]
    REASON_SIDE_NOT_ALLOWED: _ClassVar[Reason]
    REASON_SWAP_OFF: _ClassVar[Reason]
    REASON_QUANTITY_ZERO: _ClassVar[Reason]
    REASON_QUANTITY_MISSING: _ClassVar[Reason]
    REASON_NO_PRICE: _ClassVar[Reason]
    REASON_ALREADY_CLOSING: _ClassVar[Reason]
    REASON_NOTHING_TO_CANCEL: _ClassVar[Reason]
    REASON_ENTRY_CANCELED: _ClassVar[Reason]
    REASON_RACED_FILL: _ClassVar[Reason]
    REASON_FLATTEN_DEBT: _ClassVar[Reason]
    REASON_NOTHING_APPEARED: _ClassVar[Reason]
    REASON_FLIP_TIMEOUT: _ClassVar[Reason]
    REASON_IN_DOUBT: _ClassVar[Reason]
    REASON_NOT_PROVABLE: _ClassVar[Reason]
    REASON_SIGNAL_STALE: _ClassVar[Reason]
    REASON_BROKER_REJECTED: _ClassVar[Reason]
    REASON_BROKER_AUTH: _ClassVar[Reason]
    REASON_TEST: _ClassVar[Reason]
    REASON_SUBSCRIPTION_PAUSED: _ClassVar[Reason]
    REASON_APPROVAL_EXPIRED: _ClassVar[Reason]
    REASON_SHORT_NOT_ALLOWED: _ClassVar[Reason]
    REASON_ORDER_TYPE_UNSUPPORTED: _ClassVar[Reason]
    REASON_SENTIMENT_MISMATCH: _ClassVar[Reason]
    REASON_INTERNAL_ERROR: _ClassVar[Reason]
    REASON_ENTRY_DROPPED: _ClassVar[Reason]
    REASON_CANCELED_BY_SIGNAL: _ClassVar[Reason]
    REASON_WAITING_IN_LANE: _ClassVar[Reason]
    REASON_REJECTED_BY_MEMBER: _ClassVar[Reason]
    REASON_SIZE_UNKNOWN: _ClassVar[Reason]
    REASON_SIDE_ISOLATED: _ClassVar[Reason]
    REASON_EXITS_IGNORED: _ClassVar[Reason]
    REASON_STOP_WRONG_SIDE: _ClassVar[Reason]
    REASON_TARGET_WRONG_SIDE: _ClassVar[Reason]
    REASON_STOP_UNSUPPORTED: _ClassVar[Reason]
    REASON_TARGET_UNSUPPORTED: _ClassVar[Reason]
    REASON_STOP_UNKNOWN: _ClassVar[Reason]
    REASON_TARGET_UNKNOWN: _ClassVar[Reason]
    REASON_SPREAD_TOO_WIDE: _ClassVar[Reason]
    REASON_BUYING_POWER: _ClassVar[Reason]
    REASON_SHORT_OPTIONS_OFF: _ClassVar[Reason]
    REASON_NOW_UNPROTECTED: _ClassVar[Reason]
    REASON_CANCELED_IN_TIME: _ClassVar[Reason]
    REASON_SUBTRACTED_FLAT: _ClassVar[Reason]
    REASON_OUTSIDE_WINDOW: _ClassVar[Reason]
    REASON_TICKER_NOT_ALLOWED: _ClassVar[Reason]
    REASON_LATE_EXIT: _ClassVar[Reason]
    REASON_CANCELED_BY_MEMBER: _ClassVar[Reason]
    REASON_SETTING_UNSUPPORTED: _ClassVar[Reason]
    REASON_ABOVE_CAP: _ClassVar[Reason]
    REASON_SIZING_UNSUPPORTED: _ClassVar[Reason]
    REASON_INSTRUMENT_UNKNOWN: _ClassVar[Reason]
    REASON_CONTRACT_EXPIRED: _ClassVar[Reason]
    REASON_CRYPTO_QUOTE_UNSUPPORTED: _ClassVar[Reason]
    REASON_NO_CONTRACT: _ClassVar[Reason]
    REASON_MARKET_CLOSED: _ClassVar[Reason]
    REASON_TARGET_REACHED: _ClassVar[Reason]
    REASON_OUT_OF_STEP: _ClassVar[Reason]
    REASON_STOP_REFUSED: _ClassVar[Reason]
    REASON_EXTENDED_HOURS_UNSUPPORTED: _ClassVar[Reason]
    REASON_CANCEL_TIMEOUT: _ClassVar[Reason]
    REASON_RATE_LIMITED: _ClassVar[Reason]
    REASON_HALTED: _ClassVar[Reason]
    REASON_DAILY_LOSS_HIT: _ClassVar[Reason]
    REASON_MAX_POSITION: _ClassVar[Reason]
    REASON_MAX_ORDERS: _ClassVar[Reason]
    REASON_APPROVAL_NEEDED: _ClassVar[Reason]
    REASON_CURRENCY_UNKNOWN: _ClassVar[Reason]
    REASON_FLIP_HALVED: _ClassVar[Reason]
    REASON_DECLARED_ABSENT: _ClassVar[Reason]
    REASON_DECLARED_PRESENT: _ClassVar[Reason]
    REASON_OVERFILLED: _ClassVar[Reason]
    REASON_ENTRY_WATCHED: _ClassVar[Reason]
    REASON_OPENED_BEYOND: _ClassVar[Reason]
    REASON_NETTED: _ClassVar[Reason]
    REASON_BUSTED: _ClassVar[Reason]
    REASON_APPEARED_LATE: _ClassVar[Reason]
STORE_STATUS_UNSPECIFIED: StoreStatus
STORE_STATUS_STORED: StoreStatus
STORE_STATUS_ALREADY_STORED: StoreStatus
STORE_STATUS_CONFLICT: StoreStatus
STORE_STATUS_NOT_FOUND: StoreStatus
STORE_STATUS_INVALID: StoreStatus
DOUBT_WORD_UNSPECIFIED: DoubtWord
DOUBT_WORD_CHECK: DoubtWord
DOUBT_WORD_ABSENT: DoubtWord
DOUBT_WORD_PRESENT: DoubtWord
DOUBT_WORD_LET_GO: DoubtWord
DOUBT_STATUS_UNSPECIFIED: DoubtStatus
DOUBT_STATUS_TAKEN: DoubtStatus
DOUBT_STATUS_NOT_IN_DOUBT: DoubtStatus
DOUBT_STATUS_NOT_FOUND: DoubtStatus
ACTION_UNSPECIFIED: Action
ACTION_BUY: Action
ACTION_SELL: Action
ACTION_EXIT: Action
ACTION_ADD: Action
ACTION_CANCEL: Action
ACTION_REVERSE: Action
ACTION_BREAKEVEN: Action
SENTIMENT_UNSPECIFIED: Sentiment
SENTIMENT_BULLISH: Sentiment
SENTIMENT_BEARISH: Sentiment
SENTIMENT_FLAT: Sentiment
SIDES_UNSPECIFIED: Sides
SIDES_BOTH: Sides
SIDES_BULLISH: Sides
SIDES_BEARISH: Sides
SIDES_NONE: Sides
ASSET_CLASS_UNSPECIFIED: AssetClass
ASSET_CLASS_STOCKS: AssetClass
ASSET_CLASS_OPTIONS: AssetClass
ASSET_CLASS_FUTURES: AssetClass
ASSET_CLASS_CRYPTO: AssetClass
OPTION_TYPE_UNSPECIFIED: OptionType
OPTION_TYPE_BOTH: OptionType
OPTION_TYPE_CALL: OptionType
OPTION_TYPE_PUT: OptionType
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
ORD_TYPE_UNSPECIFIED: OrdType
ORD_TYPE_MARKET: OrdType
ORD_TYPE_LIMIT: OrdType
ORD_TYPE_STOP: OrdType
ORD_TYPE_STOP_LIMIT: OrdType
ORD_TYPE_TRAILING_STOP: OrdType
SIZE_TYPE_UNSPECIFIED: SizeType
SIZE_TYPE_FIXED_QUANTITY: SizeType
SIZE_TYPE_DOLLAR_AMOUNT: SizeType
SIZE_TYPE_RISK_DOLLAR_AMOUNT: SizeType
SIZE_TYPE_RISK_PERCENT: SizeType
SIZE_TYPE_PERCENT_OF_EQUITY: SizeType
SIZE_TYPE_PERCENT_OF_POSITION: SizeType
SIZE_TYPE_PERCENT_OF_BALANCE: SizeType
SIZE_TYPE_NOTIONAL: SizeType
SIZING_UNSPECIFIED: Sizing
SIZING_WHOLE: Sizing
SIZING_UNITS: Sizing
SIZING_BALANCE_PERCENT: Sizing
SIZING_INITIAL_PERCENT: Sizing
SIZING_INITIAL_AND_PROFIT: Sizing
SIZING_FIXED_QUOTE: Sizing
SIZING_ORDER_SIZE: Sizing
SIZING_FIXED_BASE: Sizing
SIZING_FLAT_PERCENT: Sizing
SIZING_FIXED_CAPITAL: Sizing
PRICE_TYPE_UNSPECIFIED: PriceType
PRICE_TYPE_MARK: PriceType
PRICE_TYPE_ASK_BID: PriceType
PRICE_TYPE_ASK: PriceType
PRICE_TYPE_BID: PriceType
PRICE_TYPE_LAST: PriceType
CANCEL_FIRST_UNSPECIFIED: CancelFirst
CANCEL_FIRST_YES: CancelFirst
CANCEL_FIRST_NO: CancelFirst
ORD_STATUS_UNSPECIFIED: OrdStatus
ORD_STATUS_PENDING_NEW: OrdStatus
ORD_STATUS_NEW: OrdStatus
ORD_STATUS_PARTIALLY_FILLED: OrdStatus
ORD_STATUS_FILLED: OrdStatus
ORD_STATUS_CANCELED: OrdStatus
ORD_STATUS_REJECTED: OrdStatus
ORD_STATUS_EXPIRED: OrdStatus
EXEC_TYPE_UNSPECIFIED: ExecType
EXEC_TYPE_NEW: ExecType
EXEC_TYPE_FILL: ExecType
EXEC_TYPE_CANCELED: ExecType
EXEC_TYPE_REJECTED: ExecType
EXEC_TYPE_EXPIRED: ExecType
EXEC_TYPE_NOT_SENT: ExecType
EXEC_TYPE_TRADE_CANCEL: ExecType
EXEC_TYPE_TRADE_CORRECT: ExecType
LEG_UNSPECIFIED: Leg
LEG_ENTRY: Leg
LEG_EXIT: Leg
LEG_TAKE_PROFIT: Leg
LEG_STOP: Leg
ORIGIN_UNSPECIFIED: Origin
ORIGIN_SIGNAL: Origin
ORIGIN_APPROVAL: Origin
ORIGIN_PROTECTION: Origin
ORIGIN_FLATTEN: Origin
ORIGIN_KILL_SWITCH: Origin
ORIGIN_MANUAL: Origin
ORIGIN_CORRECTION: Origin
ORIGIN_EXTERNAL: Origin
PROTECTION_STATE_UNSPECIFIED: ProtectionState
PROTECTION_STATE_PENDING: ProtectionState
PROTECTION_STATE_PROTECTED: ProtectionState
PROTECTION_STATE_UNPROTECTED: ProtectionState
PROTECTION_STATE_CLOSED: ProtectionState
TRADE_STATE_UNSPECIFIED: TradeState
TRADE_STATE_PENDING: TradeState
TRADE_STATE_WAITING_APPROVAL: TradeState
TRADE_STATE_DELAYED: TradeState
TRADE_STATE_QUEUED: TradeState
TRADE_STATE_WORKING: TradeState
TRADE_STATE_BLOCKED: TradeState
TRADE_STATE_FILLED: TradeState
TRADE_STATE_PARTIALLY_FILLED: TradeState
TRADE_STATE_DONE: TradeState
TRADE_STATE_CANCELED: TradeState
TRADE_STATE_REJECTED: TradeState
TRADE_STATE_EXPIRED: TradeState
TRADE_STATE_SKIPPED: TradeState
TRADE_STATE_HALTED: TradeState
TRADE_STATE_NEEDS_ATTENTION: TradeState
REFRESH_STATUS_UNSPECIFIED: RefreshStatus
REFRESH_STATUS_DONE: RefreshStatus
REFRESH_STATUS_ASKED: RefreshStatus
SWITCH_SCOPE_UNSPECIFIED: SwitchScope
SWITCH_SCOPE_PLATFORM: SwitchScope
SWITCH_SCOPE_TENANT: SwitchScope
SWITCH_SCOPE_STRATEGY: SwitchScope
SWITCH_SCOPE_CONNECTION: SwitchScope
SWITCH_SCOPE_BROKER: SwitchScope
SWITCH_MODE_UNSPECIFIED: SwitchMode
SWITCH_MODE_OFF: SwitchMode
SWITCH_MODE_STOP_ENTRIES: SwitchMode
SWITCH_MODE_STOP_ALL: SwitchMode
SWITCH_MODE_FLATTEN: SwitchMode
ALARM_KIND_UNSPECIFIED: AlarmKind
ALARM_KIND_NOT_PROVABLE: AlarmKind
ALARM_KIND_INTERNAL_ERROR: AlarmKind
ALARM_KIND_LATE_EXIT: AlarmKind
ALARM_KIND_EXIT_OUTSIDE_WINDOW: AlarmKind
ALARM_KIND_EXIT_SPREAD_TOO_WIDE: AlarmKind
ALARM_KIND_EXIT_REFUSED_BY_AGE: AlarmKind
ALARM_KIND_FLIP_TIMEOUT: AlarmKind
ALARM_KIND_OVERFILLED: AlarmKind
ALARM_KIND_STOP_REFUSED: AlarmKind
ALARM_KIND_UNPROTECTED: AlarmKind
ALARM_KIND_EXIT_TOO_LATE: AlarmKind
ALARM_KIND_EXIT_FAILED: AlarmKind
ALARM_KIND_EXIT_UNANSWERED: AlarmKind
ALARM_KIND_BUSTED: AlarmKind
ALARM_KIND_GUARD_NOT_PROVABLE: AlarmKind
ALARM_KIND_SHARE_TAKEN: AlarmKind
ALARM_KIND_LOGIN_REFUSED: AlarmKind
REASON_UNSPECIFIED: Reason
REASON_NO_POSITION: Reason
REASON_ALREADY_IN_POSITION: Reason
REASON_ENTRY_WORKING: Reason
REASON_SUPERSEDED: Reason
REASON_SIDE_NOT_ALLOWED: Reason
REASON_SWAP_OFF: Reason
REASON_QUANTITY_ZERO: Reason
REASON_QUANTITY_MISSING: Reason
REASON_NO_PRICE: Reason
REASON_ALREADY_CLOSING: Reason
REASON_NOTHING_TO_CANCEL: Reason
REASON_ENTRY_CANCELED: Reason
REASON_RACED_FILL: Reason
REASON_FLATTEN_DEBT: Reason
REASON_NOTHING_APPEARED: Reason
REASON_FLIP_TIMEOUT: Reason
REASON_IN_DOUBT: Reason
REASON_NOT_PROVABLE: Reason
REASON_SIGNAL_STALE: Reason
REASON_BROKER_REJECTED: Reason
REASON_BROKER_AUTH: Reason
REASON_TEST: Reason
REASON_SUBSCRIPTION_PAUSED: Reason
REASON_APPROVAL_EXPIRED: Reason
REASON_SHORT_NOT_ALLOWED: Reason
REASON_ORDER_TYPE_UNSUPPORTED: Reason
REASON_SENTIMENT_MISMATCH: Reason
REASON_INTERNAL_ERROR: Reason
REASON_ENTRY_DROPPED: Reason
REASON_CANCELED_BY_SIGNAL: Reason
REASON_WAITING_IN_LANE: Reason
REASON_REJECTED_BY_MEMBER: Reason
REASON_SIZE_UNKNOWN: Reason
REASON_SIDE_ISOLATED: Reason
REASON_EXITS_IGNORED: Reason
REASON_STOP_WRONG_SIDE: Reason
REASON_TARGET_WRONG_SIDE: Reason
REASON_STOP_UNSUPPORTED: Reason
REASON_TARGET_UNSUPPORTED: Reason
REASON_STOP_UNKNOWN: Reason
REASON_TARGET_UNKNOWN: Reason
REASON_SPREAD_TOO_WIDE: Reason
REASON_BUYING_POWER: Reason
REASON_SHORT_OPTIONS_OFF: Reason
REASON_NOW_UNPROTECTED: Reason
REASON_CANCELED_IN_TIME: Reason
REASON_SUBTRACTED_FLAT: Reason
REASON_OUTSIDE_WINDOW: Reason
REASON_TICKER_NOT_ALLOWED: Reason
REASON_LATE_EXIT: Reason
REASON_CANCELED_BY_MEMBER: Reason
REASON_SETTING_UNSUPPORTED: Reason
REASON_ABOVE_CAP: Reason
REASON_SIZING_UNSUPPORTED: Reason
REASON_INSTRUMENT_UNKNOWN: Reason
REASON_CONTRACT_EXPIRED: Reason
REASON_CRYPTO_QUOTE_UNSUPPORTED: Reason
REASON_NO_CONTRACT: Reason
REASON_MARKET_CLOSED: Reason
REASON_TARGET_REACHED: Reason
REASON_OUT_OF_STEP: Reason
REASON_STOP_REFUSED: Reason
REASON_EXTENDED_HOURS_UNSUPPORTED: Reason
REASON_CANCEL_TIMEOUT: Reason
REASON_RATE_LIMITED: Reason
REASON_HALTED: Reason
REASON_DAILY_LOSS_HIT: Reason
REASON_MAX_POSITION: Reason
REASON_MAX_ORDERS: Reason
REASON_APPROVAL_NEEDED: Reason
REASON_CURRENCY_UNKNOWN: Reason
REASON_FLIP_HALVED: Reason
REASON_DECLARED_ABSENT: Reason
REASON_DECLARED_PRESENT: Reason
REASON_OVERFILLED: Reason
REASON_ENTRY_WATCHED: Reason
REASON_OPENED_BEYOND: Reason
REASON_NETTED: Reason
REASON_BUSTED: Reason
REASON_APPEARED_LATE: Reason

class SubmitTradesRequest(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[TradeGroup]
    def __init__(self, groups: _Optional[_Iterable[_Union[TradeGroup, _Mapping]]] = ...) -> None: ...

class TradeGroup(_message.Message):
    __slots__ = ("strategy_id", "drain_epoch", "trades")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    DRAIN_EPOCH_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    drain_epoch: int
    trades: _containers.RepeatedCompositeFieldContainer[Trade]
    def __init__(self, strategy_id: _Optional[str] = ..., drain_epoch: _Optional[int] = ..., trades: _Optional[_Iterable[_Union[Trade, _Mapping]]] = ...) -> None: ...

class SubmitTradesResponse(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[GroupResult]
    def __init__(self, groups: _Optional[_Iterable[_Union[GroupResult, _Mapping]]] = ...) -> None: ...

class GroupResult(_message.Message):
    __slots__ = ("stale_epoch", "results")
    STALE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    stale_epoch: bool
    results: _containers.RepeatedCompositeFieldContainer[StoreResult]
    def __init__(self, stale_epoch: _Optional[bool] = ..., results: _Optional[_Iterable[_Union[StoreResult, _Mapping]]] = ...) -> None: ...

class CancelTradesRequest(_message.Message):
    __slots__ = ("trade_ids", "reason", "tenant_id")
    TRADE_IDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    trade_ids: _containers.RepeatedScalarFieldContainer[str]
    reason: Reason
    tenant_id: str
    def __init__(self, trade_ids: _Optional[_Iterable[str]] = ..., reason: _Optional[_Union[Reason, str]] = ..., tenant_id: _Optional[str] = ...) -> None: ...

class CancelTradesResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[StoreResult]
    def __init__(self, results: _Optional[_Iterable[_Union[StoreResult, _Mapping]]] = ...) -> None: ...

class SeeOverfillRequest(_message.Message):
    __slots__ = ("order_id", "filled", "seen_by", "tenant_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    FILLED_FIELD_NUMBER: _ClassVar[int]
    SEEN_BY_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    filled: str
    seen_by: str
    tenant_id: str
    def __init__(self, order_id: _Optional[str] = ..., filled: _Optional[str] = ..., seen_by: _Optional[str] = ..., tenant_id: _Optional[str] = ...) -> None: ...

class SeeOverfillResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResolveDoubtRequest(_message.Message):
    __slots__ = ("trade_id", "word", "tenant_id", "doubts")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    DOUBTS_FIELD_NUMBER: _ClassVar[int]
    trade_id: str
    word: DoubtWord
    tenant_id: str
    doubts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, trade_id: _Optional[str] = ..., word: _Optional[_Union[DoubtWord, str]] = ..., tenant_id: _Optional[str] = ..., doubts: _Optional[_Iterable[str]] = ...) -> None: ...

class ResolveDoubtResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: DoubtStatus
    def __init__(self, status: _Optional[_Union[DoubtStatus, str]] = ...) -> None: ...

class ClosePositionRequest(_message.Message):
    __slots__ = ("key", "tenant_id", "connection_id", "account", "instrument", "subscription_id", "quantity", "asked_by")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    key: str
    tenant_id: str
    connection_id: str
    account: Account
    instrument: str
    subscription_id: str
    quantity: str
    asked_by: str
    def __init__(self, key: _Optional[str] = ..., tenant_id: _Optional[str] = ..., connection_id: _Optional[str] = ..., account: _Optional[_Union[Account, _Mapping]] = ..., instrument: _Optional[str] = ..., subscription_id: _Optional[str] = ..., quantity: _Optional[str] = ..., asked_by: _Optional[str] = ...) -> None: ...

class ClosePositionResponse(_message.Message):
    __slots__ = ("trade_ids",)
    TRADE_IDS_FIELD_NUMBER: _ClassVar[int]
    trade_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, trade_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RefreshAccountRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: Account
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class RefreshAccountResponse(_message.Message):
    __slots__ = ("status", "problem", "text")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    status: RefreshStatus
    problem: str
    text: str
    def __init__(self, status: _Optional[_Union[RefreshStatus, str]] = ..., problem: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class GetAccountStateRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: Account
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class GetConnectionStateRequest(_message.Message):
    __slots__ = ("tenant_id", "connection_id", "account")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    connection_id: str
    account: Account
    def __init__(self, tenant_id: _Optional[str] = ..., connection_id: _Optional[str] = ..., account: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class GetAccountStateResponse(_message.Message):
    __slots__ = ("account", "cash", "currency", "positions", "open_orders", "as_of_time")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    account: Account
    cash: str
    currency: str
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    open_orders: _containers.RepeatedCompositeFieldContainer[Order]
    as_of_time: _timestamp_pb2.Timestamp
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., cash: _Optional[str] = ..., currency: _Optional[str] = ..., positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., open_orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., as_of_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StreamFactsRequest(_message.Message):
    __slots__ = ("cursor", "max_facts")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    MAX_FACTS_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    max_facts: int
    def __init__(self, cursor: _Optional[str] = ..., max_facts: _Optional[int] = ...) -> None: ...

class StreamFactsResponse(_message.Message):
    __slots__ = ("facts", "cursor")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.RepeatedCompositeFieldContainer[Fact]
    cursor: str
    def __init__(self, facts: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListFactsRequest(_message.Message):
    __slots__ = ("cursor", "max_facts")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    MAX_FACTS_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    max_facts: int
    def __init__(self, cursor: _Optional[str] = ..., max_facts: _Optional[int] = ...) -> None: ...

class ListFactsResponse(_message.Message):
    __slots__ = ("facts", "cursor", "has_more")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.RepeatedCompositeFieldContainer[Fact]
    cursor: str
    has_more: bool
    def __init__(self, facts: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ..., cursor: _Optional[str] = ..., has_more: _Optional[bool] = ...) -> None: ...

class DigestFactsRequest(_message.Message):
    __slots__ = ("cursor", "max_facts")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    MAX_FACTS_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    max_facts: int
    def __init__(self, cursor: _Optional[str] = ..., max_facts: _Optional[int] = ...) -> None: ...

class DigestFactsResponse(_message.Message):
    __slots__ = ("ranges", "cursor", "has_more")
    RANGES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    ranges: _containers.RepeatedCompositeFieldContainer[FactRange]
    cursor: str
    has_more: bool
    def __init__(self, ranges: _Optional[_Iterable[_Union[FactRange, _Mapping]]] = ..., cursor: _Optional[str] = ..., has_more: _Optional[bool] = ...) -> None: ...

class FactRange(_message.Message):
    __slots__ = ("account_id", "tenant_id", "first", "last", "count", "sha256")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    tenant_id: str
    first: int
    last: int
    count: int
    sha256: bytes
    def __init__(self, account_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., first: _Optional[int] = ..., last: _Optional[int] = ..., count: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class ListFactRangeRequest(_message.Message):
    __slots__ = ("account_id", "tenant_id", "first", "last")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    tenant_id: str
    first: int
    last: int
    def __init__(self, account_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class ListFactRangeResponse(_message.Message):
    __slots__ = ("facts",)
    FACTS_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.RepeatedCompositeFieldContainer[StoredFact]
    def __init__(self, facts: _Optional[_Iterable[_Union[StoredFact, _Mapping]]] = ...) -> None: ...

class StoredFact(_message.Message):
    __slots__ = ("seq", "fact")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    FACT_FIELD_NUMBER: _ClassVar[int]
    seq: int
    fact: bytes
    def __init__(self, seq: _Optional[int] = ..., fact: _Optional[bytes] = ...) -> None: ...

class SetSwitchRequest(_message.Message):
    __slots__ = ("scope", "scope_id", "mode", "set_by", "why", "tenant_id")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SET_BY_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    scope: SwitchScope
    scope_id: str
    mode: SwitchMode
    set_by: str
    why: str
    tenant_id: str
    def __init__(self, scope: _Optional[_Union[SwitchScope, str]] = ..., scope_id: _Optional[str] = ..., mode: _Optional[_Union[SwitchMode, str]] = ..., set_by: _Optional[str] = ..., why: _Optional[str] = ..., tenant_id: _Optional[str] = ...) -> None: ...

class SetSwitchResponse(_message.Message):
    __slots__ = ("switch", "trade_ids")
    SWITCH_FIELD_NUMBER: _ClassVar[int]
    TRADE_IDS_FIELD_NUMBER: _ClassVar[int]
    switch: Switch
    trade_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, switch: _Optional[_Union[Switch, _Mapping]] = ..., trade_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ListSwitchesRequest(_message.Message):
    __slots__ = ("with_unprotected", "limits_of")
    WITH_UNPROTECTED_FIELD_NUMBER: _ClassVar[int]
    LIMITS_OF_FIELD_NUMBER: _ClassVar[int]
    with_unprotected: bool
    limits_of: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, with_unprotected: _Optional[bool] = ..., limits_of: _Optional[_Iterable[str]] = ...) -> None: ...

class ListSwitchesResponse(_message.Message):
    __slots__ = ("switches", "limits")
    SWITCHES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    switches: _containers.RepeatedCompositeFieldContainer[Switch]
    limits: _containers.RepeatedCompositeFieldContainer[LimitsState]
    def __init__(self, switches: _Optional[_Iterable[_Union[Switch, _Mapping]]] = ..., limits: _Optional[_Iterable[_Union[LimitsState, _Mapping]]] = ...) -> None: ...

class Switch(_message.Message):
    __slots__ = ("scope", "scope_id", "mode", "set_by", "set_time", "why", "unprotected", "version")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SET_BY_FIELD_NUMBER: _ClassVar[int]
    SET_TIME_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    UNPROTECTED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    scope: SwitchScope
    scope_id: str
    mode: SwitchMode
    set_by: str
    set_time: _timestamp_pb2.Timestamp
    why: str
    unprotected: _containers.RepeatedCompositeFieldContainer[Unprotected]
    version: int
    def __init__(self, scope: _Optional[_Union[SwitchScope, str]] = ..., scope_id: _Optional[str] = ..., mode: _Optional[_Union[SwitchMode, str]] = ..., set_by: _Optional[str] = ..., set_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., why: _Optional[str] = ..., unprotected: _Optional[_Iterable[_Union[Unprotected, _Mapping]]] = ..., version: _Optional[int] = ...) -> None: ...

class Unprotected(_message.Message):
    __slots__ = ("account", "tenant_id", "connection_id", "subscription_id", "instrument", "quantity", "protected_quantity")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PROTECTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    account: Account
    tenant_id: str
    connection_id: str
    subscription_id: str
    instrument: str
    quantity: str
    protected_quantity: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., tenant_id: _Optional[str] = ..., connection_id: _Optional[str] = ..., subscription_id: _Optional[str] = ..., instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., protected_quantity: _Optional[str] = ...) -> None: ...

class ForgetWordsRequest(_message.Message):
    __slots__ = ("set_by", "scope_ids")
    SET_BY_FIELD_NUMBER: _ClassVar[int]
    SCOPE_IDS_FIELD_NUMBER: _ClassVar[int]
    set_by: _containers.RepeatedScalarFieldContainer[str]
    scope_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, set_by: _Optional[_Iterable[str]] = ..., scope_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ForgetWordsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetLimitsRequest(_message.Message):
    __slots__ = ("connection_id", "limits", "set_by")
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SET_BY_FIELD_NUMBER: _ClassVar[int]
    connection_id: str
    limits: Limits
    set_by: str
    def __init__(self, connection_id: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., set_by: _Optional[str] = ...) -> None: ...

class SetLimitsResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: LimitsState
    def __init__(self, state: _Optional[_Union[LimitsState, _Mapping]] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_daily_loss", "max_position", "max_orders_per_minute")
    MAX_DAILY_LOSS_FIELD_NUMBER: _ClassVar[int]
    MAX_POSITION_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDERS_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    max_daily_loss: str
    max_position: str
    max_orders_per_minute: int
    def __init__(self, max_daily_loss: _Optional[str] = ..., max_position: _Optional[str] = ..., max_orders_per_minute: _Optional[int] = ...) -> None: ...

class LimitsState(_message.Message):
    __slots__ = ("connection_id", "now", "then", "then_time")
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    THEN_FIELD_NUMBER: _ClassVar[int]
    THEN_TIME_FIELD_NUMBER: _ClassVar[int]
    connection_id: str
    now: Limits
    then: Limits
    then_time: _timestamp_pb2.Timestamp
    def __init__(self, connection_id: _Optional[str] = ..., now: _Optional[_Union[Limits, _Mapping]] = ..., then: _Optional[_Union[Limits, _Mapping]] = ..., then_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("broker", "environment", "account")
    BROKER_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    broker: str
    environment: str
    account: str
    def __init__(self, broker: _Optional[str] = ..., environment: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...

class Trade(_message.Message):
    __slots__ = ("trade_id", "tenant_id", "strategy_id", "subscription_id", "connection_id", "account", "signal_id", "signal_seq", "accepted_time", "action", "sentiment", "instrument", "quantity", "ord_type", "limit_price", "signal_price", "sides", "allow_add", "allow_swap", "released_time", "asset_class", "quantity_from_signal", "size_type", "multiplier", "fractional", "entry", "exit", "price_type", "take_profit", "stop_loss", "sides_isolated", "subtract_exit_quantity", "ignore_exits", "cancel_first", "cancel_by_setting", "cancel_ord_type", "keep_protection", "breakeven_offset", "flip_wait_seconds", "reject_after_time", "parity", "short_options", "market_without_price", "uncapped_quantity", "target", "client_tag", "reverses", "entry_refusal", "option", "cancel_wait_seconds", "retry", "keep_unprotected", "take_profit_ladder", "origin", "revives", "correct_overfills", "asked_by", "superseded_waiting")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    SENTIMENT_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_PRICE_FIELD_NUMBER: _ClassVar[int]
    SIDES_FIELD_NUMBER: _ClassVar[int]
    ALLOW_ADD_FIELD_NUMBER: _ClassVar[int]
    ALLOW_SWAP_FIELD_NUMBER: _ClassVar[int]
    RELEASED_TIME_FIELD_NUMBER: _ClassVar[int]
    ASSET_CLASS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FROM_SIGNAL_FIELD_NUMBER: _ClassVar[int]
    SIZE_TYPE_FIELD_NUMBER: _ClassVar[int]
    MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    FRACTIONAL_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    PRICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_FIELD_NUMBER: _ClassVar[int]
    SIDES_ISOLATED_FIELD_NUMBER: _ClassVar[int]
    SUBTRACT_EXIT_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    IGNORE_EXITS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIRST_FIELD_NUMBER: _ClassVar[int]
    CANCEL_BY_SETTING_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    KEEP_PROTECTION_FIELD_NUMBER: _ClassVar[int]
    BREAKEVEN_OFFSET_FIELD_NUMBER: _ClassVar[int]
    FLIP_WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REJECT_AFTER_TIME_FIELD_NUMBER: _ClassVar[int]
    PARITY_FIELD_NUMBER: _ClassVar[int]
    SHORT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    MARKET_WITHOUT_PRICE_FIELD_NUMBER: _ClassVar[int]
    UNCAPPED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TAG_FIELD_NUMBER: _ClassVar[int]
    REVERSES_FIELD_NUMBER: _ClassVar[int]
    ENTRY_REFUSAL_FIELD_NUMBER: _ClassVar[int]
    OPTION_FIELD_NUMBER: _ClassVar[int]
    CANCEL_WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    KEEP_UNPROTECTED_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_LADDER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    REVIVES_FIELD_NUMBER: _ClassVar[int]
    CORRECT_OVERFILLS_FIELD_NUMBER: _ClassVar[int]
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_WAITING_FIELD_NUMBER: _ClassVar[int]
    trade_id: str
    tenant_id: str
    strategy_id: str
    subscription_id: str
    connection_id: str
    account: Account
    signal_id: str
    signal_seq: int
    accepted_time: _timestamp_pb2.Timestamp
    action: Action
    sentiment: Sentiment
    instrument: str
    quantity: str
    ord_type: OrdType
    limit_price: str
    signal_price: str
    sides: Sides
    allow_add: bool
    allow_swap: bool
    released_time: _timestamp_pb2.Timestamp
    asset_class: AssetClass
    quantity_from_signal: bool
    size_type: SizeType
    multiplier: str
    fractional: bool
    entry: OrderStyle
    exit: OrderStyle
    price_type: PriceType
    take_profit: Protection
    stop_loss: Protection
    sides_isolated: bool
    subtract_exit_quantity: bool
    ignore_exits: bool
    cancel_first: CancelFirst
    cancel_by_setting: bool
    cancel_ord_type: OrdType
    keep_protection: bool
    breakeven_offset: str
    flip_wait_seconds: int
    reject_after_time: _timestamp_pb2.Timestamp
    parity: bool
    short_options: bool
    market_without_price: bool
    uncapped_quantity: str
    target: Target
    client_tag: str
    reverses: bool
    entry_refusal: EntryRefusal
    option: OptionChoice
    cancel_wait_seconds: int
    retry: Retry
    keep_unprotected: bool
    take_profit_ladder: _containers.RepeatedCompositeFieldContainer[Rung]
    origin: Origin
    revives: bool
    correct_overfills: bool
    asked_by: str
    superseded_waiting: int
    def __init__(self, trade_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., strategy_id: _Optional[str] = ..., subscription_id: _Optional[str] = ..., connection_id: _Optional[str] = ..., account: _Optional[_Union[Account, _Mapping]] = ..., signal_id: _Optional[str] = ..., signal_seq: _Optional[int] = ..., accepted_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., action: _Optional[_Union[Action, str]] = ..., sentiment: _Optional[_Union[Sentiment, str]] = ..., instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., ord_type: _Optional[_Union[OrdType, str]] = ..., limit_price: _Optional[str] = ..., signal_price: _Optional[str] = ..., sides: _Optional[_Union[Sides, str]] = ..., allow_add: _Optional[bool] = ..., allow_swap: _Optional[bool] = ..., released_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., asset_class: _Optional[_Union[AssetClass, str]] = ..., quantity_from_signal: _Optional[bool] = ..., size_type: _Optional[_Union[SizeType, str]] = ..., multiplier: _Optional[str] = ..., fractional: _Optional[bool] = ..., entry: _Optional[_Union[OrderStyle, _Mapping]] = ..., exit: _Optional[_Union[OrderStyle, _Mapping]] = ..., price_type: _Optional[_Union[PriceType, str]] = ..., take_profit: _Optional[_Union[Protection, _Mapping]] = ..., stop_loss: _Optional[_Union[Protection, _Mapping]] = ..., sides_isolated: _Optional[bool] = ..., subtract_exit_quantity: _Optional[bool] = ..., ignore_exits: _Optional[bool] = ..., cancel_first: _Optional[_Union[CancelFirst, str]] = ..., cancel_by_setting: _Optional[bool] = ..., cancel_ord_type: _Optional[_Union[OrdType, str]] = ..., keep_protection: _Optional[bool] = ..., breakeven_offset: _Optional[str] = ..., flip_wait_seconds: _Optional[int] = ..., reject_after_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parity: _Optional[bool] = ..., short_options: _Optional[bool] = ..., market_without_price: _Optional[bool] = ..., uncapped_quantity: _Optional[str] = ..., target: _Optional[_Union[Target, _Mapping]] = ..., client_tag: _Optional[str] = ..., reverses: _Optional[bool] = ..., entry_refusal: _Optional[_Union[EntryRefusal, _Mapping]] = ..., option: _Optional[_Union[OptionChoice, _Mapping]] = ..., cancel_wait_seconds: _Optional[int] = ..., retry: _Optional[_Union[Retry, _Mapping]] = ..., keep_unprotected: _Optional[bool] = ..., take_profit_ladder: _Optional[_Iterable[_Union[Rung, _Mapping]]] = ..., origin: _Optional[_Union[Origin, str]] = ..., revives: _Optional[bool] = ..., correct_overfills: _Optional[bool] = ..., asked_by: _Optional[str] = ..., superseded_waiting: _Optional[int] = ...) -> None: ...

class Retry(_message.Message):
    __slots__ = ("times", "delay_milliseconds", "multiplier", "longest_delay_milliseconds")
    TIMES_FIELD_NUMBER: _ClassVar[int]
    DELAY_MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    LONGEST_DELAY_MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    times: int
    delay_milliseconds: int
    multiplier: str
    longest_delay_milliseconds: int
    def __init__(self, times: _Optional[int] = ..., delay_milliseconds: _Optional[int] = ..., multiplier: _Optional[str] = ..., longest_delay_milliseconds: _Optional[int] = ...) -> None: ...

class OptionChoice(_message.Message):
    __slots__ = ("option_type", "invert_puts", "in_the_money", "expiration", "strikes_away", "strike_count", "strike_price")
    OPTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    INVERT_PUTS_FIELD_NUMBER: _ClassVar[int]
    IN_THE_MONEY_FIELD_NUMBER: _ClassVar[int]
    EXPIRATION_FIELD_NUMBER: _ClassVar[int]
    STRIKES_AWAY_FIELD_NUMBER: _ClassVar[int]
    STRIKE_COUNT_FIELD_NUMBER: _ClassVar[int]
    STRIKE_PRICE_FIELD_NUMBER: _ClassVar[int]
    option_type: OptionType
    invert_puts: bool
    in_the_money: bool
    expiration: str
    strikes_away: int
    strike_count: int
    strike_price: str
    def __init__(self, option_type: _Optional[_Union[OptionType, str]] = ..., invert_puts: _Optional[bool] = ..., in_the_money: _Optional[bool] = ..., expiration: _Optional[str] = ..., strikes_away: _Optional[int] = ..., strike_count: _Optional[int] = ..., strike_price: _Optional[str] = ...) -> None: ...

class Resolved(_message.Message):
    __slots__ = ("ticker", "symbol", "asset_class", "root", "expires", "rolls", "warning", "tick", "point_value", "currency", "chosen_from")
    class ChosenFromEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TICKER_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    ASSET_CLASS_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    ROLLS_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    TICK_FIELD_NUMBER: _ClassVar[int]
    POINT_VALUE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FROM_FIELD_NUMBER: _ClassVar[int]
    ticker: str
    symbol: str
    asset_class: AssetClass
    root: str
    expires: str
    rolls: str
    warning: str
    tick: str
    point_value: str
    currency: str
    chosen_from: _containers.ScalarMap[str, str]
    def __init__(self, ticker: _Optional[str] = ..., symbol: _Optional[str] = ..., asset_class: _Optional[_Union[AssetClass, str]] = ..., root: _Optional[str] = ..., expires: _Optional[str] = ..., rolls: _Optional[str] = ..., warning: _Optional[str] = ..., tick: _Optional[str] = ..., point_value: _Optional[str] = ..., currency: _Optional[str] = ..., chosen_from: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("sizing", "now", "before", "value", "order_size", "order_price", "leverage", "reserve_percent")
    SIZING_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ORDER_SIZE_FIELD_NUMBER: _ClassVar[int]
    ORDER_PRICE_FIELD_NUMBER: _ClassVar[int]
    LEVERAGE_FIELD_NUMBER: _ClassVar[int]
    RESERVE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    sizing: Sizing
    now: str
    before: str
    value: str
    order_size: str
    order_price: str
    leverage: str
    reserve_percent: str
    def __init__(self, sizing: _Optional[_Union[Sizing, str]] = ..., now: _Optional[str] = ..., before: _Optional[str] = ..., value: _Optional[str] = ..., order_size: _Optional[str] = ..., order_price: _Optional[str] = ..., leverage: _Optional[str] = ..., reserve_percent: _Optional[str] = ...) -> None: ...

class EntryRefusal(_message.Message):
    __slots__ = ("reason", "numbers")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REASON_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    reason: Reason
    numbers: _containers.ScalarMap[str, str]
    def __init__(self, reason: _Optional[_Union[Reason, str]] = ..., numbers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class OrderStyle(_message.Message):
    __slots__ = ("ord_type", "limit_price", "stop_price", "trail_amount", "trail_percent", "time_in_force", "extended_hours", "cancel_after_seconds", "spread_filter", "spread_filter_percent")
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    EXTENDED_HOURS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FILTER_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FILTER_PERCENT_FIELD_NUMBER: _ClassVar[int]
    ord_type: OrdType
    limit_price: str
    stop_price: str
    trail_amount: str
    trail_percent: str
    time_in_force: str
    extended_hours: bool
    cancel_after_seconds: int
    spread_filter: str
    spread_filter_percent: str
    def __init__(self, ord_type: _Optional[_Union[OrdType, str]] = ..., limit_price: _Optional[str] = ..., stop_price: _Optional[str] = ..., trail_amount: _Optional[str] = ..., trail_percent: _Optional[str] = ..., time_in_force: _Optional[str] = ..., extended_hours: _Optional[bool] = ..., cancel_after_seconds: _Optional[int] = ..., spread_filter: _Optional[str] = ..., spread_filter_percent: _Optional[str] = ...) -> None: ...

class Protection(_message.Message):
    __slots__ = ("ord_type", "price", "percent", "amount", "pnl_amount", "limit_price", "trail_amount", "trail_percent")
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PNL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    ord_type: OrdType
    price: str
    percent: str
    amount: str
    pnl_amount: str
    limit_price: str
    trail_amount: str
    trail_percent: str
    def __init__(self, ord_type: _Optional[_Union[OrdType, str]] = ..., price: _Optional[str] = ..., percent: _Optional[str] = ..., amount: _Optional[str] = ..., pnl_amount: _Optional[str] = ..., limit_price: _Optional[str] = ..., trail_amount: _Optional[str] = ..., trail_percent: _Optional[str] = ...) -> None: ...

class Rung(_message.Message):
    __slots__ = ("place", "quantity", "percent")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    place: Protection
    quantity: str
    percent: str
    def __init__(self, place: _Optional[_Union[Protection, _Mapping]] = ..., quantity: _Optional[str] = ..., percent: _Optional[str] = ...) -> None: ...

class PreviewTradesRequest(_message.Message):
    __slots__ = ("trades", "given")
    TRADES_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[Trade]
    given: _containers.RepeatedCompositeFieldContainer[SeenState]
    def __init__(self, trades: _Optional[_Iterable[_Union[Trade, _Mapping]]] = ..., given: _Optional[_Iterable[_Union[SeenState, _Mapping]]] = ...) -> None: ...

class PreviewTradesResponse(_message.Message):
    __slots__ = ("previews",)
    PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    previews: _containers.RepeatedCompositeFieldContainer[Preview]
    def __init__(self, previews: _Optional[_Iterable[_Union[Preview, _Mapping]]] = ...) -> None: ...

class Preview(_message.Message):
    __slots__ = ("trade_id", "state", "reason", "numbers", "orders", "cancels", "worst_loss", "verdicts", "seen", "decision", "resolved")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    CANCELS_FIELD_NUMBER: _ClassVar[int]
    WORST_LOSS_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_FIELD_NUMBER: _ClassVar[int]
    trade_id: str
    state: TradeState
    reason: Reason
    numbers: _containers.ScalarMap[str, str]
    orders: _containers.RepeatedCompositeFieldContainer[PlannedOrder]
    cancels: _containers.RepeatedScalarFieldContainer[str]
    worst_loss: str
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    seen: SeenState
    decision: Decision
    resolved: Resolved
    def __init__(self, trade_id: _Optional[str] = ..., state: _Optional[_Union[TradeState, str]] = ..., reason: _Optional[_Union[Reason, str]] = ..., numbers: _Optional[_Mapping[str, str]] = ..., orders: _Optional[_Iterable[_Union[PlannedOrder, _Mapping]]] = ..., cancels: _Optional[_Iterable[str]] = ..., worst_loss: _Optional[str] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ..., seen: _Optional[_Union[SeenState, _Mapping]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ..., resolved: _Optional[_Union[Resolved, _Mapping]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("seen", "orders", "state", "reason", "numbers", "hash", "rules_version")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SEEN_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    seen: SeenState
    orders: _containers.RepeatedCompositeFieldContainer[PlannedOrder]
    state: TradeState
    reason: Reason
    numbers: _containers.ScalarMap[str, str]
    hash: str
    rules_version: int
    def __init__(self, seen: _Optional[_Union[SeenState, _Mapping]] = ..., orders: _Optional[_Iterable[_Union[PlannedOrder, _Mapping]]] = ..., state: _Optional[_Union[TradeState, str]] = ..., reason: _Optional[_Union[Reason, str]] = ..., numbers: _Optional[_Mapping[str, str]] = ..., hash: _Optional[str] = ..., rules_version: _Optional[int] = ...) -> None: ...

class PlannedOrder(_message.Message):
    __slots__ = ("leg", "side", "ord_type", "order_qty", "limit_price", "stop_price", "trail_amount", "trail_percent", "time_in_force", "planning_price", "cancel_after_seconds", "instrument", "synthetic")
    LEG_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    ORDER_QTY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PLANNING_PRICE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_FIELD_NUMBER: _ClassVar[int]
    leg: Leg
    side: Side
    ord_type: OrdType
    order_qty: str
    limit_price: str
    stop_price: str
    trail_amount: str
    trail_percent: str
    time_in_force: str
    planning_price: str
    cancel_after_seconds: int
    instrument: str
    synthetic: bool
    def __init__(self, leg: _Optional[_Union[Leg, str]] = ..., side: _Optional[_Union[Side, str]] = ..., ord_type: _Optional[_Union[OrdType, str]] = ..., order_qty: _Optional[str] = ..., limit_price: _Optional[str] = ..., stop_price: _Optional[str] = ..., trail_amount: _Optional[str] = ..., trail_percent: _Optional[str] = ..., time_in_force: _Optional[str] = ..., planning_price: _Optional[str] = ..., cancel_after_seconds: _Optional[int] = ..., instrument: _Optional[str] = ..., synthetic: _Optional[bool] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("rule", "passed", "numbers")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RULE_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    rule: str
    passed: bool
    numbers: _containers.ScalarMap[str, str]
    def __init__(self, rule: _Optional[str] = ..., passed: _Optional[bool] = ..., numbers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SeenState(_message.Message):
    __slots__ = ("time", "position", "avg_price", "exposure", "in_doubt", "bid", "ask", "last", "equity", "balance", "buying_power", "quoted", "entries", "closing", "protection", "venue", "progress", "overfilled", "ledger", "others_guards", "lots", "quoted_instrument", "opens_time", "resolved", "switch_scope", "switch_mode", "limits", "rate", "promised", "bound")
    TIME_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    AVG_PRICE_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    IN_DOUBT_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    BUYING_POWER_FIELD_NUMBER: _ClassVar[int]
    QUOTED_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    CLOSING_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    OVERFILLED_FIELD_NUMBER: _ClassVar[int]
    LEDGER_FIELD_NUMBER: _ClassVar[int]
    OTHERS_GUARDS_FIELD_NUMBER: _ClassVar[int]
    LOTS_FIELD_NUMBER: _ClassVar[int]
    QUOTED_INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    OPENS_TIME_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_FIELD_NUMBER: _ClassVar[int]
    SWITCH_SCOPE_FIELD_NUMBER: _ClassVar[int]
    SWITCH_MODE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    PROMISED_FIELD_NUMBER: _ClassVar[int]
    BOUND_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    position: str
    avg_price: str
    exposure: str
    in_doubt: bool
    bid: str
    ask: str
    last: str
    equity: str
    balance: str
    buying_power: str
    quoted: bool
    entries: _containers.RepeatedCompositeFieldContainer[SeenOrder]
    closing: _containers.RepeatedCompositeFieldContainer[SeenOrder]
    protection: _containers.RepeatedCompositeFieldContainer[SeenOrder]
    venue: SeenVenue
    progress: SeenProgress
    overfilled: bool
    ledger: SeenLedger
    others_guards: _containers.RepeatedCompositeFieldContainer[SeenOrder]
    lots: _containers.RepeatedCompositeFieldContainer[SeenLot]
    quoted_instrument: str
    opens_time: _timestamp_pb2.Timestamp
    resolved: Resolved
    switch_scope: SwitchScope
    switch_mode: SwitchMode
    limits: SeenLimits
    rate: str
    promised: str
    bound: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., position: _Optional[str] = ..., avg_price: _Optional[str] = ..., exposure: _Optional[str] = ..., in_doubt: _Optional[bool] = ..., bid: _Optional[str] = ..., ask: _Optional[str] = ..., last: _Optional[str] = ..., equity: _Optional[str] = ..., balance: _Optional[str] = ..., buying_power: _Optional[str] = ..., quoted: _Optional[bool] = ..., entries: _Optional[_Iterable[_Union[SeenOrder, _Mapping]]] = ..., closing: _Optional[_Iterable[_Union[SeenOrder, _Mapping]]] = ..., protection: _Optional[_Iterable[_Union[SeenOrder, _Mapping]]] = ..., venue: _Optional[_Union[SeenVenue, _Mapping]] = ..., progress: _Optional[_Union[SeenProgress, _Mapping]] = ..., overfilled: _Optional[bool] = ..., ledger: _Optional[_Union[SeenLedger, _Mapping]] = ..., others_guards: _Optional[_Iterable[_Union[SeenOrder, _Mapping]]] = ..., lots: _Optional[_Iterable[_Union[SeenLot, _Mapping]]] = ..., quoted_instrument: _Optional[str] = ..., opens_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resolved: _Optional[_Union[Resolved, _Mapping]] = ..., switch_scope: _Optional[_Union[SwitchScope, str]] = ..., switch_mode: _Optional[_Union[SwitchMode, str]] = ..., limits: _Optional[_Union[SeenLimits, _Mapping]] = ..., rate: _Optional[str] = ..., promised: _Optional[str] = ..., bound: _Optional[str] = ...) -> None: ...

class SeenLimits(_message.Message):
    __slots__ = ("limits", "lost", "exposed", "orders")
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    EXPOSED_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    limits: Limits
    lost: str
    exposed: str
    orders: int
    def __init__(self, limits: _Optional[_Union[Limits, _Mapping]] = ..., lost: _Optional[str] = ..., exposed: _Optional[str] = ..., orders: _Optional[int] = ...) -> None: ...

class SeenLot(_message.Message):
    __slots__ = ("instrument", "quantity", "avg_price")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AVG_PRICE_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    quantity: str
    avg_price: str
    def __init__(self, instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., avg_price: _Optional[str] = ...) -> None: ...

class SeenLedger(_message.Message):
    __slots__ = ("initial", "when_flat", "in_step", "followed")
    INITIAL_FIELD_NUMBER: _ClassVar[int]
    WHEN_FLAT_FIELD_NUMBER: _ClassVar[int]
    IN_STEP_FIELD_NUMBER: _ClassVar[int]
    FOLLOWED_FIELD_NUMBER: _ClassVar[int]
    initial: str
    when_flat: str
    in_step: bool
    followed: str
    def __init__(self, initial: _Optional[str] = ..., when_flat: _Optional[str] = ..., in_step: _Optional[bool] = ..., followed: _Optional[str] = ...) -> None: ...

class SeenOrder(_message.Message):
    __slots__ = ("cl_ord_id", "side", "leaves_qty", "ord_type", "in_doubt", "cancel_asked", "tag", "instrument", "bracket", "of_others")
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    LEAVES_QTY_FIELD_NUMBER: _ClassVar[int]
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    IN_DOUBT_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ASKED_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    BRACKET_FIELD_NUMBER: _ClassVar[int]
    OF_OTHERS_FIELD_NUMBER: _ClassVar[int]
    cl_ord_id: str
    side: Side
    leaves_qty: str
    ord_type: OrdType
    in_doubt: bool
    cancel_asked: bool
    tag: str
    instrument: str
    bracket: str
    of_others: bool
    def __init__(self, cl_ord_id: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., leaves_qty: _Optional[str] = ..., ord_type: _Optional[_Union[OrdType, str]] = ..., in_doubt: _Optional[bool] = ..., cancel_asked: _Optional[bool] = ..., tag: _Optional[str] = ..., instrument: _Optional[str] = ..., bracket: _Optional[str] = ..., of_others: _Optional[bool] = ...) -> None: ...

class SeenVenue(_message.Message):
    __slots__ = ("ord_types", "quantity_step", "smallest_quantity", "times_in_force", "has_brackets", "keeps_hours")
    ORD_TYPES_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_STEP_FIELD_NUMBER: _ClassVar[int]
    SMALLEST_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TIMES_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    HAS_BRACKETS_FIELD_NUMBER: _ClassVar[int]
    KEEPS_HOURS_FIELD_NUMBER: _ClassVar[int]
    ord_types: _containers.RepeatedScalarFieldContainer[OrdType]
    quantity_step: str
    smallest_quantity: str
    times_in_force: _containers.RepeatedScalarFieldContainer[str]
    has_brackets: bool
    keeps_hours: bool
    def __init__(self, ord_types: _Optional[_Iterable[_Union[OrdType, str]]] = ..., quantity_step: _Optional[str] = ..., smallest_quantity: _Optional[str] = ..., times_in_force: _Optional[_Iterable[str]] = ..., has_brackets: _Optional[bool] = ..., keeps_hours: _Optional[bool] = ...) -> None: ...

class SeenProgress(_message.Message):
    __slots__ = ("exits", "exposure", "asked", "canceled_first", "superseded_waiting", "raced", "unprotected", "entry_dropped", "dropped_numbers", "withdrawn", "in_debt", "has_canceled", "halved", "displaced_filled")
    class DroppedNumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EXITS_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    CANCELED_FIRST_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_WAITING_FIELD_NUMBER: _ClassVar[int]
    RACED_FIELD_NUMBER: _ClassVar[int]
    UNPROTECTED_FIELD_NUMBER: _ClassVar[int]
    ENTRY_DROPPED_FIELD_NUMBER: _ClassVar[int]
    DROPPED_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    IN_DEBT_FIELD_NUMBER: _ClassVar[int]
    HAS_CANCELED_FIELD_NUMBER: _ClassVar[int]
    HALVED_FIELD_NUMBER: _ClassVar[int]
    DISPLACED_FILLED_FIELD_NUMBER: _ClassVar[int]
    exits: _containers.RepeatedCompositeFieldContainer[SeenExit]
    exposure: str
    asked: str
    canceled_first: int
    superseded_waiting: int
    raced: str
    unprotected: int
    entry_dropped: Reason
    dropped_numbers: _containers.ScalarMap[str, str]
    withdrawn: Reason
    in_debt: bool
    has_canceled: bool
    halved: int
    displaced_filled: str
    def __init__(self, exits: _Optional[_Iterable[_Union[SeenExit, _Mapping]]] = ..., exposure: _Optional[str] = ..., asked: _Optional[str] = ..., canceled_first: _Optional[int] = ..., superseded_waiting: _Optional[int] = ..., raced: _Optional[str] = ..., unprotected: _Optional[int] = ..., entry_dropped: _Optional[_Union[Reason, str]] = ..., dropped_numbers: _Optional[_Mapping[str, str]] = ..., withdrawn: _Optional[_Union[Reason, str]] = ..., in_debt: _Optional[bool] = ..., has_canceled: _Optional[bool] = ..., halved: _Optional[int] = ..., displaced_filled: _Optional[str] = ...) -> None: ...

class SeenExit(_message.Message):
    __slots__ = ("side", "order_qty", "filled_time", "instrument")
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORDER_QTY_FIELD_NUMBER: _ClassVar[int]
    FILLED_TIME_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    side: Side
    order_qty: str
    filled_time: _timestamp_pb2.Timestamp
    instrument: str
    def __init__(self, side: _Optional[_Union[Side, str]] = ..., order_qty: _Optional[str] = ..., filled_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., instrument: _Optional[str] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("instrument", "quantity", "avg_price", "own")
    class OwnEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AVG_PRICE_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    quantity: str
    avg_price: str
    own: _containers.ScalarMap[str, str]
    def __init__(self, instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., avg_price: _Optional[str] = ..., own: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("order_id", "cl_ord_id", "trade_id", "leg", "revision", "origin", "instrument", "side", "ord_type", "time_in_force", "order_qty", "limit_price", "ord_status", "cum_qty", "avg_px", "broker_order_id", "stop_price", "trail_amount", "trail_percent", "synthetic")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    LEG_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    ORDER_QTY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    ORD_STATUS_FIELD_NUMBER: _ClassVar[int]
    CUM_QTY_FIELD_NUMBER: _ClassVar[int]
    AVG_PX_FIELD_NUMBER: _ClassVar[int]
    BROKER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    cl_ord_id: str
    trade_id: str
    leg: Leg
    revision: int
    origin: Origin
    instrument: str
    side: Side
    ord_type: OrdType
    time_in_force: str
    order_qty: str
    limit_price: str
    ord_status: OrdStatus
    cum_qty: str
    avg_px: str
    broker_order_id: str
    stop_price: str
    trail_amount: str
    trail_percent: str
    synthetic: bool
    def __init__(self, order_id: _Optional[str] = ..., cl_ord_id: _Optional[str] = ..., trade_id: _Optional[str] = ..., leg: _Optional[_Union[Leg, str]] = ..., revision: _Optional[int] = ..., origin: _Optional[_Union[Origin, str]] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., ord_type: _Optional[_Union[OrdType, str]] = ..., time_in_force: _Optional[str] = ..., order_qty: _Optional[str] = ..., limit_price: _Optional[str] = ..., ord_status: _Optional[_Union[OrdStatus, str]] = ..., cum_qty: _Optional[str] = ..., avg_px: _Optional[str] = ..., broker_order_id: _Optional[str] = ..., stop_price: _Optional[str] = ..., trail_amount: _Optional[str] = ..., trail_percent: _Optional[str] = ..., synthetic: _Optional[bool] = ...) -> None: ...

class Fact(_message.Message):
    __slots__ = ("seq", "account", "canonical_id", "time", "trade_id", "tenant_id", "connection_id", "subscription_id", "origin", "alarm", "asked_by", "order_sending", "execution_report", "trade_outcome", "position_change", "order_stopped", "order_unanswered", "order_resent", "trade_resolved", "trade_protection", "external_report", "lane_stop", "account_login")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    ALARM_FIELD_NUMBER: _ClassVar[int]
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    ORDER_SENDING_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_REPORT_FIELD_NUMBER: _ClassVar[int]
    TRADE_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    POSITION_CHANGE_FIELD_NUMBER: _ClassVar[int]
    ORDER_STOPPED_FIELD_NUMBER: _ClassVar[int]
    ORDER_UNANSWERED_FIELD_NUMBER: _ClassVar[int]
    ORDER_RESENT_FIELD_NUMBER: _ClassVar[int]
    TRADE_RESOLVED_FIELD_NUMBER: _ClassVar[int]
    TRADE_PROTECTION_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REPORT_FIELD_NUMBER: _ClassVar[int]
    LANE_STOP_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_LOGIN_FIELD_NUMBER: _ClassVar[int]
    seq: int
    account: Account
    canonical_id: str
    time: _timestamp_pb2.Timestamp
    trade_id: str
    tenant_id: str
    connection_id: str
    subscription_id: str
    origin: Origin
    alarm: Alarm
    asked_by: str
    order_sending: OrderSending
    execution_report: ExecutionReport
    trade_outcome: TradeOutcome
    position_change: PositionChange
    order_stopped: OrderStopped
    order_unanswered: OrderUnanswered
    order_resent: OrderResent
    trade_resolved: TradeResolved
    trade_protection: TradeProtection
    external_report: ExternalReport
    lane_stop: LaneStop
    account_login: AccountLogin
    def __init__(self, seq: _Optional[int] = ..., account: _Optional[_Union[Account, _Mapping]] = ..., canonical_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trade_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., connection_id: _Optional[str] = ..., subscription_id: _Optional[str] = ..., origin: _Optional[_Union[Origin, str]] = ..., alarm: _Optional[_Union[Alarm, _Mapping]] = ..., asked_by: _Optional[str] = ..., order_sending: _Optional[_Union[OrderSending, _Mapping]] = ..., execution_report: _Optional[_Union[ExecutionReport, _Mapping]] = ..., trade_outcome: _Optional[_Union[TradeOutcome, _Mapping]] = ..., position_change: _Optional[_Union[PositionChange, _Mapping]] = ..., order_stopped: _Optional[_Union[OrderStopped, _Mapping]] = ..., order_unanswered: _Optional[_Union[OrderUnanswered, _Mapping]] = ..., order_resent: _Optional[_Union[OrderResent, _Mapping]] = ..., trade_resolved: _Optional[_Union[TradeResolved, _Mapping]] = ..., trade_protection: _Optional[_Union[TradeProtection, _Mapping]] = ..., external_report: _Optional[_Union[ExternalReport, _Mapping]] = ..., lane_stop: _Optional[_Union[LaneStop, _Mapping]] = ..., account_login: _Optional[_Union[AccountLogin, _Mapping]] = ...) -> None: ...

class AccountLogin(_message.Message):
    __slots__ = ("problem", "text")
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    problem: str
    text: str
    def __init__(self, problem: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class LaneStop(_message.Message):
    __slots__ = ("lane", "overfill_id", "filled", "over")
    LANE_FIELD_NUMBER: _ClassVar[int]
    OVERFILL_ID_FIELD_NUMBER: _ClassVar[int]
    FILLED_FIELD_NUMBER: _ClassVar[int]
    OVER_FIELD_NUMBER: _ClassVar[int]
    lane: str
    overfill_id: str
    filled: str
    over: bool
    def __init__(self, lane: _Optional[str] = ..., overfill_id: _Optional[str] = ..., filled: _Optional[str] = ..., over: _Optional[bool] = ...) -> None: ...

class Alarm(_message.Message):
    __slots__ = ("kind", "instrument", "order_id", "numbers")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    kind: AlarmKind
    instrument: str
    order_id: str
    numbers: _containers.ScalarMap[str, str]
    def __init__(self, kind: _Optional[_Union[AlarmKind, str]] = ..., instrument: _Optional[str] = ..., order_id: _Optional[str] = ..., numbers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class OrderStopped(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OrderUnanswered(_message.Message):
    __slots__ = ("order_id", "cl_ord_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    cl_ord_id: str
    def __init__(self, order_id: _Optional[str] = ..., cl_ord_id: _Optional[str] = ...) -> None: ...

class OrderResent(_message.Message):
    __slots__ = ("order_id", "cl_ord_id", "count")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    cl_ord_id: str
    count: int
    def __init__(self, order_id: _Optional[str] = ..., cl_ord_id: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class OrderSending(_message.Message):
    __slots__ = ("order", "planned_time", "numbers", "decision")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PLANNED_TIME_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    order: Order
    planned_time: _timestamp_pb2.Timestamp
    numbers: _containers.ScalarMap[str, str]
    decision: Decision
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ..., planned_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., numbers: _Optional[_Mapping[str, str]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ...) -> None: ...

class ExecutionReport(_message.Message):
    __slots__ = ("order_id", "cl_ord_id", "broker_order_id", "exec_type", "ord_status", "exec_id", "last_qty", "last_px", "fee", "cum_qty", "avg_px", "instrument", "side", "text", "venue_time", "recovered", "position_qty", "position_avg_px", "own_qty", "broker_seq", "leg", "others_own", "ref_exec_id")
    class OthersOwnEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    BROKER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    EXEC_TYPE_FIELD_NUMBER: _ClassVar[int]
    ORD_STATUS_FIELD_NUMBER: _ClassVar[int]
    EXEC_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_QTY_FIELD_NUMBER: _ClassVar[int]
    LAST_PX_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    CUM_QTY_FIELD_NUMBER: _ClassVar[int]
    AVG_PX_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VENUE_TIME_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_FIELD_NUMBER: _ClassVar[int]
    POSITION_QTY_FIELD_NUMBER: _ClassVar[int]
    POSITION_AVG_PX_FIELD_NUMBER: _ClassVar[int]
    OWN_QTY_FIELD_NUMBER: _ClassVar[int]
    BROKER_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEG_FIELD_NUMBER: _ClassVar[int]
    OTHERS_OWN_FIELD_NUMBER: _ClassVar[int]
    REF_EXEC_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    cl_ord_id: str
    broker_order_id: str
    exec_type: ExecType
    ord_status: OrdStatus
    exec_id: str
    last_qty: str
    last_px: str
    fee: str
    cum_qty: str
    avg_px: str
    instrument: str
    side: Side
    text: str
    venue_time: _timestamp_pb2.Timestamp
    recovered: bool
    position_qty: str
    position_avg_px: str
    own_qty: str
    broker_seq: int
    leg: Leg
    others_own: _containers.ScalarMap[str, str]
    ref_exec_id: str
    def __init__(self, order_id: _Optional[str] = ..., cl_ord_id: _Optional[str] = ..., broker_order_id: _Optional[str] = ..., exec_type: _Optional[_Union[ExecType, str]] = ..., ord_status: _Optional[_Union[OrdStatus, str]] = ..., exec_id: _Optional[str] = ..., last_qty: _Optional[str] = ..., last_px: _Optional[str] = ..., fee: _Optional[str] = ..., cum_qty: _Optional[str] = ..., avg_px: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., text: _Optional[str] = ..., venue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recovered: _Optional[bool] = ..., position_qty: _Optional[str] = ..., position_avg_px: _Optional[str] = ..., own_qty: _Optional[str] = ..., broker_seq: _Optional[int] = ..., leg: _Optional[_Union[Leg, str]] = ..., others_own: _Optional[_Mapping[str, str]] = ..., ref_exec_id: _Optional[str] = ...) -> None: ...

class TradeOutcome(_message.Message):
    __slots__ = ("state", "reason", "numbers", "message", "planned_time", "decision")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PLANNED_TIME_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    state: TradeState
    reason: Reason
    numbers: _containers.ScalarMap[str, str]
    message: str
    planned_time: _timestamp_pb2.Timestamp
    decision: Decision
    def __init__(self, state: _Optional[_Union[TradeState, str]] = ..., reason: _Optional[_Union[Reason, str]] = ..., numbers: _Optional[_Mapping[str, str]] = ..., message: _Optional[str] = ..., planned_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ...) -> None: ...

class TradeResolved(_message.Message):
    __slots__ = ("resolved",)
    RESOLVED_FIELD_NUMBER: _ClassVar[int]
    resolved: Resolved
    def __init__(self, resolved: _Optional[_Union[Resolved, _Mapping]] = ...) -> None: ...

class TradeProtection(_message.Message):
    __slots__ = ("state", "synthetic", "reason", "numbers")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STATE_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    state: ProtectionState
    synthetic: bool
    reason: Reason
    numbers: _containers.ScalarMap[str, str]
    def __init__(self, state: _Optional[_Union[ProtectionState, str]] = ..., synthetic: _Optional[bool] = ..., reason: _Optional[_Union[Reason, str]] = ..., numbers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ExternalReport(_message.Message):
    __slots__ = ("order", "exec_type", "exec_id", "last_qty", "last_px", "fee", "text", "broker_seq", "change")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    EXEC_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXEC_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_QTY_FIELD_NUMBER: _ClassVar[int]
    LAST_PX_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BROKER_SEQ_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    order: Order
    exec_type: ExecType
    exec_id: str
    last_qty: str
    last_px: str
    fee: str
    text: str
    broker_seq: int
    change: PositionChange
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ..., exec_type: _Optional[_Union[ExecType, str]] = ..., exec_id: _Optional[str] = ..., last_qty: _Optional[str] = ..., last_px: _Optional[str] = ..., fee: _Optional[str] = ..., text: _Optional[str] = ..., broker_seq: _Optional[int] = ..., change: _Optional[_Union[PositionChange, _Mapping]] = ...) -> None: ...

class PositionChange(_message.Message):
    __slots__ = ("position", "cause", "change_qty", "price", "cash", "text", "broker_seq")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_QTY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BROKER_SEQ_FIELD_NUMBER: _ClassVar[int]
    position: Position
    cause: str
    change_qty: str
    price: str
    cash: str
    text: str
    broker_seq: int
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ..., cause: _Optional[str] = ..., change_qty: _Optional[str] = ..., price: _Optional[str] = ..., cash: _Optional[str] = ..., text: _Optional[str] = ..., broker_seq: _Optional[int] = ...) -> None: ...

class StoreResult(_message.Message):
    __slots__ = ("status", "trade_id")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    status: StoreStatus
    trade_id: str
    def __init__(self, status: _Optional[_Union[StoreStatus, str]] = ..., trade_id: _Optional[str] = ...) -> None: ...
