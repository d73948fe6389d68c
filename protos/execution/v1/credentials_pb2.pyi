import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CredentialProblem(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_PROBLEM_UNSPECIFIED: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_SEAL: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_FIELD: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_WRONG_KEY: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_REVOKED: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_MISSING_PERMISSION: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_REFUSED_PERMISSION: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_OTHER_ACCOUNT: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_UNREACHABLE: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_UNREADABLE: _ClassVar[CredentialProblem]
    CREDENTIAL_PROBLEM_NONE_STORED: _ClassVar[CredentialProblem]
CREDENTIAL_PROBLEM_UNSPECIFIED: CredentialProblem
CREDENTIAL_PROBLEM_SEAL: CredentialProblem
CREDENTIAL_PROBLEM_FIELD: CredentialProblem
CREDENTIAL_PROBLEM_WRONG_KEY: CredentialProblem
CREDENTIAL_PROBLEM_REVOKED: CredentialProblem
CREDENTIAL_PROBLEM_MISSING_PERMISSION: CredentialProblem
CREDENTIAL_PROBLEM_REFUSED_PERMISSION: CredentialProblem
CREDENTIAL_PROBLEM_OTHER_ACCOUNT: CredentialProblem
CREDENTIAL_PROBLEM_UNREACHABLE: CredentialProblem
CREDENTIAL_PROBLEM_UNREADABLE: CredentialProblem
CREDENTIAL_PROBLEM_NONE_STORED: CredentialProblem

class ListBrokersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListBrokersResponse(_message.Message):
    __slots__ = ("brokers", "transport_key")
    BROKERS_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_KEY_FIELD_NUMBER: _ClassVar[int]
    brokers: _containers.RepeatedCompositeFieldContainer[Broker]
    transport_key: TransportKey
    def __init__(self, brokers: _Optional[_Iterable[_Union[Broker, _Mapping]]] = ..., transport_key: _Optional[_Union[TransportKey, _Mapping]] = ...) -> None: ...

class Broker(_message.Message):
    __slots__ = ("broker", "label", "help", "environments", "fields", "needs", "refuses")
    BROKER_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    REFUSES_FIELD_NUMBER: _ClassVar[int]
    broker: str
    label: str
    help: str
    environments: _containers.RepeatedScalarFieldContainer[str]
    fields: _containers.RepeatedCompositeFieldContainer[CredentialField]
    needs: _containers.RepeatedScalarFieldContainer[str]
    refuses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, broker: _Optional[str] = ..., label: _Optional[str] = ..., help: _Optional[str] = ..., environments: _Optional[_Iterable[str]] = ..., fields: _Optional[_Iterable[_Union[CredentialField, _Mapping]]] = ..., needs: _Optional[_Iterable[str]] = ..., refuses: _Optional[_Iterable[str]] = ...) -> None: ...

class CredentialField(_message.Message):
    __slots__ = ("name", "label", "secret", "help", "pattern")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    name: str
    label: str
    secret: bool
    help: str
    pattern: str
    def __init__(self, name: _Optional[str] = ..., label: _Optional[str] = ..., secret: _Optional[bool] = ..., help: _Optional[str] = ..., pattern: _Optional[str] = ...) -> None: ...

class TransportKey(_message.Message):
    __slots__ = ("key_id", "public_key")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    public_key: bytes
    def __init__(self, key_id: _Optional[str] = ..., public_key: _Optional[bytes] = ...) -> None: ...

