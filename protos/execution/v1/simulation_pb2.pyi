import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FeedKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEED_KIND_UNSPECIFIED: _ClassVar[FeedKind]
    FEED_KIND_SIGNAL: _ClassVar[FeedKind]
    FEED_KIND_RECORDED: _ClassVar[FeedKind]
    FEED_KIND_ACCOUNT: _ClassVar[FeedKind]

class MisdeedKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MISDEED_KIND_UNSPECIFIED: _ClassVar[MisdeedKind]
    MISDEED_KIND_DELAY: _ClassVar[MisdeedKind]
    MISDEED_KIND_LOST_REPLY: _ClassVar[MisdeedKind]
    MISDEED_KIND_REJECT: _ClassVar[MisdeedKind]
    MISDEED_KIND_DROP: _ClassVar[MisdeedKind]
    MISDEED_KIND_LATE_ACCEPT: _ClassVar[MisdeedKind]
    MISDEED_KIND_PARTIAL_FILL: _ClassVar[MisdeedKind]
    MISDEED_KIND_ACCEPT_THEN_DROP: _ClassVar[MisdeedKind]
    MISDEED_KIND_RATE_LIMIT: _ClassVar[MisdeedKind]
    MISDEED_KIND_STREAM_GAP: _ClassVar[MisdeedKind]
    MISDEED_KIND_DUPLICATE: _ClassVar[MisdeedKind]
    MISDEED_KIND_REORDER: _ClassVar[MisdeedKind]
FEED_KIND_UNSPECIFIED: FeedKind
FEED_KIND_SIGNAL: FeedKind
FEED_KIND_RECORDED: FeedKind
FEED_KIND_ACCOUNT: FeedKind
MISDEED_KIND_UNSPECIFIED: MisdeedKind
MISDEED_KIND_DELAY: MisdeedKind
MISDEED_KIND_LOST_REPLY: MisdeedKind
MISDEED_KIND_REJECT: MisdeedKind
MISDEED_KIND_DROP: MisdeedKind
MISDEED_KIND_LATE_ACCEPT: MisdeedKind
MISDEED_KIND_PARTIAL_FILL: MisdeedKind
MISDEED_KIND_ACCEPT_THEN_DROP: MisdeedKind
MISDEED_KIND_RATE_LIMIT: MisdeedKind
MISDEED_KIND_STREAM_GAP: MisdeedKind
MISDEED_KIND_DUPLICATE: MisdeedKind
MISDEED_KIND_REORDER: MisdeedKind

class GetPaperAccountRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class GetPaperAccountResponse(_message.Message):
    __slots__ = ("currency", "cash", "equity", "buying_power", "positions", "open_orders", "model", "game_day", "feed", "feed_account")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    BUYING_POWER_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GAME_DAY_FIELD_NUMBER: _ClassVar[int]
    FEED_FIELD_NUMBER: _ClassVar[int]
    FEED_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    cash: str
    equity: str
    buying_power: str
    positions: int
    open_orders: int
    model: TradingModel
    game_day: GameDay
    feed: FeedKind
    feed_account: str
    def __init__(self, currency: _Optional[str] = ..., cash: _Optional[str] = ..., equity: _Optional[str] = ..., buying_power: _Optional[str] = ..., positions: _Optional[int] = ..., open_orders: _Optional[int] = ..., model: _Optional[_Union[TradingModel, _Mapping]] = ..., game_day: _Optional[_Union[GameDay, _Mapping]] = ..., feed: _Optional[_Union[FeedKind, str]] = ..., feed_account: _Optional[str] = ...) -> None: ...

class SetTradingModelRequest(_message.Message):
    __slots__ = ("account", "model")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    account: str
    model: TradingModel
    def __init__(self, account: _Optional[str] = ..., model: _Optional[_Union[TradingModel, _Mapping]] = ...) -> None: ...

class SetTradingModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: TradingModel
    def __init__(self, model: _Optional[_Union[TradingModel, _Mapping]] = ...) -> None: ...

