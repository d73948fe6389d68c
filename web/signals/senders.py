"""Who sends messages, and how each wants to be told: for the message builder. Pure."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_SIMPLE = {"ticker": "AAPL", "action": "buy", "quantity": "1", "price": "228.40"}


@dataclass(frozen=True)
class Sender:
    """One program that posts messages."""

    name: str
    label: str
    where: str
    # What the form starts with.
    start: Mapping[str, str]
    # Placeholders that the sender replaces, each with a sample.
    samples: Mapping[str, str]
    # What a person pastes there: from the message and the webhook URL.
    paste: Callable[[str, str], str] = lambda message, _url: message
    # The same, signing; None for who cannot.
    signed: Callable[[str, str], str] | None = None


def _curl(message: str, url: str) -> str:
    return (
        f"curl -sS {shlex.quote(url)} \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(message)}\n"
    )


def _python(message: str, url: str) -> str:
    return (
        "from urllib.request import Request, urlopen\n\n"
        f"url = {url!r}\n"
        f"message = {_triple(message)}\n"
        'headers = {"Content-Type": "application/json"}\n'
        "with urlopen(Request(url, message.encode(), headers), timeout=5) as answer:\n"
        "    print(answer.status, answer.read().decode())\n"
    )


def _signed_curl(message: str, url: str) -> str:
    return (
        f"body={shlex.quote(message)}\n"
        "id=msg_$(openssl rand -hex 12)\n"
        "time=$(date +%s)\n"
        'key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | base64 -d \\\n'
        "  | od -An -v -tx1 | tr -d ' \\n')\n"
        'signature=$(printf %s.%s.%s "$id" "$time" "$body" \\\n'
        '  | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)\n'
        f"curl -sS {shlex.quote(url)} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "webhook-id: $id" -H "webhook-timestamp: $time" \\\n'
        '  -H "webhook-signature: v1,$signature" --data-binary "$body"\n'
    )


def _signed_python(message: str, url: str) -> str:
    return (
        "import base64, hmac, os, time, uuid\n"
        "from urllib.request import Request, urlopen\n\n"
        f"url = {url!r}\n"
        f"message = {_triple(message)}.encode()\n"
        'key = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))\n'
        'id, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))\n'
        'signed = hmac.digest(key, f"{id}.{now}.".encode() + message, "sha256")\n'
        "headers = {\n"
        '    "Content-Type": "application/json",\n'
        '    "webhook-id": id,\n'
        '    "webhook-timestamp": now,\n'
        '    "webhook-signature": "v1," + base64.b64encode(signed).decode(),\n'
        "}\n"
        "with urlopen(Request(url, message, headers), timeout=5) as answer:\n"
        "    print(answer.status, answer.read().decode())\n"
    )


def _triple(message: str) -> str:
    return repr(message) if '"""' in message or "\\" in message else f'"""{message}"""'


def _mql5(message: str, url: str) -> str:
    quoted = message.replace("\\", "\\\\").replace('"', '\\"')
    lines = '\\n"\n              "'.join(quoted.splitlines())
    return (
        f'string url  = "{url}";\n'
        f'string body = "{lines}";\n'
        "char   data[], answer[];\n"
        "string headers;\n"
        "StringToCharArray(body, data, 0, WHOLE_ARRAY, CP_UTF8);\n"
        "// MetaTrader ends a text with a zero, which is no part of the message.\n"
        "ArrayResize(data, ArraySize(data) - 1);\n"
        'int status = WebRequest("POST", url, "Content-Type: application/json\\r\\n",\n'
        "                        5000, data, answer, headers);\n"
        "if(status != 200)\n"
        '   Print(status, " ", CharArrayToString(answer, 0, WHOLE_ARRAY, CP_UTF8));\n'
    )


SENDERS: Mapping[str, Sender] = {
    each.name: each
    for each in (
        Sender(
            "tradingview-strategy",
            "TradingView strategy",
            "The Message box of an alert on the strategy; its URL goes into Notifications.",
            {
                "ticker": "{{ticker}}",
                "action": "{{strategy.order.action}}",
                "sentiment": "{{strategy.market_position}}",
                "quantity": "{{strategy.order.contracts}}",
                "price": "{{close}}",
                "time": "{{timenow}}",
                "interval": "{{interval}}",
            },
            {
                "{{ticker}}": "AAPL",
                "{{strategy.order.action}}": "buy",
                "{{strategy.market_position}}": "long",
                "{{strategy.order.contracts}}": "1",
                "{{strategy.order.price}}": "228.40",
                "{{close}}": "228.40",
                "{{time}}": "2026-01-05T14:30:00Z",
                "{{interval}}": "5",
            },
        ),
        Sender(
            "tradingview-indicator",
            "TradingView indicator",
            "The Message box of an alert: one alert that buys, another that exits.",
            {
                "ticker": "{{ticker}}",
                "action": "buy",
                "price": "{{close}}",
                "time": "{{timenow}}",
                "interval": "{{interval}}",
            },
            {
                "{{ticker}}": "AAPL",
                "{{close}}": "228.40",
                "{{time}}": "2026-01-05T14:30:00Z",
                "{{interval}}": "5",
            },
        ),
        Sender(
            "trendspider",
            "TrendSpider",
            "The description of an alert. One webhook URL serves the whole TrendSpider account.",
            {"ticker": "%alert_symbol%", "action": "buy", "price": "%last_price%"},
            {
                "%alert_symbol%": "AAPL",
                "%bot_symbol%": "AAPL",
                "%last_price%": "228.40",
                "%alert_name%": "Breakout",
            },
        ),
        Sender(
            "mt5",
            "MetaTrader 5",
            "An expert advisor; allow this host under Tools, Options, Expert Advisors first.",
            _SIMPLE,
            {},
            _mql5,
        ),
        Sender(
            "python",
            "Python",
            "Any program; no library is needed.",
            _SIMPLE,
            {},
            _python,
            _signed_python,
        ),
        Sender("curl", "curl", "A terminal.", _SIMPLE, {}, _curl, _signed_curl),
    )
}
CRYPTO_ARSENAL_START = {"action": "openLong", "fixed": "0.01"}
