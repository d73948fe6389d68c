"""URLs that somebody gave: what is called, what is not, and for how long."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from web import outbound
from web.outbound import Answer, Caller, Forbidden, Unanswered

NAME = "hooks.receiver.test"

ODD_URLS = """
http://hooks.example.com/
HTTP://hooks.example.com/
//hooks.example.com/
hooks.example.com
https:/hooks.example.com
https:hooks.example.com
https:///hooks.example.com
https://hooks.example.com:80/
https://hooks.example.com:8443/
https://hooks.example.com:0443/
https://hooks.example.com:443@10.0.0.1/
https://10.0.0.1@hooks.example.com/
https://user:password@hooks.example.com/
https://hooks.example.com\\@127.0.0.1/
https://hooks.example.com\\.evil.test/
https://127.0.0.1/
https://127.1/
https://0/
https://0.0.0.0/
https://2130706433/
https://0x7f000001/
https://0x7f.0.0.1/
https://0177.0.0.1/
https://017700000001/
https://127.0.0.1.
https://169.254.169.254/latest/meta-data/
https://[::1]/
https://[::]/
https://[::ffff:127.0.0.1]/
https://[64:ff9b::7f00:1]/
https://[fe80::1%25eth0]/
https://[fd00:ec2::254]/
https://localhost/
https://localhost./
https://metadata/
https://redis:6379/
https://hooks.example.com./
https://-bad.example.com/
https://bad-.example.com/
https://a..example.com/
https://.example.com/
https://ex ample.com/
https://hooks.example.com/a b
https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/
https://１２７.０.０.１/
https://hooks。example。com/
https://hooks.example.com%2f@evil.test/
https://%6c%6f%63%61%6c%68%6f%73%74/
https://hooks.example.com?x=1
https://hooks.example.com#@127.0.0.1/
file:///etc/passwd
gopher://127.0.0.1:6379/_FLUSHALL
ftp://hooks.example.com/
javascript:alert(1)
data:text/plain,x
dict://127.0.0.1:6379/info
ldap://127.0.0.1/
unix:///var/run/docker.sock
jar:https://hooks.example.com!/
""".strip("\n").split("\n")

CONTROLS = [
    f"https://hooks.example.com{each}"
    for each in ("/\tx", "/\r\nHost:%20evil", "/\n", "\n", "\0.evil.test/", "/\x7f", "/\x1b[2J")
]
INSIDE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.9.9.9",
    "169.254.169.254",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2001:10::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3ffe::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "not-an-address",
]


@pytest.mark.parametrize("url", ODD_URLS + CONTROLS)
def test_an_odd_url_is_not_even_resolved(url: str) -> None:
    asked: list[str] = []

    def resolve(name: str) -> list[str]:
        asked.append(name)
        return ["8.8.8.8"]

    with pytest.raises(Forbidden):
        Caller(resolve).post(url, b"", {})
    assert asked == []


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_not_called(address: str) -> None:
    for addresses in ([address], ["8.8.8.8", address], [address, "2606:4700::1111"]):
        found = {NAME: addresses}
        with pytest.raises(Forbidden):
            Caller(found.__getitem__).post(f"https://{NAME}/", b"", {})


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_an_address_of_somebody_else_is_public(address: str) -> None:
    assert outbound.is_public(address)


@given(st.ip_addresses(v=6, network="2002::/16") | st.ip_addresses(v=6, network="::ffff:0:0/96"))
def test_no_address_that_holds_another_is_public(address: object) -> None:
    assert not outbound.is_public(str(address))


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://Hooks.Example.com", ("hooks.example.com", "/")),
        ("https://hooks.example.com:443/a/b?c=d", ("hooks.example.com", "/a/b?c=d")),
        ("https://hooks.example.com/a#b", ("hooks.example.com", "/a")),
        ("https://example.xn--p1ai/", ("example.xn--p1ai", "/")),
    ],
)
def test_an_ordinary_url_is_read(url: str, read: tuple[str, str]) -> None:
    assert outbound.read(url) == read


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the receiver's name, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("receiver") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


Talk = Callable[[ssl.SSLSocket, threading.Event], None]


@contextmanager
def receiving(certificate: Path, talk: Talk, seconds: float = 5.0) -> Iterator[Caller]:
    """A receiver on the loopback that talks as it likes, and a caller that may reach it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        try:
            plain, _ = listening.accept()
            with context.wrap_socket(plain, server_side=True) as secured:
                talk(secured, over)
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Caller(
            resolve=lambda _name: ["127.0.0.1"],
            may_reach=lambda _address: True,
            port=listening.getsockname()[1],
            trust=ssl.create_default_context(cafile=certificate),
            seconds=seconds,
        )
    finally:
        over.set()
        listening.close()
        thread.join()