class TradingModel(_message.Message):
    __slots__ = ("fill_parts", "slippage_bps", "slippage_ticks", "fee_per_order", "fee_per_unit", "fee_bps", "leverage", "keeps_hours", "requests_per_minute", "no_stops")
    FILL_PARTS_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_BPS_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_TICKS_FIELD_NUMBER: _ClassVar[int]
    FEE_PER_ORDER_FIELD_NUMBER: _ClassVar[int]
    FEE_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    FEE_BPS_FIELD_NUMBER: _ClassVar[int]
    LEVERAGE_FIELD_NUMBER: _ClassVar[int]
    KEEPS_HOURS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    NO_STOPS_FIELD_NUMBER: _ClassVar[int]
    fill_parts: int
    slippage_bps: str
    slippage_ticks: int
    fee_per_order: str
    fee_per_unit: str
    fee_bps: str
    leverage: str
    keeps_hours: bool
    requests_per_minute: int
    no_stops: bool
    def __init__(self, fill_parts: _Optional[int] = ..., slippage_bps: _Optional[str] = ..., slippage_ticks: _Optional[int] = ..., fee_per_order: _Optional[str] = ..., fee_per_unit: _Optional[str] = ..., fee_bps: _Optional[str] = ..., leverage: _Optional[str] = ..., keeps_hours: _Optional[bool] = ..., requests_per_minute: _Optional[int] = ..., no_stops: _Optional[bool] = ...) -> None: ...

class SetFeedRequest(_message.Message):
    __slots__ = ("account", "feed", "recording", "feed_account")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    FEED_FIELD_NUMBER: _ClassVar[int]
    RECORDING_FIELD_NUMBER: _ClassVar[int]
    FEED_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    feed: FeedKind
    recording: bytes
    feed_account: str
    def __init__(self, account: _Optional[str] = ..., feed: _Optional[_Union[FeedKind, str]] = ..., recording: _Optional[bytes] = ..., feed_account: _Optional[str] = ...) -> None: ...

class SetFeedResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetGameDayRequest(_message.Message):
    __slots__ = ("account", "game_day")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    GAME_DAY_FIELD_NUMBER: _ClassVar[int]
    account: str
    game_day: GameDay
    def __init__(self, account: _Optional[str] = ..., game_day: _Optional[_Union[GameDay, _Mapping]] = ...) -> None: ...

class SetGameDayResponse(_message.Message):
    __slots__ = ("game_day",)
    GAME_DAY_FIELD_NUMBER: _ClassVar[int]
    game_day: GameDay
    def __init__(self, game_day: _Optional[_Union[GameDay, _Mapping]] = ...) -> None: ...

class GameDay(_message.Message):
    __slots__ = ("seed", "from_time", "until_time", "faults")
    SEED_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    seed: int
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    faults: _containers.RepeatedCompositeFieldContainer[PlannedFault]
    def __init__(self, seed: _Optional[int] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., faults: _Optional[_Iterable[_Union[PlannedFault, _Mapping]]] = ...) -> None: ...

class PlannedFault(_message.Message):
    __slots__ = ("kind", "percent", "most", "longest_ms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    LONGEST_MS_FIELD_NUMBER: _ClassVar[int]
    kind: MisdeedKind
    percent: int
    most: int
    longest_ms: int
    def __init__(self, kind: _Optional[_Union[MisdeedKind, str]] = ..., percent: _Optional[int] = ..., most: _Optional[int] = ..., longest_ms: _Optional[int] = ...) -> None: ...

class ResetAccountRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class ResetAccountResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMisdeedsRequest(_message.Message):
    __slots__ = ("account", "most")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    account: str
    most: int
    def __init__(self, account: _Optional[str] = ..., most: _Optional[int] = ...) -> None: ...

class ListMisdeedsResponse(_message.Message):
    __slots__ = ("misdeeds",)
    MISDEEDS_FIELD_NUMBER: _ClassVar[int]
    misdeeds: _containers.RepeatedCompositeFieldContainer[Misdeed]
    def __init__(self, misdeeds: _Optional[_Iterable[_Union[Misdeed, _Mapping]]] = ...) -> None: ...

class Misdeed(_message.Message):
    __slots__ = ("kind", "cl_ord_id", "time", "delay_ms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    kind: MisdeedKind
    cl_ord_id: str
    time: _timestamp_pb2.Timestamp
    delay_ms: int
    def __init__(self, kind: _Optional[_Union[MisdeedKind, str]] = ..., cl_ord_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delay_ms: _Optional[int] = ...) -> None: ...