class SealedCredentials(_message.Message):
    __slots__ = ("key_id", "box", "tenant_id", "connection_id", "broker", "environment")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    BROKER_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    box: bytes
    tenant_id: str
    connection_id: str
    broker: str
    environment: str
    def __init__(self, key_id: _Optional[str] = ..., box: _Optional[bytes] = ..., tenant_id: _Optional[str] = ..., connection_id: _Optional[str] = ..., broker: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class TestCredentialsRequest(_message.Message):
    __slots__ = ("sealed",)
    SEALED_FIELD_NUMBER: _ClassVar[int]
    sealed: SealedCredentials
    def __init__(self, sealed: _Optional[_Union[SealedCredentials, _Mapping]] = ...) -> None: ...

class TestCredentialsResponse(_message.Message):
    __slots__ = ("found",)
    FOUND_FIELD_NUMBER: _ClassVar[int]
    found: Found
    def __init__(self, found: _Optional[_Union[Found, _Mapping]] = ...) -> None: ...

class PutCredentialsRequest(_message.Message):
    __slots__ = ("sealed",)
    SEALED_FIELD_NUMBER: _ClassVar[int]
    sealed: SealedCredentials
    def __init__(self, sealed: _Optional[_Union[SealedCredentials, _Mapping]] = ...) -> None: ...

class PutCredentialsResponse(_message.Message):
    __slots__ = ("found",)
    FOUND_FIELD_NUMBER: _ClassVar[int]
    found: Found
    def __init__(self, found: _Optional[_Union[Found, _Mapping]] = ...) -> None: ...

class Found(_message.Message):
    __slots__ = ("problem", "text", "account", "account_name", "account_type", "balance", "currency", "permissions", "missing", "refused")
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TYPE_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    problem: CredentialProblem
    text: str
    account: str
    account_name: str
    account_type: str
    balance: str
    currency: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    missing: _containers.RepeatedScalarFieldContainer[str]
    refused: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, problem: _Optional[_Union[CredentialProblem, str]] = ..., text: _Optional[str] = ..., account: _Optional[str] = ..., account_name: _Optional[str] = ..., account_type: _Optional[str] = ..., balance: _Optional[str] = ..., currency: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ..., missing: _Optional[_Iterable[str]] = ..., refused: _Optional[_Iterable[str]] = ...) -> None: ...

class RemoveCredentialsRequest(_message.Message):
    __slots__ = ("tenant_id", "connection_id")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    connection_id: str
    def __init__(self, tenant_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class RemoveCredentialsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCredentialsRequest(_message.Message):
    __slots__ = ("tenant_id", "connection_ids")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_IDS_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    connection_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, tenant_id: _Optional[str] = ..., connection_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ListCredentialsResponse(_message.Message):
    __slots__ = ("credentials",)
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    credentials: _containers.RepeatedCompositeFieldContainer[CredentialState]
    def __init__(self, credentials: _Optional[_Iterable[_Union[CredentialState, _Mapping]]] = ...) -> None: ...

class CredentialState(_message.Message):
    __slots__ = ("connection_id", "version", "ends", "made_time", "used_time", "problem", "text")
    class EndsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENDS_FIELD_NUMBER: _ClassVar[int]
    MADE_TIME_FIELD_NUMBER: _ClassVar[int]
    USED_TIME_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    connection_id: str
    version: int
    ends: _containers.ScalarMap[str, str]
    made_time: _timestamp_pb2.Timestamp
    used_time: _timestamp_pb2.Timestamp
    problem: CredentialProblem
    text: str
    def __init__(self, connection_id: _Optional[str] = ..., version: _Optional[int] = ..., ends: _Optional[_Mapping[str, str]] = ..., made_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., used_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., problem: _Optional[_Union[CredentialProblem, str]] = ..., text: _Optional[str] = ...) -> None: ...

class GetKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetKeysResponse(_message.Message):
    __slots__ = ("source", "keks", "transport_key")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    KEKS_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_KEY_FIELD_NUMBER: _ClassVar[int]
    source: str
    keks: _containers.RepeatedCompositeFieldContainer[Kek]
    transport_key: TransportKey
    def __init__(self, source: _Optional[str] = ..., keks: _Optional[_Iterable[_Union[Kek, _Mapping]]] = ..., transport_key: _Optional[_Union[TransportKey, _Mapping]] = ...) -> None: ...

class Kek(_message.Message):
    __slots__ = ("kek_id", "current", "made_time", "retired_time", "records", "present")
    KEK_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    MADE_TIME_FIELD_NUMBER: _ClassVar[int]
    RETIRED_TIME_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    kek_id: str
    current: bool
    made_time: _timestamp_pb2.Timestamp
    retired_time: _timestamp_pb2.Timestamp
    records: int
    present: bool
    def __init__(self, kek_id: _Optional[str] = ..., current: _Optional[bool] = ..., made_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retired_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., records: _Optional[int] = ..., present: _Optional[bool] = ...) -> None: ...

class RotateKekRequest(_message.Message):
    __slots__ = ("kek_id",)
    KEK_ID_FIELD_NUMBER: _ClassVar[int]
    kek_id: str
    def __init__(self, kek_id: _Optional[str] = ...) -> None: ...

class RotateKekResponse(_message.Message):
    __slots__ = ("kek_id",)
    KEK_ID_FIELD_NUMBER: _ClassVar[int]
    kek_id: str
    def __init__(self, kek_id: _Optional[str] = ...) -> None: ...

class RotateTransportKeyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RotateTransportKeyResponse(_message.Message):
    __slots__ = ("key_id",)
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    def __init__(self, key_id: _Optional[str] = ...) -> None: ...
