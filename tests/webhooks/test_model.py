"""What an entry must be, what is signed, when it is tried again; all without a socket."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from chalicelib.events.catalog import CATALOG
from chalicelib.webhooks import model
from chalicelib.webhooks.model import (
    Answer,
    Message,
    Standing,
    Subscriber,
    SubscriberUnreadable,
    Target,
    Verdict,
    cloud_event,
    may_be_reached,
    signature,
    wait_after,
)
from tests.webhooks.receivers import PREVIOUS, SECRET

VECTORS = Path(__file__).parents[3] / "shared" / "fixtures" / "vectors" / "standard_webhooks.json"
NOW = 1_793_000_000.0
URL = "https://receiver.example/hook/token-in-the-path?x=1"
BUS_EVENT = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "campaign.approved",
    "source": "janjan.campaigns",
    "time": "2026-11-02T05:30:01Z",
    "detail": {
        "id": "0f3a",
        "version": 1,
        "occurred_at": "2026-11-02T05:30:00Z",
        "data": {"campaign_id": "cmp_a", "department": "पानी"},
    },
}
MADE = cloud_event(BUS_EVENT, "https://janjan.example")


def entry(**changes: object) -> dict:
    return {"url": URL, "secret": SECRET} | changes


@pytest.mark.skipif(not VECTORS.exists(), reason="the recorded vectors are not beside the repository")
def test_the_recorded_vector_is_signed_as_its_library_signs_it():
    given_ = json.loads(VECTORS.read_text())
    key = base64.b64decode(given_["secret"].removeprefix("whsec_"))
    made = signature(key, given_["webhook-id"], given_["webhook-timestamp"], given_["body"].encode())
    assert made == given_["webhook-signature"] != given_["bad"]


@given(st.binary(min_size=24, max_size=64), st.text(), st.integers(0, 2**33))
def test_any_body_is_signed_as_the_judge_signs_it(key, text, at):
    secret = "whsec_" + base64.b64encode(key).decode()
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair, which our JSON cannot hold either
        return
    theirs = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), text)
    assert signature(key, "msg_1", str(at), text.encode()) == theirs


def test_an_event_becomes_a_cloud_event_with_ids_only():
    assert MADE == {
        "specversion": "1.0",
        "id": "0f3a",
        "source": "https://janjan.example/events/campaigns",
        "type": "campaign.approved",
        "time": "2026-11-02T05:30:00Z",
        "datacontenttype": "application/json",
        "dataversion": 1,
        "data": {"campaign_id": "cmp_a", "department": "पानी"},
    }


def test_a_message_has_one_id_at_every_attempt_and_another_for_each_subscriber_and_event():
    first = Message("one", MADE, since=NOW)
    later = Message.of(first.refused().body())
    assert first.id == later.id == Message("one", MADE).id
    others = {Message("two", MADE).id, Message("one", MADE | {"id": "0f3b"}).id}
    assert first.id not in others and len(others) == 2
    assert first.id.startswith("msg_") and "." not in first.id


def test_the_time_is_that_of_the_attempt_and_the_body_stays_the_same():
    subscriber = Subscriber.of("one", entry())
    (body, first), (again, later) = (Message("one", MADE).request(subscriber, at) for at in (NOW, NOW + 60))
    assert body == again
    assert (first["webhook-timestamp"], later["webhook-timestamp"]) == ("1793000000", "1793000060")
    assert first["webhook-signature"] != later["webhook-signature"]
    assert "पानी".encode() in body


def test_while_a_secret_is_changed_over_both_keys_sign():
    subscriber = Subscriber.of("one", entry(secret=[SECRET, PREVIOUS]))
    body, headers = Message("one", MADE).request(subscriber, datetime.now(UTC).timestamp())
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, PREVIOUS):
        assert Webhook(secret).verify(body, headers)["id"] == "0f3a"


@given(
    st.builds(
        Message,
        st.just("one"),
        st.just(MADE),
        st.none() | st.floats(1, 2e9),
        st.floats(0, 2e9),
        st.integers(0, 99),
    )
)
def test_what_the_queue_carries_is_read_as_it_was_written(message):
    assert Message.of(json.loads(json.dumps(message.body()))) == message


def test_what_a_person_sends_back_has_another_day_before_it():
    message = Message("one", MADE, since=NOW, not_before=NOW + 5, refusals=9)
    assert message.anew().body() == {"to": "one", "event": MADE}


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        (["campaign.approved"], {"campaign.approved"}),
        (["run.*"], {name for name in CATALOG if name.startswith("run.")}),
        (["run.*", "post.measured"], {n for n in CATALOG if n.startswith("run.")} | {"post.measured"}),
        (["*"], set(CATALOG)),
        (None, set(CATALOG)),
    ],
)
def test_a_subscriber_gets_what_it_asks_for(events, wanted):
    subscriber = Subscriber.of("one", entry() if events is None else entry(events=events))
    assert {name for name in CATALOG if subscriber.wants(name)} == wanted


@pytest.mark.parametrize("name", ["", "One", "1one", "one two", "one#two", "o" * 41, "one.two", "एक", None])
def test_a_name_is_plain(name):
    with pytest.raises(SubscriberUnreadable, match="name of a webhook"):
        Subscriber.of(str(name) if name is not None else "-", entry())


@pytest.mark.parametrize(
    "given_",
    [None, "x", [], {}, {"url": URL}, {"secret": SECRET}, entry(event=["run.*"]), entry(disabled=True)],
)
def test_an_entry_has_a_url_and_a_secret_and_nothing_that_nobody_reads(given_):
    with pytest.raises(SubscriberUnreadable, match="nothing else"):
        Subscriber.of("one", given_)


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        "receiver.example",
        "http://receiver.example/",
        "HTTP://receiver.example/",
        "ftp://receiver.example/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@receiver.example/",
        "https://user:pass@receiver.example/",
        "https://@receiver.example/",
        "https://receiver.example\\@internal/",
        "https://receiver.example/#part",
        "https://receiver.example:22/",
        "https://receiver.example:80/",
        "https://receiver.example:99999/",
        "https://receiver.example:x/",
        "https://receiver.example/a b",
        "https://receiver.example/a\r\nHost: x",
        "https://receiver.example/नमस्ते",
        "https://.example/",
        "https://[::1",
        "https://receiver.example/" + "x" * 1000,
    ],
)
def test_an_address_to_which_nothing_may_be_sent_is_refused(url):
    with pytest.raises(SubscriberUnreadable, match="address of a webhook"):
        Subscriber.of("one", entry(url=url))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (URL, Target("https", "receiver.example", 443, "/hook/token-in-the-path?x=1")),
        ("https://Receiver.Example:8443", Target("https", "receiver.example", 8443, "/")),
        ("https://सरकार.भारत/hook", Target("https", "xn--11b7cb3a6a.xn--h2brj9c", 443, "/hook")),
    ],
)
def test_an_address_is_read(url, target):
    assert Subscriber.of("one", entry(url=url)).target == target


def test_plain_http_is_for_the_laptop_alone():
    url = "http://127.0.0.1:8001/hook"
    assert Target.of(url, loopback=True) == Target("http", "127.0.0.1", 8001, "/hook")
    with pytest.raises(SubscriberUnreadable):
        Target.of(url, loopback=False)


@pytest.mark.parametrize(
    "secret",
    [
        None,
        7,
        "",
        "secret",
        SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_***",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        [],
        [SECRET, SECRET, SECRET],
        [SECRET, None],
        {"current": SECRET},
    ],
)
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret):
    with pytest.raises(SubscriberUnreadable, match="secret of a webhook") as refused:
        Subscriber.of("one", entry(secret=secret))
    assert "***" not in str(refused.value)


@pytest.mark.parametrize(
    "events", [[], "run.*", {}, [7], ["run"], ["runs.*"], ["campaing.approved"], ["*.*"]]
)
def test_a_name_that_no_event_has_is_refused(events):
    with pytest.raises(SubscriberUnreadable):
        Subscriber.of("one", entry(events=events))


def test_neither_key_nor_path_is_in_what_a_log_would_show():
    subscriber = Subscriber.of("one", entry())
    shown = repr(subscriber) + str(subscriber)
    assert "token-in-the-path" not in shown
    assert repr(subscriber.keys[0]) not in shown


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.TAKEN) for status in (200, 201, 202, 204, 299)),
        *((status, Verdict.REFUSED) for status in (100, 301, 302, 307, 308, 400, 401, 404, 500, 501, 999)),
        *((status, Verdict.ILL) for status in (0, 429, 502, 503, 504)),
        (410, Verdict.GONE),
    ],
)
def test_only_2xx_is_success_and_a_redirect_is_none(status, verdict):
    assert Answer(status).verdict is verdict


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, None),
        ("0", 0),
        ("120", 120),
        ("86400", 3600),
        ("Mon, 26 Oct 2026 06:14:20 GMT", 60),
        ("Mon, 26 Oct 2026 06:10:00 GMT", 0),
        ("Fri, 26 Oct 2096 06:10:00 GMT", 3600),
        ("Mon, 99 Oct 2026 06:10:00 GMT", None),
    ],
)
def test_retry_after_is_honoured_up_to_an_hour(header, seconds):
    at = datetime(2026, 10, 26, 6, 13, 20, tzinfo=UTC).timestamp()
    assert Answer(503, retry_after=header).asked_s(at) == seconds


def test_a_refused_message_waits_longer_each_time_and_at_most_four_hours():
    assert [wait_after(n) for n in range(1, 9)] == [5, 20, 80, 320, 1280, 5120, 14400, 14400]
    assert wait_after(10**6) == 14400


def test_a_receiver_rests_longer_each_time_or_as_long_as_it_asks_for():
    standing, rests = Standing(), []
    for _ in range(8):
        standing = standing.worse(Answer(0), NOW)
        rests.append(standing.until - NOW)
    assert rests == [5, 15, 45, 135, 405, 900, 900, 900]
    assert (standing.failures, standing.since) == (8, NOW)
    assert Standing(10**6).worse(Answer(0), NOW).until == NOW + 900
    assert Standing().worse(Answer(429, retry_after="1800"), NOW).until == NOW + 1800
    assert Standing().worse(Answer(429, retry_after="0"), NOW).until == NOW + 5


INTERNAL = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", INTERNAL)
def test_no_address_inside_is_reached(address):
    assert not may_be_reached(address, Target.of(URL, loopback=False), loopback=False)


@pytest.mark.parametrize("address", [one for one in INTERNAL if one not in ("127.0.0.1", "127.8.8.8", "::1")])
def test_on_a_laptop_this_machine_is_reached_and_nothing_else_inside(address):
    assert not may_be_reached(address, Target.of(URL, loopback=True), loopback=True)
    assert may_be_reached("127.0.0.1", Target.of(URL, loopback=True), loopback=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "13.234.0.1", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_a_public_address_is_reached_over_tls_alone(address):
    assert may_be_reached(address, Target.of(URL, loopback=False), loopback=False)
    assert not may_be_reached(address, Target.of("http://receiver.example/", loopback=True), loopback=True)


def test_what_was_noted_of_one_address_is_no_news_of_another():
    first, other = (Subscriber.of("one", entry(url=url)) for url in (URL, URL + "2"))
    assert first.fingerprint != other.fingerprint
    assert first.fingerprint == Subscriber.of("two", entry(secret=PREVIOUS)).fingerprint
    assert "token" not in first.fingerprint


def test_a_test_message_is_no_event():
    assert model.TEST not in CATALOG
