"""The client against a real server that misbehaves in each way that a platform can."""

import json
import os
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chalicelib.errors import Transient
from chalicelib.platforms.base import OutcomeUnknown
from chalicelib.platforms.http_client import HttpClient

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.asked.append((self.path, dict(self.headers), json.loads(body), self.client_address[1]))
        way = self.path.partition("?")[0]
        match way:
            case "/ok":
                self.answer(200, '{"took": "नमस्ते"}')
            case "/refused":
                self.answer(400, '{"error": {"code": 100}}')
            case "/html":
                self.answer(502, "<html>Bad Gateway</html>")
            case "/moved":
                self.answer(307, "{}", Location="/ok")
            case "/cut":
                self.connection.shutdown(socket.SHUT_RDWR)
            case "/reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                os.close(self.connection.detach())
            case "/half":
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"took"')
                self.connection.shutdown(socket.SHUT_RDWR)
            case "/nonsense":
                self.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")
                self.connection.shutdown(socket.SHUT_RDWR)
            case "/silent":
                server.released.wait(5)
        self.close_connection = way not in {"/ok", "/refused"}

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers), None, self.client_address[1]))
        self.answer(200, "-----BEGIN नमूना-----")

    def answer(self, status, text, **headers):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Kind": "Test", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):  # a connection that a test has cut
        pass


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked, running.released = [], threading.Event()
        running.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


@contextmanager
def listener():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_an_answer_is_status_headers_and_json(server):
    status, headers, answer = HttpClient().post_json(
        f"{server.url}/ok", {"text": "हाँ"}, {"Authorization": "B t"}
    )
    assert (status, answer) == (200, {"took": "नमस्ते"})
    assert headers["x-kind"] == "Test"
    ((path, sent, body, _),) = server.asked
    assert (path, body) == ("/ok", {"text": "हाँ"})
    assert sent["Authorization"] == "B t"
    assert (sent["Content-Type"], sent["Accept"]) == ("application/json", "application/json")


def test_a_refusal_is_an_answer_too(server):
    assert HttpClient().post_json(f"{server.url}/refused", {}, {})[::2] == (400, {"error": {"code": 100}})


def test_text_is_given_as_it_is(server):
    status, headers, text = HttpClient().get_text(f"{server.url}/x.pem", {})
    assert (status, headers["x-kind"], text) == (200, "Test", "-----BEGIN नमूना-----")


def test_an_answer_that_is_no_json_is_none(server):
    assert HttpClient().post_json(f"{server.url}/html", {}, {})[::2] == (502, None)


def test_a_redirect_is_not_followed(server):
    assert HttpClient().post_json(f"{server.url}/moved", {}, {})[0] == 307
    assert [path for path, *_ in server.asked] == ["/moved"]


@pytest.mark.parametrize("path", ["/cut", "/reset", "/half", "/nonsense"])
def test_an_answer_that_does_not_come_whole_is_unknown_and_never_asked_again(server, path):
    with pytest.raises(OutcomeUnknown):
        HttpClient().post_json(server.url + path, {}, {})
    assert [asked for asked, *_ in server.asked] == [path]


def test_a_server_that_stays_silent_is_unknown_after_the_time_out(server):
    with pytest.raises(OutcomeUnknown):
        HttpClient(read_s=0.2).post_json(f"{server.url}/silent", {}, {})
    assert len(server.asked) == 1


def test_a_refused_connection_sent_nothing():
    with listener() as address:
        pass
    with pytest.raises(Transient):
        HttpClient().post_json(f"http://{address}/ok", {}, {})


def test_a_name_that_does_not_resolve_sent_nothing(monkeypatch):
    def fail(*_args, **_kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Transient):
        HttpClient().post_json("http://platform.invalid/ok", {}, {})


def test_a_connection_that_is_not_made_in_time_sent_nothing(monkeypatch):
    def slow(*_args, **_kwargs):
        raise TimeoutError

    monkeypatch.setattr("urllib3.util.connection.create_connection", slow)
    with pytest.raises(Transient):
        HttpClient().post_json("http://127.0.0.1:9/ok", {}, {})


def test_a_server_without_tls_where_tls_is_due_sent_nothing(server):
    with pytest.raises(Transient):
        HttpClient().post_json(server.url.replace("http:", "https:") + "/ok", {}, {})
    assert server.asked == []


def test_a_tls_handshake_that_stands_still_sent_nothing():
    with listener() as address, pytest.raises(Transient):
        HttpClient(connect_s=0.2, read_s=0.2).post_json(f"https://{address}/ok", {}, {})


def test_connections_are_used_again_but_not_after_a_rest(server):
    brisk, sleepy = HttpClient(), HttpClient(idle_s=0)
    for client in (brisk, sleepy):
        for _ in range(2):
            client.post_json(f"{server.url}/ok", {}, {})
    ports = [port for *_, port in server.asked]
    assert ports[0] == ports[1]
    assert ports[2] != ports[3]


def test_a_clock_set_back_takes_new_connections(server, monkeypatch):
    client, now = HttpClient(), [1000.0]
    monkeypatch.setattr("chalicelib.platforms.http_client.time.time", lambda: now[0])
    client.post_json(f"{server.url}/ok", {}, {})
    now[0] -= 500
    client.post_json(f"{server.url}/ok", {}, {})
    assert len({port for *_, port in server.asked}) == 2


def test_the_log_shows_no_address_with_a_token(server, caplog):
    caplog.set_level("WARNING")
    with pytest.raises(OutcomeUnknown):
        HttpClient().post_json(f"{server.url}/half", {}, {})
    assert caplog.text == ""
