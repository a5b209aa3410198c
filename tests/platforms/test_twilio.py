import hashlib
import hmac
import json
from base64 import b64encode
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from chalicelib.errors import Rejected, SignatureInvalid
from chalicelib.platforms.base import (
    Accepted,
    Call,
    Channel,
    Inbound,
    OutcomeUnknown,
    Outgoing,
    Preference,
    SendRefused,
    Status,
    Throttled,
)
from chalicelib.platforms.twilio import OPTED_OUT, REFUSED, RETRY_AFTER_S, Twilio
from tests.platforms.contract import FormContract

KEY = "cmp_abcdefgh-1.0.3.1"
URL = "https://janjan.example/webhooks/twilio"
LOCAL = "http://127.0.0.1:8000/webhooks/twilio"
"""Where the application believes itself to be in tests."""
OURS = {"account_sid": "AC1", "auth_token": ["tok", "older"], "from": "NAMUNA"}
SMS = Channel("twilio-sms", "twilio", OURS, "sms", URL)
TEMPLATES = {"swachhata/hi": "HX1"}
WHATSAPP = Channel(
    "twilio-wa", "twilio", OURS | {"from": "+15550001111", "templates": TEMPLATES}, "whatsapp", URL
)
VECTORS = Path(__file__).parents[3] / "shared" / "fixtures" / "vectors" / "twilio.json"


class Forms:
    """An Http that gives one answer and remembers what it was asked."""

    def __init__(self, status=201, answer=None):
        self.status, self.answer, self.asked = status, answer, []

    def post_form(self, url, body, headers):
        self.asked.append((url, body, headers))
        return self.status, {}, self.answer

    def get_json(self, url, headers):
        self.asked.append((url, None, headers))
        return self.status, {}, self.answer


def send(http, message, channel=SMS):
    return Twilio().send(http, "https://api.test", channel, "+919000010001", message)


def fields_of(message, channel=SMS):
    http = Forms(201, {"sid": "SM1", "status": "queued"})
    assert send(http, message, channel) == Accepted("SM1")
    return http.asked[0][1]


def error(code, message="No"):
    return {
        "code": code,
        "message": message,
        "more_info": "https://www.twilio.com/docs/errors",
        "status": 400,
    }


def refusal(status, answer):
    with pytest.raises((Rejected, Throttled)) as caught:
        send(Forms(status, answer), Outgoing(text="x"))
    return caught.value


def signature(key, url, pairs=()):
    """As Twilio's page says it: the address, then names and values in order."""
    text = url + "".join(name + value for name, value in sorted(set(pairs)))
    signed = text.encode("utf-8", "surrogateescape")
    return b64encode(hmac.new(key.encode(), signed, hashlib.sha1).digest()).decode()


def call(body, url=URL, signed=None, key="tok", urls=None):
    query = dict(parse_qsl(urlsplit(url).query))
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    given = signature(key, signed or url, [] if "bodySHA256" in query else pairs)
    return Call({"x-twilio-signature": given}, body, query, urls or (url,))


def verified(made, token="tok"):
    try:
        Twilio().verify({"auth_token": token}, made)
    except SignatureInvalid:
        return False
    return True


class TestTwilio(FormContract):
    name = "twilio"
    secret_field = "auth_token"

    def signed(self, body, secret="current"):
        text = body.decode("utf-8", "surrogateescape")
        pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
        return Call({"x-twilio-signature": signature(secret, LOCAL, pairs)}, body, {}, (LOCAL,))

    def unsigned(self, body):
        return Call({}, body, {}, (LOCAL,))

    def garbled(self, body, garbled):
        return Call({"x-twilio-signature": garbled}, body, {}, (LOCAL,))

    def test_it_asks_for_no_handshake(self):
        assert self.adapter.handshake({"auth_token": "current"}, Call(query={"hub.challenge": "1"})) is None

    def test_it_declares_what_it_can(self):
        can = self.adapter.capabilities
        assert can.mediums == ("sms", "whatsapp")
        assert (can.receipts, can.replies, can.templates, can.carries_key) == (True, True, True, True)
        assert (can.longest, can.rate_per_s, can.ttl_s) == (1600, 10, (1, 36_000))
        assert self.adapter.base_url == "https://api.twilio.com"

    def test_a_thousand_parameters_are_read_and_verified(self):
        many = urlencode({"MessageSid": "SM1", "SmsStatus": "received", "From": "+91", "Body": "x"})
        many += "".join(f"&MediaUrl{n}=u{n}" for n in range(1000))
        assert verified(call(many.encode()))
        (update,) = self.adapter.parse(many.encode())
        assert len(update.extra) == 1000


