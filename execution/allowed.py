"""Who may call which method of execution. What is not listed, nobody may."""

from execution.guard import HEALTH, Allowed
from protos.services import Service

_EXECUTION = "/fillwire.execution.v1.Execution/"
_SIMULATION = "/fillwire.execution.v1.Simulation/"
_CREDENTIALS = "/fillwire.execution.v1.Credentials/"
_VAULT = "/fillwire.execution.v1.Vault/"
_WEB = {Service.WEB}
# Both drain.
_DRAINS = {Service.WORKER, Service.RELAY}
# The relay, when the days of grace are over, and whoever runs the installation.
_ERASES = {Service.RELAY, Service.OPERATOR}
_LOOKING = {Service.OPERATOR}

ALLOWED: Allowed = {
    **HEALTH,
    f"{_EXECUTION}SubmitTrades": _DRAINS,
    f"{_EXECUTION}CancelTrades": _WEB,
    f"{_EXECUTION}GetAccountState": _LOOKING,
    f"{_EXECUTION}GetConnectionState": _WEB,
    f"{_EXECUTION}StreamFacts": {Service.RELAY},
    f"{_EXECUTION}ListFacts": _LOOKING,
    f"{_EXECUTION}DigestFacts": {Service.RELAY},
    f"{_EXECUTION}ListFactRange": {Service.WEB, Service.OPERATOR},
    f"{_EXECUTION}PreviewTrades": _WEB,
    f"{_EXECUTION}SetSwitch": _ERASES | _WEB,
    f"{_EXECUTION}ListSwitches": {Service.WEB, Service.RELAY, Service.OPERATOR},
    f"{_EXECUTION}ForgetWords": _ERASES,
    f"{_EXECUTION}SetLimits": _WEB,
    f"{_EXECUTION}SeeOverfill": _WEB,
    f"{_EXECUTION}ResolveDoubt": _WEB,
    f"{_EXECUTION}ClosePosition": _WEB,
    f"{_EXECUTION}RefreshAccount": _WEB,
    f"{_SIMULATION}GetPaperAccount": _WEB,
    f"{_SIMULATION}SetTradingModel": _WEB,
    f"{_SIMULATION}SetFeed": _WEB,
    f"{_SIMULATION}SetGameDay": _WEB,
    f"{_SIMULATION}ResetAccount": _WEB,
    f"{_SIMULATION}ListMisdeeds": _WEB,
    f"{_CREDENTIALS}ListBrokers": _WEB,
    f"{_CREDENTIALS}TestCredentials": _WEB,
    f"{_CREDENTIALS}PutCredentials": _WEB,
    f"{_CREDENTIALS}RemoveCredentials": _ERASES | _WEB,
    f"{_CREDENTIALS}ListCredentials": _WEB,
    f"{_VAULT}GetKeys": _LOOKING,
    f"{_VAULT}RotateKek": _LOOKING,
    f"{_VAULT}RotateTransportKey": _LOOKING,
}
