"""How each gRPC method keeps tenants apart: one line a method. A new one fails test_rpcs by name.

Of every field that says whose or which, a line tells that it is checked against the caller's
`tenant_id`, or why there is nothing to check it against.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

import protos.execution.v1
import protos.paper.v1
from execution.allowed import ALLOWED
from protos.services import Service

PACKAGES = (protos.execution.v1, protos.paper.v1)
# No id of a row, though called so.
_NO_ID = {"cursor", "key", "target_id"}


@dataclass(frozen=True)
class Rpc:
    """`checked` fields are refused or answered as unknown when they are another tenant's."""

    checked: frozenset[str] = frozenset()
    trusted: Mapping[str, str] = field(default_factory=dict)
    # For methods that act for everybody: who else calls them.
    everybody: str = ""


def checks(*fields: str, **trusted: str) -> Rpc:
    """These are checked; of the others, why not."""
    return Rpc(frozenset(fields) | {"tenant_id"}, trusted)


ALL_TENANTS = "the relay's and an operator's, for all tenants: the allow-list keeps web out"
VENUE = "the venue stands where a broker would: it knows accounts and no tenants"
BY_ITS_PATH = "web finds the connection by its tenant before it names the account"
SWITCHED = (
    "execution knows no owner of a strategy or of a connection without trades, and a kill switch "
    "refused on a guess would be worse; web and the row security of web.switches check"
)
FOR_STAFF = "asked by staff's page of a connection only, which names the account it reads itself"
BUILT = "web builds these trades from rows of its tenant; nothing is stored or sent"
SEALED = (
    "opens only for the tenant and the connection it was sealed for, and replaces only that "
    "tenant's: test_credentials tries another's"
)
ACCOUNT = {"account": BY_ITS_PATH}

RPCS: dict[str, Rpc] = {
    "Execution.SubmitTrades": Rpc(everybody="workers drain for all tenants; known ids stay as is"),
    "Execution.CancelTrades": checks("trade_ids"),
    "Execution.GetAccountState": Rpc(everybody=ALL_TENANTS),
    "Execution.GetConnectionState": checks("connection_id", "account"),
    "Execution.StreamFacts": Rpc(everybody=ALL_TENANTS),
    "Execution.ListFacts": Rpc(everybody=ALL_TENANTS),
    "Execution.DigestFacts": Rpc(everybody=ALL_TENANTS),
    "Execution.ListFactRange": checks("account_id"),
    "Execution.PreviewTrades": Rpc(trusted={"trades": BUILT, "given": BUILT}),
    "Execution.SetSwitch": checks("scope_id", scope_id=SWITCHED),
    "Execution.ListSwitches": Rpc(frozenset({"limits_of"})),
    "Execution.ForgetWords": Rpc(everybody=ALL_TENANTS),
    "Execution.SetLimits": Rpc(trusted={"connection_id": SWITCHED}),
    "Execution.SeeOverfill": checks("order_id"),
    "Execution.ResolveDoubt": checks("trade_id"),
    "Execution.ClosePosition": checks("connection_id", "subscription_id", "account"),
    "Execution.RefreshAccount": Rpc(trusted={"account": FOR_STAFF}),
    "Simulation.GetPaperAccount": Rpc(trusted=ACCOUNT),
    "Simulation.SetTradingModel": Rpc(trusted=ACCOUNT),
    "Simulation.SetFeed": Rpc(trusted={**ACCOUNT, "feed_account": BY_ITS_PATH}),
    "Simulation.SetGameDay": Rpc(trusted=ACCOUNT),
    "Simulation.ResetAccount": Rpc(trusted=ACCOUNT),
    "Simulation.ListMisdeeds": Rpc(trusted=ACCOUNT),
    "Credentials.ListBrokers": Rpc(),
    "Credentials.TestCredentials": Rpc(trusted={"sealed": SEALED}),
    "Credentials.PutCredentials": Rpc(trusted={"sealed": SEALED}),
    "Credentials.RemoveCredentials": checks("connection_id"),
    "Credentials.ListCredentials": checks("connection_ids"),
    # Whole services.
    "Vault": Rpc(everybody=ALL_TENANTS),
    "Venue": Rpc(everybody=VENUE),
    "Keys": Rpc(everybody=VENUE),
}


def methods() -> Iterator[tuple[str, MethodDescriptor]]:
    """Every method, as `Service.Method`."""
    for package in PACKAGES:
        for found in pkgutil.iter_modules(package.__path__):
            if found.name.endswith("_pb2"):
                file = importlib.import_module(f"{package.__name__}.{found.name}")
                for service in file.DESCRIPTOR.services_by_name.values():
                    yield from ((f"{service.name}.{m.name}", m) for m in service.methods)


def line_of(name: str) -> Rpc:
    """Its line, or its service's. Raises KeyError."""
    found = RPCS.get(name) or RPCS.get(name.partition(".")[0])
    if found is None:
        raise KeyError(f"add a line for {name} to tests/isolation/rpcs.py")
    return found


def fields_of(message: Descriptor) -> set[str]:
    """The fields that say whose or which: ids, accounts, and messages that hold such."""
    return {each.name for each in message.fields if _is_id(each)}


def web_may_call(method: MethodDescriptor) -> bool:
    """Whether the site's certificate is let through."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    return Service.WEB in ALLOWED.get(path, frozenset())


def _is_id(each: FieldDescriptor, deep: int = 0) -> bool:
    if each.name in _NO_ID or deep > 3:
        return False
    if each.message_type is not None:
        return any(_is_id(inner, deep + 1) for inner in each.message_type.fields)
    named = each.name.endswith(("_id", "_ids", "account", "_of"))
    return named and each.type == FieldDescriptor.TYPE_STRING