# --- sending -----------------------------------------------------------------------------------------------


def test_an_sms_is_sent_from_its_header_with_our_key_in_the_callbacks_address_and_its_time_to_live():
    http = Forms(201, {"sid": "SM1"})
    message = Outgoing(text="नमस्ते", template="1107160000000000001", header="JANJAN", key=KEY, ttl_s=90)
    assert send(http, message) == Accepted("SM1")
    assert http.asked == [
        (
            "https://api.test/2010-04-01/Accounts/AC1/Messages.json",
            {
                "To": "+919000010001",
                "From": "JANJAN",
                "Body": "नमस्ते",
                "StatusCallback": f"{URL}?key={KEY}",
                "ValidityPeriod": "90",
            },
            {"Authorization": "Basic " + b64encode(b"AC1:tok").decode()},
        )
    ]


def test_without_a_header_the_channels_own_sender_speaks_and_without_a_key_the_address_has_none():
    fields = fields_of(Outgoing(text="x"))
    assert fields == {"To": "+919000010001", "From": "NAMUNA", "Body": "x", "StatusCallback": URL}


def test_a_messaging_service_stands_in_for_a_sender_or_beside_one():
    service = {"account_sid": "AC1", "auth_token": "tok", "messaging_service_sid": "MG1"}
    channel = Channel("s", "twilio", service, "sms", "")
    assert fields_of(Outgoing(text="x", key=KEY), channel) == {
        "To": "+919000010001",
        "MessagingServiceSid": "MG1",
        "Body": "x",
    }
    assert fields_of(Outgoing(text="x", header="JANJAN"), channel)["From"] == "JANJAN"


def test_a_template_in_whatsapp_is_one_of_twilios_contents_with_its_values_by_place():
    template = Outgoing(template="swachhata", template_language="hi", params=("आशा", "जनपुर"), key=KEY)
    fields = fields_of(template, WHATSAPP)
    assert (fields["To"], fields["From"]) == ("whatsapp:+919000010001", "whatsapp:+15550001111")
    assert (fields["ContentSid"], fields["ContentVariables"]) == ("HX1", '{"1": "आशा", "2": "जनपुर"}')
    assert "Body" not in fields
    assert fields_of(Outgoing(text="नमस्ते"), WHATSAPP)["Body"] == "नमस्ते"


