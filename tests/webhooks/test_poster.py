"""One request to a real receiver, and to each that one must not trust."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib.webhooks.model import Target
from chalicelib.webhooks.poster import Poster
from tests.webhooks.receivers import listening
from tests.webhooks.test_model import INTERNAL

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
NAME = "receiver.example"
HEADERS = {"webhook-id": "msg_1"}
LOOPBACK = Poster(loopback=True, whole_s=2)


def standing_for(*addresses):
    """A resolver that says so of every name, and counts."""

    def look_up(host, port, **_):
        look_up.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    look_up.asked = []
    return look_up


@pytest.fixture
def receiver():
    with listening() as running:
        yield running


def post(poster, url, name=None):
    target = Target.of(url.replace("127.0.0.1", name) if name else url, loopback=True)
    return poster.post(target, b'{"a":"\xe0\xa4\x95"}', HEADERS)


def test_body_and_headers_arrive_as_they_are_and_the_answer_comes_back(receiver):
    receiver.answers = [(202, {"Retry-After": "7"})]
    answer = post(LOOPBACK, receiver.url)
    [came] = receiver.came
    assert (answer.status, answer.why, answer.retry_after) == (202, "", "7")
    assert (came.path, came.body) == ("/hook?k=v", b'{"a":"\xe0\xa4\x95"}')
    assert came.headers["webhook-id"] == "msg_1"
    assert came.headers["host"] == receiver.url.split("/")[2]
    assert came.headers["content-length"] == str(len(came.body))


def test_a_redirect_is_not_followed(receiver):
    receiver.answers = [(307, {"Location": "/elsewhere"})]
    assert post(LOOPBACK, receiver.url).status == 307
    assert len(receiver.came) == 1


@pytest.mark.parametrize("address", INTERNAL)
def test_a_name_that_stands_for_an_address_inside_is_never_connected_to(address, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
    poster = Poster(look_up=standing_for(address))
    answer = poster.post(Target.of(f"https://{NAME}/", loopback=False), b"{}", HEADERS)
    assert (answer.status, answer.why) == (0, "address_not_public")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"]
)
def test_however_an_address_inside_is_spelled_it_is_refused(host, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
    answer = Poster().post(Target.of(f"https://{host}/", loopback=False), b"{}", HEADERS)
    assert (answer.status, answer.why) in {(0, "address_not_public"), (0, "name_unknown")}


def test_of_several_addresses_one_inside_is_enough_to_refuse_all(monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
    poster = Poster(look_up=standing_for("93.184.216.34", "10.0.0.1"))
    assert (
        poster.post(Target.of(f"https://{NAME}/", loopback=False), b"{}", HEADERS).why == "address_not_public"
    )


def test_the_connection_goes_to_the_address_that_was_checked_though_the_name_stands_for_another_since(
    monkeypatch,
):
    answers = [["93.184.216.34", "93.184.216.35"], ["127.0.0.1"], ["127.0.0.1"]]
    asked, connected = [], []

    def rebinding(host, port, **_):
        asked.append(host)
        return standing_for(*answers[len(asked) - 1])(host, port)

    def connect(place, timeout):
        connected.append(place)
        raise OSError("no way there from here")

    monkeypatch.setattr(socket, "create_connection", connect)
    poster = Poster(look_up=rebinding)
    answer = poster.post(Target.of(f"https://{NAME}:8443/", loopback=False), b"{}", HEADERS)
    assert (answer.status, answer.why) == (0, "no_connection")
    assert asked == [NAME]
    assert connected == [("93.184.216.34", 8443), ("93.184.216.35", 8443)]


def test_an_unknown_name_is_told_as_such():
    def unknown(*_, **__):
        raise socket.gaierror("no such name")

    target = Target.of(f"https://{NAME}/", loopback=False)
    assert Poster(look_up=unknown).post(target, b"{}", HEADERS).why == "name_unknown"


def test_a_name_that_is_not_told_in_time_is_left_behind():
    told = threading.Event()

    def slow(*_, **__):
        told.wait(10)
        return []

    begun = time.monotonic()
    answer = Poster(whole_s=0.1, look_up=slow).post(Target.of(f"https://{NAME}/", loopback=False), b"", {})
    told.set()
    assert (answer.why, time.monotonic() - begun < 5) == ("name_unknown", True)


def test_nobody_listening_is_told_as_such():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/"
        assert post(LOOPBACK, url).why == "no_connection"


@contextlib.contextmanager
def talking(say):
    """A server that reads a little and then does what `say` does with the connection."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):  # it was cut, as it should be
                connection.recv(65536)
                say(connection, stop)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        stop.set()
        thread.join()


