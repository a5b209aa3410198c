"""The sandbox's MSG91 and Twilio, asked and heard by the real adapters."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import (
    Accepted,
    Call,
    Channel,
    Inbound,
    OutcomeUnknown,
    Outgoing,
    Preference,
    SendRefused,
    SignsAddress,
    Status,
    Throttled,
    Update,
)
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.registry import ADAPTERS, SENDERS
from local.config import platform_secret
from tests.local.conftest import Client, Receiver

SECRET = platform_secret()
TO, KEY = "+919000010001", "cmp_namunaabcdef1234-1.0000000000003.7.1"
DLT = "1107160000000000004"
SMS = Outgoing(
    template=DLT,
    header="NAMUNA",
    params=("Asha", "Janpur"),
    text="Namaste Asha, join the cleanliness drive in Janpur. Information Department (sample)",
    key=KEY,
    ttl_s=600,
)
CONTENT = Outgoing(template="janjan_code", template_language="hi", params=("123456",), key=KEY)
NUMBER = Outgoing(text=SMS.text, key=KEY, ttl_s=600)
WAYS = [("sms-main", SMS), ("sms-twilio", NUMBER), ("whatsapp-twilio", CONTENT)]
EACH = pytest.mark.parametrize(("way", "message"), WAYS, ids=[way for way, _ in WAYS])


def channel(way: str, webhooks: str) -> Channel:
    config = SECRET["channels"][way]
    platform = config["platform"]
    medium = config.get("medium", "sms")
    return Channel(way, platform, SECRET[platform] | config, medium, f"{webhooks}/webhooks/{platform}")


def send(sandbox: Client, receiver: Receiver, way: str, message: Outgoing) -> Accepted:
    over = channel(way, receiver.url)
    return SENDERS[over.platform].send(HttpClient(), f"{sandbox.url}/{over.platform}", over, TO, message)


def heard(sandbox: Client, receiver: Receiver) -> list[Update]:
    """What the adapters read in the posts that they let pass."""
    sandbox.settled()
    told: list[Update] = []
    for path, headers, body in receiver.posts:
        url = urlsplit(path)
        platform, _, tail = url.path.removeprefix("/webhooks/").partition("/")
        named = {name.lower(): value for name, value in headers.items()}
        call = Call(named, body, dict(parse_qsl(url.query)), (receiver.url + path,), tail)
        adapter = ADAPTERS[platform]
        adapter.verify(SECRET[platform], call)
        with pytest.raises(SignatureInvalid):
            adapter.verify({"auth_token": "other", "path_token": "other"}, call)
        told += adapter.parse(adapter.proven(call) if isinstance(adapter, SignsAddress) else call.body)
    return told


def facts(updates: list[Update]) -> list[tuple[Any, ...]]:
    return sorted((one.fact, one.key, one.code) for one in updates if isinstance(one, Status))


@EACH
def test_a_message_arrives_and_its_statuses_bring_our_key_back(
    sandbox: Client, receiver: Receiver, way: str, message: Outgoing
) -> None:
    sandbox.call("POST", "/behaviour", {"read": 1})
    accepted = send(sandbox, receiver, way, message)
    updates = heard(sandbox, receiver)
    expected = {"sms-main": ["delivered"], "sms-twilio": ["delivered", "sent"]}
    facts_of_way = expected.get(way, ["delivered", "read", "sent"])
    assert facts(updates) == [(fact, KEY, "") for fact in facts_of_way]
    assert {one.message_id for one in updates if isinstance(one, Status)} == {accepted.message_id}
    assert {one.recipient for one in updates if isinstance(one, Status)} == {TO}
    (received,) = sandbox.call("GET", f"/messages?to={TO}")[1]
    assert received["text"] == (
        message.text or "123456 आपका जनजन सत्यापन कोड है। यह 10 मिनट तक मान्य है। इसे किसी को न बताएँ।"
    )
    (request,) = sandbox.lines("request")
    assert (request["key"], request["outcome"], request["to"]) == (KEY, "accepted", TO)


@EACH
def test_a_failure_comes_at_once_or_later_with_its_code(
    sandbox: Client, receiver: Receiver, way: str, message: Outgoing
) -> None:
    sandbox.call("POST", "/behaviour", {"fail": 1})
    refused = 0
    for _ in range(12):
        try:
            send(sandbox, receiver, way, message)
        except SendRefused as error:
            assert error.scope == "person"
            refused += 1
    failed = [one for one in heard(sandbox, receiver) if isinstance(one, Status) and one.fact == "failed"]
    assert 0 < refused < 12
    assert len(failed) == 12 - refused
    code = {"sms-main": "2", "sms-twilio": "30003", "whatsapp-twilio": "63024"}[way]
    assert {(one.code, one.scope) for one in failed} == {(code, "person")}
    assert sandbox.call("GET", f"/messages?to={TO}")[1] == []


@EACH
def test_throttling_illness_and_lost_answers_are_told_apart(
    sandbox: Client, receiver: Receiver, way: str, message: Outgoing
) -> None:
    over = channel(way, receiver.url)
    base = f"{sandbox.url}/{over.platform}"
    SENDERS[over.platform].probe(HttpClient(), base, over)
    sandbox.call("POST", "/behaviour", {"throttle": 1})
    with pytest.raises(Throttled):
        send(sandbox, receiver, way, message)
    sandbox.call("POST", "/behaviour", {"throttle": 0, "lost_reply": 1})
    with pytest.raises(OutcomeUnknown):
        send(sandbox, receiver, way, message)
    sandbox.call("POST", "/behaviour", {"lost_reply": 0, "channel_ill": 1})
    for ask in (
        lambda: send(sandbox, receiver, way, message),
        lambda: SENDERS[over.platform].probe(HttpClient(), base, over),
    ):
        with pytest.raises(SendRefused) as caught:
            ask()
        assert caught.value.scope == "channel"
    outcomes = [line["outcome"] for line in sandbox.lines("request")]
    assert [outcome.partition(":")[0] for outcome in outcomes] == ["throttled", "lost_reply", "refused"]
    assert len(sandbox.call("GET", f"/messages?to={TO}")[1]) == 1


def test_reports_of_msg91_share_a_post_and_come_again_until_they_are_taken(
    sandbox: Client, receiver: Receiver
) -> None:
    sandbox.call("POST", "/behaviour", {"delay_ms": 0, "aggregate_ms": 300})
    receiver.answers = [500]
    for _ in range(5):
        send(sandbox, receiver, "sms-main", SMS)
    updates = heard(sandbox, receiver)
    assert len({one.dedupe_id for one in updates}) == 5
    assert len(receiver.posts) < 5
    assert len(updates) > 5


@pytest.mark.parametrize("change", [{"header": "OTHERS"}, {"params": ("Asha",)}])
def test_words_that_do_not_fit_their_registration_are_rejected_on_the_way(
    sandbox: Client, receiver: Receiver, change: dict[str, Any]
) -> None:
    given = {"template": DLT, "header": "NAMUNA", "params": ("Asha", "Janpur"), "key": KEY}
    send(sandbox, receiver, "sms-main", Outgoing(**{**given, **change}))
    assert facts(heard(sandbox, receiver)) == [("failed", KEY, "16")]


def test_a_template_that_nobody_registered_is_refused(sandbox: Client, receiver: Receiver) -> None:
    for way, message in (
        ("sms-main", Outgoing(template="1107160000000000099")),
        ("whatsapp-twilio", Outgoing(template="janjan_code", template_language="hi", params=("1", "2"))),
    ):
        with pytest.raises(SendRefused) as caught:
            send(sandbox, receiver, way, message)
        assert caught.value.scope == "content"


def say(sandbox: Client, text: str, **more: str) -> None:
    body = {"platform": "twilio", "from": TO, "text": text, "name": "आशा", **more}
    assert sandbox.call("POST", "/inbound", body)[0] == 202
    sandbox.settled()


def test_stop_by_sms_is_kept_by_twilio_until_start(sandbox: Client, receiver: Receiver) -> None:
    say(sandbox, "stop")
    with pytest.raises(SendRefused) as caught:
        send(sandbox, receiver, "sms-twilio", NUMBER)
    assert (caught.value.platform_code, caught.value.opted_out) == ("21610", True)
    say(sandbox, "START")
    say(sandbox, "बंद")
    send(sandbox, receiver, "sms-twilio", NUMBER)
    stop, start, word, *_ = heard(sandbox, receiver)
    assert isinstance(stop, Preference)
    assert isinstance(start, Preference)
    assert isinstance(word, Inbound)
    assert (stop.sender, stop.wants, stop.medium, start.wants, word.text) == (TO, False, "sms", True, "बंद")


def test_free_text_in_whatsapp_over_twilio_needs_an_open_window(sandbox: Client, receiver: Receiver) -> None:
    send(sandbox, receiver, "whatsapp-twilio", NUMBER)
    assert ("failed", KEY, "63016") in facts(heard(sandbox, receiver))
    say(sandbox, "नमस्ते", medium="whatsapp")
    receiver.posts.clear()
    sandbox.call("POST", "/behaviour", {"read": 0})
    send(sandbox, receiver, "whatsapp-twilio", NUMBER)
    told = heard(sandbox, receiver)
    assert facts(told) == [("delivered", KEY, ""), ("sent", KEY, "")]
    assert {one.medium for one in told if isinstance(one, Status)} == {"whatsapp"}


def test_who_blocks_us_is_reported_so(sandbox: Client, receiver: Receiver) -> None:
    for platform in ("twilio", "msg91"):
        assert sandbox.call("POST", "/block", {"platform": platform, "from": TO})[0] == 200
    send(sandbox, receiver, "sms-main", SMS)
    send(sandbox, receiver, "whatsapp-twilio", CONTENT)
    assert {code for fact, _, code in facts(heard(sandbox, receiver)) if fact == "failed"} == {"17", "63014"}


def test_bad_requests_are_refused_by_their_own_codes(sandbox: Client, receiver: Receiver) -> None:
    over = channel("sms-twilio", "https://elsewhere.example")
    base = f"{sandbox.url}/twilio"
    cases = [
        (over, NUMBER, "21609"),
        (channel("sms-twilio", receiver.url), Outgoing(text="x" * 1601), "21617"),
        (channel("sms-twilio", receiver.url), Outgoing(text="x", ttl_s=36_001), "90007"),
        (channel("whatsapp-twilio", receiver.url), Outgoing(text="x", header="NAMUNA"), "21212"),
        (Channel("x", "twilio", {"account_sid": "AC9", "auth_token": "t"}, "sms"), NUMBER, "20003"),
    ]
    for given, message, code in cases:
        with pytest.raises(SendRefused) as caught:
            SENDERS["twilio"].send(HttpClient(), base, given, TO, message)
        assert caught.value.platform_code == code
    with pytest.raises(SendRefused) as caught:
        stolen = Channel("x", "msg91", {"auth_key": "stolen"}, "sms")
        SENDERS["msg91"].send(HttpClient(), f"{sandbox.url}/msg91", stolen, TO, SMS)
    assert (caught.value.platform_code, caught.value.scope) == ("207", "channel")
    assert sandbox.call("POST", "/inbound", {"platform": "twilio", "from": "12", "text": "a"})[0] == 400
    odd = {"platform": "twilio", "from": TO, "text": "a", "medium": "pigeon"}
    assert sandbox.call("POST", "/inbound", odd)[0] == 400