def says(answer: bytes) -> Talk:
    """Hears the request and says this."""

    def talk(secured: ssl.SSLSocket, _over: threading.Event) -> None:
        secured.recv(65536)
        secured.sendall(answer)

    return talk


def test_a_receiver_gets_the_body_and_its_answer_comes_back(certificate: Path) -> None:
    heard: list[bytes] = []

    def talk(secured: ssl.SSLSocket, _over: threading.Event) -> None:
        while not b"".join(heard).endswith(b"hello"):
            heard.append(secured.recv(65536))
        secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with receiving(certificate, talk) as caller:
        answer = caller.post(f"https://{NAME}/a?b=c", b"hello", {"X-Kind": "alarm"})
    assert answer == Answer(200, b"ok")
    request = b"".join(heard)
    assert request.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert f"Host: {NAME}\r\n".encode() in request and b"X-Kind: alarm\r\n" in request


def test_a_redirect_is_an_answer_and_not_a_way(certificate: Path) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    with receiving(certificate, says(moved)) as caller:
        assert caller.post(f"https://{NAME}/", b"", {}).status == 302


def test_a_name_that_leads_elsewhere_the_second_time_is_asked_once(certificate: Path) -> None:
    answers = iter((["127.0.0.1"], ["169.254.169.254"]))
    with receiving(certificate, says(b"HTTP/1.1 204 No Content\r\n\r\n")) as caller:
        rebinding = Caller(lambda _name: next(answers), caller.may_reach, caller.port, caller.trust)
        assert rebinding.post(f"https://{NAME}/", b"", {}).status == 204
    assert next(answers) == ["169.254.169.254"]


def test_an_answer_without_end_is_cut(certificate: Path) -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (outbound.MOST_BYTES + 1)
    with receiving(certificate, says(endless)) as caller, pytest.raises(Unanswered):
        caller.post(f"https://{NAME}/", b"", {})


def test_a_receiver_that_drips_is_left_in_time(certificate: Path) -> None:
    def talk(secured: ssl.SSLSocket, over: threading.Event) -> None:
        secured.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            secured.sendall(b"X-More: 1\r\n")

    with receiving(certificate, talk, seconds=0.3) as caller:
        started = time.monotonic()
        with pytest.raises(Unanswered):
            caller.post(f"https://{NAME}/", b"", {})
        assert time.monotonic() - started < 20


def test_a_resolver_that_hangs_is_left_in_time() -> None:
    over = threading.Event()
    caller = Caller(resolve=lambda _name: [str(over.wait(20))], seconds=0.1)
    with pytest.raises(Unanswered):
        caller.post(f"https://{NAME}/", b"", {})
    over.set()


def test_a_certificate_of_another_name_or_of_nobody_is_not_trusted(certificate: Path) -> None:
    with receiving(certificate, says(b"")) as caller, pytest.raises(Unanswered):
        caller.post("https://other.receiver.test/", b"", {})
    with receiving(certificate, says(b"")) as caller, pytest.raises(Unanswered):
        Caller(caller.resolve, caller.may_reach, caller.port).post(f"https://{NAME}/", b"", {})


def test_a_header_cannot_bring_another(certificate: Path) -> None:
    with receiving(certificate, says(b"")) as caller, pytest.raises((Unanswered, ValueError)):
        caller.post(f"https://{NAME}/", b"", {"X-Kind": "a\r\nHost: evil.test"})
