"""From where somebody comes: the address, and the device in words."""

from dataclasses import dataclass

from flask import request

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Place:
    """Where a request comes from."""

    address: str
    device: str


def here() -> Place:
    """Where this request comes from."""
    return Place(request.remote_addr or "", describe(request.headers.get("User-Agent", "")))


def describe(agent: str) -> str:
    """`Chrome on Linux`; what names neither is called by its first word."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or agent.partition("/")[0][:40] or "Unknown device"
