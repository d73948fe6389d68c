import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FaultKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAULT_KIND_UNSPECIFIED: _ClassVar[FaultKind]
    FAULT_KIND_DELAY: _ClassVar[FaultKind]
    FAULT_KIND_LOST_REPLY: _ClassVar[FaultKind]
    FAULT_KIND_REJECT: _ClassVar[FaultKind]
    FAULT_KIND_DROP: _ClassVar[FaultKind]
    FAULT_KIND_LATE_ACCEPT: _ClassVar[FaultKind]
    FAULT_KIND_PARTIAL_FILL: _ClassVar[FaultKind]
    FAULT_KIND_ACCEPT_THEN_DROP: _ClassVar[FaultKind]
    FAULT_KIND_RATE_LIMIT: _ClassVar[FaultKind]
    FAULT_KIND_STREAM_GAP: _ClassVar[FaultKind]
    FAULT_KIND_DUPLICATE: _ClassVar[FaultKind]
    FAULT_KIND_REORDER: _ClassVar[FaultKind]

class Feed(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEED_UNSPECIFIED: _ClassVar[Feed]
    FEED_SIGNAL: _ClassVar[Feed]
    FEED_RECORDED: _ClassVar[Feed]
    FEED_ACCOUNT: _ClassVar[Feed]

class ReplyStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPLY_STATUS_UNSPECIFIED: _ClassVar[ReplyStatus]
    REPLY_STATUS_ACCEPTED: _ClassVar[ReplyStatus]
    REPLY_STATUS_REJECTED: _ClassVar[ReplyStatus]
    REPLY_STATUS_DUPLICATE_CL_ORD_ID: _ClassVar[ReplyStatus]
    REPLY_STATUS_UNKNOWN_ORDER: _ClassVar[ReplyStatus]
    REPLY_STATUS_TOO_LATE: _ClassVar[ReplyStatus]
    REPLY_STATUS_TOO_MANY_REQUESTS: _ClassVar[ReplyStatus]
    REPLY_STATUS_NOT_LOGGED_IN: _ClassVar[ReplyStatus]

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class Right(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RIGHT_UNSPECIFIED: _ClassVar[Right]
    RIGHT_CALL: _ClassVar[Right]
    RIGHT_PUT: _ClassVar[Right]

class OrdType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORD_TYPE_UNSPECIFIED: _ClassVar[OrdType]
    ORD_TYPE_MARKET: _ClassVar[OrdType]
    ORD_TYPE_LIMIT: _ClassVar[OrdType]
    ORD_TYPE_STOP: _ClassVar[OrdType]
    ORD_TYPE_STOP_LIMIT: _ClassVar[OrdType]
    ORD_TYPE_TRAILING_STOP: _ClassVar[OrdType]

class OrdStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORD_STATUS_UNSPECIFIED: _ClassVar[OrdStatus]
    ORD_STATUS_NEW: _ClassVar[OrdStatus]
    ORD_STATUS_PARTIALLY_FILLED: _ClassVar[OrdStatus]
    ORD_STATUS_FILLED: _ClassVar[OrdStatus]
    ORD_STATUS_CANCELED: _ClassVar[OrdStatus]
    ORD_STATUS_REJECTED: _ClassVar[OrdStatus]

class ExecType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXEC_TYPE_UNSPECIFIED: _ClassVar[ExecType]
    EXEC_TYPE_NEW: _ClassVar[ExecType]
    EXEC_TYPE_FILL: _ClassVar[ExecType]
    EXEC_TYPE_CANCELED: _ClassVar[ExecType]
    EXEC_TYPE_REJECTED: _ClassVar[ExecType]
    EXEC_TYPE_SETTLED: _ClassVar[ExecType]
    EXEC_TYPE_RESET: _ClassVar[ExecType]
    EXEC_TYPE_CONFIGURED: _ClassVar[ExecType]
    EXEC_TYPE_TRADE_CANCEL: _ClassVar[ExecType]
    EXEC_TYPE_TRADE_CORRECT: _ClassVar[ExecType]
FAULT_KIND_UNSPECIFIED: FaultKind
FAULT_KIND_DELAY: FaultKind
FAULT_KIND_LOST_REPLY: FaultKind
FAULT_KIND_REJECT: FaultKind
FAULT_KIND_DROP: FaultKind
FAULT_KIND_LATE_ACCEPT: FaultKind
FAULT_KIND_PARTIAL_FILL: FaultKind
FAULT_KIND_ACCEPT_THEN_DROP: FaultKind
FAULT_KIND_RATE_LIMIT: FaultKind
FAULT_KIND_STREAM_GAP: FaultKind
FAULT_KIND_DUPLICATE: FaultKind
FAULT_KIND_REORDER: FaultKind
FEED_UNSPECIFIED: Feed
FEED_SIGNAL: Feed
FEED_RECORDED: Feed
FEED_ACCOUNT: Feed
REPLY_STATUS_UNSPECIFIED: ReplyStatus
REPLY_STATUS_ACCEPTED: ReplyStatus
REPLY_STATUS_REJECTED: ReplyStatus
REPLY_STATUS_DUPLICATE_CL_ORD_ID: ReplyStatus
REPLY_STATUS_UNKNOWN_ORDER: ReplyStatus
REPLY_STATUS_TOO_LATE: ReplyStatus
REPLY_STATUS_TOO_MANY_REQUESTS: ReplyStatus
REPLY_STATUS_NOT_LOGGED_IN: ReplyStatus
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
RIGHT_UNSPECIFIED: Right
RIGHT_CALL: Right
RIGHT_PUT: Right
ORD_TYPE_UNSPECIFIED: OrdType
ORD_TYPE_MARKET: OrdType
ORD_TYPE_LIMIT: OrdType
ORD_TYPE_STOP: OrdType
ORD_TYPE_STOP_LIMIT: OrdType
ORD_TYPE_TRAILING_STOP: OrdType
ORD_STATUS_UNSPECIFIED: OrdStatus
ORD_STATUS_NEW: OrdStatus
ORD_STATUS_PARTIALLY_FILLED: OrdStatus
ORD_STATUS_FILLED: OrdStatus
ORD_STATUS_CANCELED: OrdStatus
ORD_STATUS_REJECTED: OrdStatus
EXEC_TYPE_UNSPECIFIED: ExecType
EXEC_TYPE_NEW: ExecType
EXEC_TYPE_FILL: ExecType
EXEC_TYPE_CANCELED: ExecType
EXEC_TYPE_REJECTED: ExecType
EXEC_TYPE_SETTLED: ExecType
EXEC_TYPE_RESET: ExecType
EXEC_TYPE_CONFIGURED: ExecType
EXEC_TYPE_TRADE_CANCEL: ExecType
EXEC_TYPE_TRADE_CORRECT: ExecType

class SessionRequest(_message.Message):
    __slots__ = ("attach", "new_orders", "cancels")
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    NEW_ORDERS_FIELD_NUMBER: _ClassVar[int]
    CANCELS_FIELD_NUMBER: _ClassVar[int]
    attach: _containers.RepeatedCompositeFieldContainer[Attach]
    new_orders: _containers.RepeatedCompositeFieldContainer[NewOrder]
    cancels: _containers.RepeatedCompositeFieldContainer[CancelOrder]
    def __init__(self, attach: _Optional[_Iterable[_Union[Attach, _Mapping]]] = ..., new_orders: _Optional[_Iterable[_Union[NewOrder, _Mapping]]] = ..., cancels: _Optional[_Iterable[_Union[CancelOrder, _Mapping]]] = ...) -> None: ...

class SessionResponse(_message.Message):
    __slots__ = ("replies", "reports", "last_reports", "logged_out", "ended_logins")
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    LAST_REPORTS_FIELD_NUMBER: _ClassVar[int]
    LOGGED_OUT_FIELD_NUMBER: _ClassVar[int]
    ENDED_LOGINS_FIELD_NUMBER: _ClassVar[int]
    replies: _containers.RepeatedCompositeFieldContainer[OrderReply]
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    last_reports: _containers.RepeatedCompositeFieldContainer[LastReport]
    logged_out: _containers.RepeatedScalarFieldContainer[str]
    ended_logins: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, replies: _Optional[_Iterable[_Union[OrderReply, _Mapping]]] = ..., reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ..., last_reports: _Optional[_Iterable[_Union[LastReport, _Mapping]]] = ..., logged_out: _Optional[_Iterable[str]] = ..., ended_logins: _Optional[_Iterable[str]] = ...) -> None: ...

class LastReport(_message.Message):
    __slots__ = ("account", "report_seq")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REPORT_SEQ_FIELD_NUMBER: _ClassVar[int]
    account: str
    report_seq: int
    def __init__(self, account: _Optional[str] = ..., report_seq: _Optional[int] = ...) -> None: ...

class Attach(_message.Message):
    __slots__ = ("account", "after_report_seq")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    AFTER_REPORT_SEQ_FIELD_NUMBER: _ClassVar[int]
    account: str
    after_report_seq: int
    def __init__(self, account: _Optional[str] = ..., after_report_seq: _Optional[int] = ...) -> None: ...

class NewOrder(_message.Message):
    __slots__ = ("account", "cl_ord_id", "instrument", "side", "ord_type", "order_qty", "limit_price", "time_in_force", "reference_price", "stop_price", "trail_amount", "trail_percent", "guards")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    ORDER_QTY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    GUARDS_FIELD_NUMBER: _ClassVar[int]
    account: str
    cl_ord_id: str
    instrument: str
    side: Side
    ord_type: OrdType
    order_qty: str
    limit_price: str
    time_in_force: str
    reference_price: str
    stop_price: str
    trail_amount: str
    trail_percent: str
    guards: _containers.RepeatedCompositeFieldContainer[NewOrder]
    def __init__(self, account: _Optional[str] = ..., cl_ord_id: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., ord_type: _Optional[_Union[OrdType, str]] = ..., order_qty: _Optional[str] = ..., limit_price: _Optional[str] = ..., time_in_force: _Optional[str] = ..., reference_price: _Optional[str] = ..., stop_price: _Optional[str] = ..., trail_amount: _Optional[str] = ..., trail_percent: _Optional[str] = ..., guards: _Optional[_Iterable[_Union[NewOrder, _Mapping]]] = ...) -> None: ...

class CancelOrder(_message.Message):
    __slots__ = ("account", "cl_ord_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    account: str
    cl_ord_id: str
    def __init__(self, account: _Optional[str] = ..., cl_ord_id: _Optional[str] = ...) -> None: ...

class OrderReply(_message.Message):
    __slots__ = ("account", "cl_ord_id", "status", "text", "order", "cancel", "retry_after_ms", "limit_use")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_USE_FIELD_NUMBER: _ClassVar[int]
    account: str
    cl_ord_id: str
    status: ReplyStatus
    text: str
    order: Order
    cancel: bool
    retry_after_ms: int
    limit_use: LimitUse
    def __init__(self, account: _Optional[str] = ..., cl_ord_id: _Optional[str] = ..., status: _Optional[_Union[ReplyStatus, str]] = ..., text: _Optional[str] = ..., order: _Optional[_Union[Order, _Mapping]] = ..., cancel: _Optional[bool] = ..., retry_after_ms: _Optional[int] = ..., limit_use: _Optional[_Union[LimitUse, _Mapping]] = ...) -> None: ...

class LimitUse(_message.Message):
    __slots__ = ("most", "remaining", "resets_time")
    MOST_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    RESETS_TIME_FIELD_NUMBER: _ClassVar[int]
    most: int
    remaining: int
    resets_time: _timestamp_pb2.Timestamp
    def __init__(self, most: _Optional[int] = ..., remaining: _Optional[int] = ..., resets_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("account", "cl_ord_id", "order_id", "instrument", "side", "ord_type", "order_qty", "limit_price", "ord_status", "cum_qty", "avg_px", "arrived_time", "text", "stop_price")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    ORDER_QTY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    ORD_STATUS_FIELD_NUMBER: _ClassVar[int]
    CUM_QTY_FIELD_NUMBER: _ClassVar[int]
    AVG_PX_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_TIME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    account: str
    cl_ord_id: str
    order_id: str
    instrument: str
    side: Side
    ord_type: OrdType
    order_qty: str
    limit_price: str
    ord_status: OrdStatus
    cum_qty: str
    avg_px: str
    arrived_time: _timestamp_pb2.Timestamp
    text: str
    stop_price: str
    def __init__(self, account: _Optional[str] = ..., cl_ord_id: _Optional[str] = ..., order_id: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., ord_type: _Optional[_Union[OrdType, str]] = ..., order_qty: _Optional[str] = ..., limit_price: _Optional[str] = ..., ord_status: _Optional[_Union[OrdStatus, str]] = ..., cum_qty: _Optional[str] = ..., avg_px: _Optional[str] = ..., arrived_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[str] = ..., stop_price: _Optional[str] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("account", "report_seq", "cl_ord_id", "order_id", "exec_id", "exec_type", "ord_status", "instrument", "side", "last_qty", "last_px", "fee", "cum_qty", "avg_px", "text", "time", "arrived_time", "cash", "order_qty", "ord_type", "limit_price", "stop_price", "ref_exec_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REPORT_SEQ_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    EXEC_ID_FIELD_NUMBER: _ClassVar[int]
    EXEC_TYPE_FIELD_NUMBER: _ClassVar[int]
    ORD_STATUS_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    LAST_QTY_FIELD_NUMBER: _ClassVar[int]
    LAST_PX_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    CUM_QTY_FIELD_NUMBER: _ClassVar[int]
    AVG_PX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_TIME_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    ORDER_QTY_FIELD_NUMBER: _ClassVar[int]
    ORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    REF_EXEC_ID_FIELD_NUMBER: _ClassVar[int]
    account: str
    report_seq: int
    cl_ord_id: str
    order_id: str
    exec_id: str
    exec_type: ExecType
    ord_status: OrdStatus
    instrument: str
    side: Side
    last_qty: str
    last_px: str
    fee: str
    cum_qty: str
    avg_px: str
    text: str
    time: _timestamp_pb2.Timestamp
    arrived_time: _timestamp_pb2.Timestamp
    cash: str
    order_qty: str
    ord_type: OrdType
    limit_price: str
    stop_price: str
    ref_exec_id: str
    def __init__(self, account: _Optional[str] = ..., report_seq: _Optional[int] = ..., cl_ord_id: _Optional[str] = ..., order_id: _Optional[str] = ..., exec_id: _Optional[str] = ..., exec_type: _Optional[_Union[ExecType, str]] = ..., ord_status: _Optional[_Union[OrdStatus, str]] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., last_qty: _Optional[str] = ..., last_px: _Optional[str] = ..., fee: _Optional[str] = ..., cum_qty: _Optional[str] = ..., avg_px: _Optional[str] = ..., text: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrived_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cash: _Optional[str] = ..., order_qty: _Optional[str] = ..., ord_type: _Optional[_Union[OrdType, str]] = ..., limit_price: _Optional[str] = ..., stop_price: _Optional[str] = ..., ref_exec_id: _Optional[str] = ...) -> None: ...

class GetOrdersRequest(_message.Message):
    __slots__ = ("account", "cl_ord_ids")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CL_ORD_IDS_FIELD_NUMBER: _ClassVar[int]
    account: str
    cl_ord_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, account: _Optional[str] = ..., cl_ord_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetOrdersResponse(_message.Message):
    __slots__ = ("orders", "reports")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("account", "cash", "currency", "positions", "open_orders", "options", "last_report_seq", "as_of_time", "equity", "unrealised", "buying_power", "faults", "fault_seed", "rates")
    class RatesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_REPORT_SEQ_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_FIELD_NUMBER: _ClassVar[int]
    BUYING_POWER_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    FAULT_SEED_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    account: str
    cash: str
    currency: str
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    open_orders: _containers.RepeatedCompositeFieldContainer[Order]
    options: Options
    last_report_seq: int
    as_of_time: _timestamp_pb2.Timestamp
    equity: str
    unrealised: str
    buying_power: str
    faults: _containers.RepeatedCompositeFieldContainer[Fault]
    fault_seed: int
    rates: _containers.ScalarMap[str, str]
    def __init__(self, account: _Optional[str] = ..., cash: _Optional[str] = ..., currency: _Optional[str] = ..., positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., open_orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., options: _Optional[_Union[Options, _Mapping]] = ..., last_report_seq: _Optional[int] = ..., as_of_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., equity: _Optional[str] = ..., unrealised: _Optional[str] = ..., buying_power: _Optional[str] = ..., faults: _Optional[_Iterable[_Union[Fault, _Mapping]]] = ..., fault_seed: _Optional[int] = ..., rates: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("instrument", "quantity", "avg_price", "market_price", "unrealised")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AVG_PRICE_FIELD_NUMBER: _ClassVar[int]
    MARKET_PRICE_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    quantity: str
    avg_price: str
    market_price: str
    unrealised: str
    def __init__(self, instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., avg_price: _Optional[str] = ..., market_price: _Optional[str] = ..., unrealised: _Optional[str] = ...) -> None: ...

class Options(_message.Message):
    __slots__ = ("visibility_horizon_seconds", "refuses_repeats", "exchange_hours", "fill_parts", "slippage_bps", "slippage_ticks", "fee_per_order", "fee_per_unit", "fee_bps", "leverage", "requests_per_minute", "feed", "feed_account", "no_brackets", "no_stops")
    VISIBILITY_HORIZON_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REFUSES_REPEATS_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_HOURS_FIELD_NUMBER: _ClassVar[int]
    FILL_PARTS_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_BPS_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_TICKS_FIELD_NUMBER: _ClassVar[int]
    FEE_PER_ORDER_FIELD_NUMBER: _ClassVar[int]
    FEE_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    FEE_BPS_FIELD_NUMBER: _ClassVar[int]
    LEVERAGE_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    FEED_FIELD_NUMBER: _ClassVar[int]
    FEED_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    NO_BRACKETS_FIELD_NUMBER: _ClassVar[int]
    NO_STOPS_FIELD_NUMBER: _ClassVar[int]
    visibility_horizon_seconds: float
    refuses_repeats: bool
    exchange_hours: bool
    fill_parts: int
    slippage_bps: str
    slippage_ticks: int
    fee_per_order: str
    fee_per_unit: str
    fee_bps: str
    leverage: str
    requests_per_minute: int
    feed: Feed
    feed_account: str
    no_brackets: bool
    no_stops: bool
    def __init__(self, visibility_horizon_seconds: _Optional[float] = ..., refuses_repeats: _Optional[bool] = ..., exchange_hours: _Optional[bool] = ..., fill_parts: _Optional[int] = ..., slippage_bps: _Optional[str] = ..., slippage_ticks: _Optional[int] = ..., fee_per_order: _Optional[str] = ..., fee_per_unit: _Optional[str] = ..., fee_bps: _Optional[str] = ..., leverage: _Optional[str] = ..., requests_per_minute: _Optional[int] = ..., feed: _Optional[_Union[Feed, str]] = ..., feed_account: _Optional[str] = ..., no_brackets: _Optional[bool] = ..., no_stops: _Optional[bool] = ...) -> None: ...

class GetOptionsRequest(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accounts: _Optional[_Iterable[str]] = ...) -> None: ...

class GetOptionsResponse(_message.Message):
    __slots__ = ("options",)
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    options: _containers.RepeatedCompositeFieldContainer[Options]
    def __init__(self, options: _Optional[_Iterable[_Union[Options, _Mapping]]] = ...) -> None: ...

class GetQuotesRequest(_message.Message):
    __slots__ = ("account", "quotes")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    account: str
    quotes: _containers.RepeatedCompositeFieldContainer[QuoteRequest]
    def __init__(self, account: _Optional[str] = ..., quotes: _Optional[_Iterable[_Union[QuoteRequest, _Mapping]]] = ...) -> None: ...

class QuoteRequest(_message.Message):
    __slots__ = ("instrument", "reference_price")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    reference_price: str
    def __init__(self, instrument: _Optional[str] = ..., reference_price: _Optional[str] = ...) -> None: ...

class GetQuotesResponse(_message.Message):
    __slots__ = ("quotes", "as_of_time")
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    quotes: _containers.RepeatedCompositeFieldContainer[Quote]
    as_of_time: _timestamp_pb2.Timestamp
    def __init__(self, quotes: _Optional[_Iterable[_Union[Quote, _Mapping]]] = ..., as_of_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Quote(_message.Message):
    __slots__ = ("instrument", "bid", "ask", "last")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    bid: str
    ask: str
    last: str
    def __init__(self, instrument: _Optional[str] = ..., bid: _Optional[str] = ..., ask: _Optional[str] = ..., last: _Optional[str] = ...) -> None: ...

class GetChainRequest(_message.Message):
    __slots__ = ("underlying", "earliest_expiration", "strikes", "reference_price")
    UNDERLYING_FIELD_NUMBER: _ClassVar[int]
    EARLIEST_EXPIRATION_FIELD_NUMBER: _ClassVar[int]
    STRIKES_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_FIELD_NUMBER: _ClassVar[int]
    underlying: str
    earliest_expiration: str
    strikes: int
    reference_price: str
    def __init__(self, underlying: _Optional[str] = ..., earliest_expiration: _Optional[str] = ..., strikes: _Optional[int] = ..., reference_price: _Optional[str] = ...) -> None: ...

class GetChainResponse(_message.Message):
    __slots__ = ("underlying", "options", "as_of_time")
    UNDERLYING_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    underlying: Quote
    options: _containers.RepeatedCompositeFieldContainer[OptionQuote]
    as_of_time: _timestamp_pb2.Timestamp
    def __init__(self, underlying: _Optional[_Union[Quote, _Mapping]] = ..., options: _Optional[_Iterable[_Union[OptionQuote, _Mapping]]] = ..., as_of_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OptionQuote(_message.Message):
    __slots__ = ("instrument", "expiration", "right", "strike", "bid", "ask", "last")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    EXPIRATION_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    STRIKE_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    expiration: str
    right: Right
    strike: str
    bid: str
    ask: str
    last: str
    def __init__(self, instrument: _Optional[str] = ..., expiration: _Optional[str] = ..., right: _Optional[_Union[Right, str]] = ..., strike: _Optional[str] = ..., bid: _Optional[str] = ..., ask: _Optional[str] = ..., last: _Optional[str] = ...) -> None: ...

class ConfigureAccountRequest(_message.Message):
    __slots__ = ("account", "options", "set_faults", "faults", "fault_seed", "recording")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SET_FAULTS_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    FAULT_SEED_FIELD_NUMBER: _ClassVar[int]
    RECORDING_FIELD_NUMBER: _ClassVar[int]
    account: str
    options: Options
    set_faults: bool
    faults: _containers.RepeatedCompositeFieldContainer[Fault]
    fault_seed: int
    recording: bytes
    def __init__(self, account: _Optional[str] = ..., options: _Optional[_Union[Options, _Mapping]] = ..., set_faults: _Optional[bool] = ..., faults: _Optional[_Iterable[_Union[Fault, _Mapping]]] = ..., fault_seed: _Optional[int] = ..., recording: _Optional[bytes] = ...) -> None: ...

class ConfigureAccountResponse(_message.Message):
    __slots__ = ("options",)
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    options: Options
    def __init__(self, options: _Optional[_Union[Options, _Mapping]] = ...) -> None: ...

class ResetAccountRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class ResetAccountResponse(_message.Message):
    __slots__ = ("report_seq",)
    REPORT_SEQ_FIELD_NUMBER: _ClassVar[int]
    report_seq: int
    def __init__(self, report_seq: _Optional[int] = ...) -> None: ...

class GetPositionsRequest(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accounts: _Optional[_Iterable[str]] = ...) -> None: ...

class GetPositionsResponse(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[AccountPositions]
    def __init__(self, accounts: _Optional[_Iterable[_Union[AccountPositions, _Mapping]]] = ...) -> None: ...

class AccountPositions(_message.Message):
    __slots__ = ("positions", "last_report_seq", "as_of_time")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_REPORT_SEQ_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    last_report_seq: int
    as_of_time: _timestamp_pb2.Timestamp
    def __init__(self, positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., last_report_seq: _Optional[int] = ..., as_of_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TransferPositionRequest(_message.Message):
    __slots__ = ("account", "instrument", "quantity", "price")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    account: str
    instrument: str
    quantity: str
    price: str
    def __init__(self, account: _Optional[str] = ..., instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., price: _Optional[str] = ...) -> None: ...

class TransferPositionResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: Position
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class BustFillRequest(_message.Message):
    __slots__ = ("account", "exec_id", "quantity", "price")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    EXEC_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    account: str
    exec_id: str
    quantity: str
    price: str
    def __init__(self, account: _Optional[str] = ..., exec_id: _Optional[str] = ..., quantity: _Optional[str] = ..., price: _Optional[str] = ...) -> None: ...

class BustFillResponse(_message.Message):
    __slots__ = ("report_seq",)
    REPORT_SEQ_FIELD_NUMBER: _ClassVar[int]
    report_seq: int
    def __init__(self, report_seq: _Optional[int] = ...) -> None: ...

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
    kind: FaultKind
    cl_ord_id: str
    time: _timestamp_pb2.Timestamp
    delay_ms: int
    def __init__(self, kind: _Optional[_Union[FaultKind, str]] = ..., cl_ord_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delay_ms: _Optional[int] = ...) -> None: ...

class Fault(_message.Message):
    __slots__ = ("nth", "kind", "delay_ms", "draws_delay", "percent", "most", "from_time", "until_time")
    NTH_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    DRAWS_DELAY_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    nth: int
    kind: FaultKind
    delay_ms: int
    draws_delay: bool
    percent: int
    most: int
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, nth: _Optional[int] = ..., kind: _Optional[_Union[FaultKind, str]] = ..., delay_ms: _Optional[int] = ..., draws_delay: _Optional[bool] = ..., percent: _Optional[int] = ..., most: _Optional[int] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