def dripping(connection, stop):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not stop.wait(0.05):
        connection.sendall(b"x-more: x\r\n")


def silent(connection, stop):
    stop.wait(5)


def endless(connection, stop):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not stop.is_set():
        connection.sendall(b"x" * 65536)


def nonsense(connection, stop):
    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


def hanging_up(connection, stop):
    pass


def still_going_on(connection, stop):
    while not stop.wait(0.05):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("say", [dripping, silent, endless, nonsense, hanging_up, still_going_on])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_whatever_a_receiver_does_it_is_over_in_time(say, scheme):
    with talking(say) as place:
        begun = time.monotonic()
        answer = Poster(loopback=True, whole_s=0.4).post(
            Target.of(f"{scheme}://{place}/", loopback=True), b"{}", HEADERS
        )
        assert time.monotonic() - begun < 4, "the receiver gives up after five"
    assert answer.status == 0
    assert answer.why in {"no_answer", "tls"}


def test_what_the_answer_goes_on_to_say_is_not_read(receiver):
    def large(connection, stop):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx")
        stop.wait(5)

    with talking(large) as place:
        begun = time.monotonic()
        assert post(LOOPBACK, f"http://{place}/").status == 200
        assert time.monotonic() - begun < 4


# --- TLS


def signed(name, issuer=None):
    """A key and certificate for a host; by itself, or by another."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, by = issuer or (key, subject)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("93.184.216.34"))]
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, subject, made.sign(signer, hashes.SHA256())


@pytest.fixture(scope="module")
def authority():
    return signed("Namuna CA")


@pytest.fixture
def tls(authority, tmp_path):
    """`tls(name)`: what a server needs to be `name`, and what a client that trusts our authority needs."""
    key, subject, certificate = authority

    def made(name):
        own, _, proof = signed(name, (key, subject))
        pem = tmp_path / f"{name}.pem"
        pem.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + proof.public_bytes(serialization.Encoding.PEM)
        )
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(pem)
        client = ssl.create_default_context(
            cadata=certificate.public_bytes(serialization.Encoding.PEM).decode()
        )
        return server, client

    return made


def over_tls(client, look_up):
    return Poster(loopback=True, whole_s=2, look_up=look_up, tls=lambda: client)


def test_over_tls_name_and_host_are_those_of_the_address_though_the_connection_goes_to_a_number(tls):
    server, client = tls(NAME)
    asked_for = []
    server.sni_callback = lambda sock, name, context: asked_for.append(name)
    with listening(server) as receiver:
        look_up = standing_for("127.0.0.1")
        assert post(over_tls(client, look_up), receiver.url, NAME).status == 200
        [came] = receiver.came
    assert asked_for == [NAME]
    assert came.headers["host"].split(":")[0] == NAME
    assert look_up.asked == [NAME]


def test_a_certificate_of_another_name_or_of_nobody_that_we_know_ends_it_before_a_byte_is_sent(tls):
    server, client = tls("another.example")
    with listening(server) as receiver:
        assert post(over_tls(client, standing_for("127.0.0.1")), receiver.url, NAME).why == "tls"
        known_to_all = Poster(loopback=True, whole_s=2, look_up=standing_for("127.0.0.1"))
        assert post(known_to_all, receiver.url, "another.example").why == "tls"
        assert receiver.came == []
