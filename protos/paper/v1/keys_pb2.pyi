import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LoginStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOGIN_STATUS_UNSPECIFIED: _ClassVar[LoginStatus]
    LOGIN_STATUS_OK: _ClassVar[LoginStatus]
    LOGIN_STATUS_WRONG_KEY: _ClassVar[LoginStatus]
    LOGIN_STATUS_REVOKED: _ClassVar[LoginStatus]
    LOGIN_STATUS_WRONG_TIME: _ClassVar[LoginStatus]
    LOGIN_STATUS_NO_SESSION: _ClassVar[LoginStatus]
LOGIN_STATUS_UNSPECIFIED: LoginStatus
LOGIN_STATUS_OK: LoginStatus
LOGIN_STATUS_WRONG_KEY: LoginStatus
LOGIN_STATUS_REVOKED: LoginStatus
LOGIN_STATUS_WRONG_TIME: LoginStatus
LOGIN_STATUS_NO_SESSION: LoginStatus

class LogInRequest(_message.Message):
    __slots__ = ("key_id", "time", "session_id", "signature")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    time: _timestamp_pb2.Timestamp
    session_id: str
    signature: bytes
    def __init__(self, key_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., session_id: _Optional[str] = ..., signature: _Optional[bytes] = ...) -> None: ...

class LogInResponse(_message.Message):
    __slots__ = ("status", "account", "account_name", "account_type", "cash", "currency", "permissions")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    status: LoginStatus
    account: str
    account_name: str
    account_type: str
    cash: str
    currency: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, status: _Optional[_Union[LoginStatus, str]] = ..., account: _Optional[str] = ..., account_name: _Optional[str] = ..., account_type: _Optional[str] = ..., cash: _Optional[str] = ..., currency: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ...) -> None: ...

class IssueKeyRequest(_message.Message):
    __slots__ = ("account", "permissions")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    account: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, account: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ...) -> None: ...

class IssueKeyResponse(_message.Message):
    __slots__ = ("key_id", "secret")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    secret: str
    def __init__(self, key_id: _Optional[str] = ..., secret: _Optional[str] = ...) -> None: ...

class RevokeKeyRequest(_message.Message):
    __slots__ = ("key_id",)
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    def __init__(self, key_id: _Optional[str] = ...) -> None: ...

class RevokeKeyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListKeysRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class ListKeysResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[Key]
    def __init__(self, keys: _Optional[_Iterable[_Union[Key, _Mapping]]] = ...) -> None: ...

class Key(_message.Message):
    __slots__ = ("key_id", "permissions", "made_time", "revoked_time")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    MADE_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKED_TIME_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    made_time: _timestamp_pb2.Timestamp
    revoked_time: _timestamp_pb2.Timestamp
    def __init__(self, key_id: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ..., made_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoked_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
