"""The sender's own address: behind proxies, in every spelling, in networks."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import addresses, config
from web.config import BadConfig
from web.signals import gate
from web.signals.gate import Request
from web.signals.refusals import BadSignal
from web.strategies import allowed
from web.strategies.allowed import PUBLISHED, BadWebhook, Senders

ANY = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
WRITTEN = st.text(st.characters(blacklist_characters=",\r\n"), max_size=20)


@given(st.lists(WRITTEN, max_size=4), ANY, st.lists(ANY, max_size=3))
def test_whatever_the_sender_writes_the_outermost_trusted_proxy_decides(
    lies: list[str], sender: IPv4Address | IPv6Address, between: list[IPv4Address | IPv6Address]
) -> None:
    forwarded = ", ".join([*lies, str(sender), *map(str, between)])
    found = addresses.behind(forwarded, 1 + len(between))
    assert addresses.read(found) == (
        sender.ipv4_mapped if isinstance(sender, IPv6Address) and sender.ipv4_mapped else sender
    )


@pytest.mark.parametrize(
    ("forwarded", "trusted", "expected"),
    [
        ("", 1, ""),
        ("198.51.100.1", 1, "198.51.100.1"),
        ("198.51.100.1", 2, ""),
        ("203.0.113.7,198.51.100.1", 2, "203.0.113.7"),
        ("203.0.113.7, 198.51.100.1 ", 1, "198.51.100.1"),
        ("203.0.113.7,", 1, ""),
        ("203.0.113.7,,198.51.100.1", 2, ""),
    ],
)
def test_too_few_and_empty_entries_are_no_address(
    forwarded: str, trusted: int, expected: str
) -> None:
    assert addresses.behind(forwarded, trusted) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:cb00:7107]:80", "203.0.113.7"),
    ],
)
def test_one_address_has_many_spellings(text: str, expected: str) -> None:
    assert addresses.read(text) == ip_address(expected)


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "_hidden", "203.0.113.07", "203.0.113", "0x7f.1", "fe80::1%eth0", "1.2.3.4/32"],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert addresses.read(text) is None


@given(st.text(max_size=60))
def test_any_text_is_read_or_is_none(text: str) -> None:
    found = addresses.read(text)
    assert found is None or addresses.read(str(found)) == found


def test_networks_are_spelled_in_one_way_and_told_once() -> None:
    given_ = [" 203.0.113.7/24", "203.0.113.0/24", "::ffff:198.51.100.1", "2001:DB8::/32"]
    found = allowed.read_addresses(given_, needed=True)
    assert found == ["203.0.113.0/24", "198.51.100.1", "2001:db8::/32"]
    assert allowed.read_addresses([], needed=False) == []


@pytest.mark.parametrize(
    "raw",
    [
        [],
        ["nonsense"],
        ["203.0.113.7", "fe80::1%eth0"],
        ["0.0.0.0/0"],
        ["::/0"],
        ["203.0.113.256"],
        [f"203.0.{n}.1" for n in range(101)],
    ],
)
def test_a_list_that_cannot_be_says_what_is_wrong(raw: list[str]) -> None:
    with pytest.raises(BadWebhook) as refused:
        allowed.read_addresses(raw, needed=True)
    assert refused.value.field == "addresses" and refused.value.fix


def refusal(senders: Senders, address: str, *own: str) -> str | None:
    """The code with which a message from there is refused, if it is."""
    try:
        gate.build(senders, own).check(Request(b"", address=address))
    except BadSignal as bad:
        return bad.code
    return None


@given(ANY)
def test_a_gate_admits_its_own_addresses_and_nobody_else(
    address: IPv4Address | IPv6Address,
) -> None:
    read = addresses.read(str(address))
    for senders, code in (
        (Senders.TRADINGVIEW, "not-trading-view"),
        (Senders.TRENDSPIDER, "not-trend-spider"),
    ):
        expected = None if str(read) in PUBLISHED[senders] else code
        assert refusal(senders, str(address)) == expected
    assert refusal(Senders.ADDRESSES, str(address), str(address)) is None
    around = str(ip_network(f"{read}/{24 if isinstance(read, IPv4Address) else 48}", strict=False))
    assert refusal(Senders.ADDRESSES, str(address), around) is None


@pytest.mark.parametrize("senders", PUBLISHED)
def test_published_addresses_pass_in_both_spellings(senders: Senders) -> None:
    for address in PUBLISHED[senders]:
        assert refusal(senders, address) is None
        assert refusal(senders, f"::ffff:{address}") is None
    assert refusal(senders, "unknown") == "invalid-ip-address-format"


def test_a_refusal_names_the_address_and_a_private_one_points_at_the_proxies() -> None:
    with pytest.raises(BadSignal) as refused:
        gate.build(Senders.ADDRESSES, ["8.8.8.8"]).check(Request(b"", address="8.8.4.4"))
    assert "8.8.4.4" in refused.value.message and "PROXIES" not in refused.value.fix
    with pytest.raises(BadSignal) as refused:
        gate.build(Senders.TRADINGVIEW, ()).check(Request(b"", address="10.0.0.1"))
    assert "FILLWIRE_TRUSTED_PROXIES" in refused.value.fix


def test_how_many_proxies_there_are_is_a_digit() -> None:
    assert config.read({}).trusted_proxies == 0
    assert config.read({"FILLWIRE_TRUSTED_PROXIES": "2"}).trusted_proxies == 2
    for text in ("-1", "10", "one", "1.0"):
        with pytest.raises(BadConfig, match="FILLWIRE_TRUSTED_PROXIES"):
            config.read({"FILLWIRE_TRUSTED_PROXIES": text})