@pytest.mark.parametrize(
    ("message", "channel", "code", "scope"),
    [
        (Outgoing(), SMS, "no_text", "content"),
        (Outgoing(template="1107160000000000001"), SMS, "no_text", "content"),
        (Outgoing(template="swachhata", template_language="ta"), WHATSAPP, "no_content_sid", "content"),
        (Outgoing(text="x"), Channel("s", "twilio", {"auth_token": "t"}, "sms"), "not_configured", "channel"),
        (
            Outgoing(text="x"),
            Channel("s", "twilio", {"account_sid": "A"}, "sms"),
            "not_configured",
            "channel",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_before_any_request(message, channel, code, scope):
    http = Forms()
    with pytest.raises(SendRefused) as caught:
        send(http, message, channel)
    assert (caught.value.platform_code, caught.value.scope, http.asked) == (code, scope, [])


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_refusals_say_for_whom_they_hold(code):
    refused = refusal(400, error(int(code), "Words of the platform"))
    assert (refused.platform_code, refused.scope) == (code, REFUSED[code])
    assert refused.opted_out is (code in OPTED_OUT) is (code in ("21610", "63014"))
    assert "Words of the platform" in str(refused)


@pytest.mark.parametrize(
    ("code", "scope"),
    [("20003", "channel"), ("30002", "channel"), ("63007", "channel"), ("21617", "content")]
    + [("30007", "content"), ("63028", "content"), ("21610", "person"), ("21614", "person")]
    + [("30003", "person"), ("63016", "person"), ("63024", "person"), ("63049", "person")]
    + [("63040", "campaign"), ("63041", "campaign"), ("63042", "campaign")],
)
def test_the_table_of_errors_is_that_of_twilios_pages(code, scope):
    assert REFUSED[code] == scope


@pytest.mark.parametrize(
    ("code", "wait_s"), [(20429, 1), (14107, 10), (21611, 60), (63017, 1), (63018, 6), (63038, 3600)]
)
@pytest.mark.parametrize("status", [400, 429, 503])
def test_throttling_says_how_long(code, wait_s, status):
    throttled = refusal(status, error(code))
    assert isinstance(throttled, Throttled)
    assert (throttled.retry_after_s, throttled.scope, throttled.platform_code) == (
        wait_s,
        "channel",
        str(code),
    )


def test_no_code_is_both_a_refusal_and_throttling():
    assert set(REFUSED) & set(RETRY_AFTER_S) == set()


def test_answers_without_a_known_code_mean_what_their_status_means():
    assert isinstance(refusal(429, None), Throttled)
    assert refusal(401, None).scope == "channel"
    assert (refusal(400, error(99999)).platform_code, refusal(400, error(99999)).scope) == ("99999", "person")
    assert len(refusal(400, error(21617, "x" * 5000)).params["detail"]) == 200


@pytest.mark.parametrize(
    ("status", "answer"), [(500, None), (503, error(99999)), (201, None), (201, {}), (201, {"sid": None})]
)
def test_whatever_proves_nothing_is_unknown(status, answer):
    assert isinstance(refusal(status, answer), OutcomeUnknown)


def test_a_live_account_is_well_and_a_suspended_one_is_not():
    http = Forms(200, {"sid": "AC1", "status": "active"})
    Twilio().probe(http, "https://api.test", SMS)
    assert http.asked[0][0] == "https://api.test/2010-04-01/Accounts/AC1.json"
    for status, answer, code in (
        (200, {"status": "suspended"}, "account_suspended"),
        (200, {"status": "closed"}, "account_closed"),
        (401, error(20003), "20003"),
    ):
        with pytest.raises(SendRefused) as caught:
            Twilio().probe(Forms(status, answer), "https://api.test", SMS)
        assert (caught.value.platform_code, caught.value.scope) == (code, "channel")
    with pytest.raises(OutcomeUnknown):
        Twilio().probe(Forms(500, None), "https://api.test", SMS)


# --- signature ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not beside the repository")
def test_twilios_own_vectors_reproduce():
    vector = json.loads(VECTORS.read_text())
    url, body = vector["url"], urlencode(vector["params"]).encode()
    query = dict(parse_qsl(urlsplit(url).query))

    def passes(given, signed_url, body, **more):
        made = Call({"x-twilio-signature": given}, body, query | more, (signed_url,))
        return verified(made, vector["token"])

    assert passes(vector["signature"], url, body)
    assert passes(vector["https_with_port_443"], url.replace(".com", ".com:443"), body)
    assert passes(vector["https_with_port_443"], url, body)
    plain = url.replace("https", "http")
    assert passes(vector["http_port_80"], plain.replace(".com", ".com:80"), body)
    assert passes(vector["http_port_1234"], plain.replace(".com", ".com:1234"), body)
    assert not passes(vector["http_port_1234"], plain.replace(".com", ".com:1235"), body)
    assert passes(vector["dup_signature"], url, urlencode([*map(tuple, vector["dup_params"])]).encode())
    hashed = f"{url}&bodySHA256={vector['bodySHA256']}"
    stated = {"bodySHA256": vector["bodySHA256"]}
    json_body = vector["json_body"].encode()
    assert passes(vector["json_signature"], hashed, json_body, **stated)
    assert not passes(vector["json_signature"], hashed, json_body + b" ", **stated)
    assert not passes(vector["json_signature"], hashed, json_body)


NAMES = st.text("abcdefXYZ_0123", max_size=6)
WORDS = st.text(st.characters(codec="utf-8"), max_size=12)


@given(
    fields=st.dictionaries(NAMES, WORDS, max_size=8),
    query=st.dictionaries(st.text("abc", min_size=1, max_size=3), WORDS, max_size=2),
    port=st.sampled_from(["", ":443", ":8443"]),
    damage=st.sampled_from(["", "body", "url", "signature"]),
)
def test_twilios_own_validator_agrees(fields, query, port, damage):
    url = f"https://janjan.example{port}/webhooks/twilio" + (f"?{urlencode(query)}" if query else "")
    given_signature = RequestValidator("tok").compute_signature(url, fields)
    if damage == "body":
        fields = fields | {"extra": "1"}
    if damage == "url":
        url += "x"
    if damage == "signature":
        given_signature = given_signature[:-2] + "A="
    body = urlencode(fields).encode()
    received = dict(parse_qsl(body.decode(), keep_blank_values=True))
    theirs = RequestValidator("tok").validate(url, received, given_signature)
    ours = verified(Call({"x-twilio-signature": given_signature}, body, query, (url,)))
    assert ours is theirs
    assert ours is (damage == "") or damage == "signature"


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.booleans())
def test_twilios_own_validator_agrees_on_bodies_that_are_not_forms(body, damaged):
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    given_signature = RequestValidator("tok").compute_signature(url, {})
    received = body + " " if damaged else body
    assert RequestValidator("tok").validate(url, received, given_signature) is not damaged
    query = dict(parse_qsl(urlsplit(url).query))
    assert (
        verified(Call({"x-twilio-signature": given_signature}, received.encode(), query, (url,)))
        is not damaged
    )


def test_blank_values_are_signed_too():
    body = b"Body=&MessageSid=SM1&SmsStatus=received"
    assert verified(call(body))
    assert not verified(Call(call(body).headers, b"MessageSid=SM1&SmsStatus=received", {}, (URL,)))
    moved = Call(call(body).headers, b"Body=x&MessageSid=SM1&SmsStatus=received", {}, (URL,))
    assert not verified(moved)


def test_bytes_that_are_not_utf8_are_signed_as_they_came():
    raw = b"BodyMessageSid".replace(b"Body", b"Body\xff\xe0")
    text = URL.encode() + raw + b"SM1"
    given = b64encode(hmac.new(b"tok", text, hashlib.sha1).digest()).decode()
    assert verified(Call({"x-twilio-signature": given}, b"MessageSid=SM1&Body=%FF%E0", {}, (URL,)))


def test_any_of_the_addresses_that_may_have_been_called_is_enough_and_no_other_is():
    gateway = "https://x1.execute-api.ap-south-1.amazonaws.com/api/webhooks/twilio"
    body = b"MessageSid=SM1&MessageStatus=sent"
    assert verified(call(body, signed=gateway, urls=(URL, gateway)))
    assert verified(call(body, signed=URL, urls=(gateway, URL)))
    assert not verified(call(body, signed="https://elsewhere.example/webhooks/twilio", urls=(URL, gateway)))
    assert not verified(call(body, urls=("",)))


def test_a_json_body_needs_its_hash_in_the_signed_address():
    """The signature of an address without parameters proves nothing about a body."""
    body = b'{"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+919000010001"}'
    assert not verified(Call({"x-twilio-signature": signature("tok", URL)}, body, {}, (URL,)))


# --- our key -----------------------------------------------------------------------------------------------


def statuses(body):
    return [update for update in Twilio().parse(body) if isinstance(update, Status)]


def test_our_key_comes_from_the_signed_address_to_the_parser():
    body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B919000010001"
    made = call(body, f"{URL}?key={KEY}")
    assert verified(made)
    (status,) = statuses(Twilio().proven(made))
    assert (status.key, status.fact, status.recipient, status.medium) == (
        KEY,
        "delivered",
        "+919000010001",
        "sms",
    )
    assert statuses(Twilio().proven(call(body)))[0].key == ""


def test_a_key_that_was_not_signed_is_refused():
    body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B919000010001"
    made = call(body, f"{URL}?key={KEY}")
    other = Call(made.headers, body, {"key": "cmp_other-1.0.0.1"}, (f"{URL}?key=cmp_other-1.0.0.1",))
    assert not verified(other)


def test_the_key_of_the_address_stands_before_one_in_the_form():
    body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B91&janjan.key=forged"
    assert statuses(Twilio().proven(call(body, f"{URL}?key={KEY}")))[0].key == KEY


def test_a_body_that_is_no_form_is_handed_over_as_it_came():
    made = Call({}, b"{}", {"key": KEY, "bodySHA256": "x"}, ())
    assert Twilio().proven(made) == b"{}"


@pytest.mark.parametrize("odd", ["", "क", "a&b=c", "\ud800", "x" * 5000])
def test_any_key_in_the_address_is_harmless(odd):
    body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B91"
    (status,) = statuses(Twilio().proven(Call({}, body, {"key": odd}, (URL,))))
    assert status.message_id == "SM1"
    status.key.encode("utf-8")


# --- callbacks ---------------------------------------------------------------------------------------------


def parsed(**fields):
    (update,) = Twilio().parse(urlencode(fields).encode())
    return update


def test_a_status_is_known_by_message_and_status_whatever_else_changes():
    first = parsed(MessageSid="SM1", MessageStatus="sent", To="+919000010001")
    again = parsed(MessageSid="SM1", MessageStatus="sent", To="+919000010001", ApiVersion="2010-04-01")
    assert first.dedupe_id == again.dedupe_id
    others = {
        parsed(MessageSid=s, MessageStatus=m, To="+91").dedupe_id for s in "AB" for m in ("sent", "read")
    }
    assert len(others) == 4


@pytest.mark.parametrize("status", ["failed", "undelivered", "canceled"])
def test_a_message_that_did_not_arrive_failed(status):
    assert parsed(MessageSid="SM1", MessageStatus=status, To="+91").fact == "failed"


@pytest.mark.parametrize("code", ["21610", "63014"])
def test_who_opted_out_at_twilio_or_blocked_us_has_opted_out(code):
    failed = parsed(MessageSid="SM1", MessageStatus="failed", To="+919000010001", ErrorCode=code)
    assert (failed.opted_out, failed.scope, failed.code) == (True, "person", code)
    assert not parsed(MessageSid="SM1", MessageStatus="failed", To="+91", ErrorCode="30004").opted_out


def test_stop_that_twilio_answered_itself_is_a_wish_and_any_other_is_a_message():
    told = {"MessageSid": "SM1", "SmsStatus": "received", "From": "+919000010001", "Body": "STOP"}
    assert isinstance(parsed(**told), Inbound)
    assert parsed(**told).text == "STOP"
    stop, start = parsed(**told, OptOutType="STOP"), parsed(**told, OptOutType="START")
    assert isinstance(stop, Preference)
    assert (stop.sender, stop.wants, stop.medium, start.wants) == ("+919000010001", False, "sms", True)


def test_an_address_in_whatsapp_is_the_number_and_belongs_to_whatsapp():
    said = parsed(MessageSid="SM1", SmsStatus="received", From="whatsapp:+919000010001", Body="x")
    assert (said.sender, said.medium) == ("+919000010001", "whatsapp")
