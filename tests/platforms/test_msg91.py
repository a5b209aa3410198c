import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from chalicelib.errors import Rejected
from chalicelib.platforms.base import (
    Accepted,
    Call,
    Channel,
    OutcomeUnknown,
    Outgoing,
    SendRefused,
    Throttled,
)
from chalicelib.platforms.msg91 import REFUSED, Msg91
from tests.platforms.contract import FormContract
from tests.platforms.test_whatsapp import Answers

KEY = "cmp_abcdefgh-1.0.3.1"
CHANNEL = Channel(
    "sms-main",
    "msg91",
    {"auth_key": "k91", "header": "NAMUNA", "templates": {"1107160000000000001": "f1"}},
    "sms",
)
MESSAGE = Outgoing(
    template="1107160000000000001", text="आशा, जनपुर में सभा है", params=("आशा", "जनपुर"), header="JANJAN", key=KEY
)


class Asked(Answers):
    def get_json(self, url, headers):
        self.asked.append((url, None, headers))
        return self.status, {}, self.answer


def send(http, message=MESSAGE, channel=CHANNEL):
    return Msg91().send(http, "https://api.test", channel, "+919000010001", message)


def sent_body(message=MESSAGE, channel=CHANNEL):
    http = Answers(200, {"type": "success", "message": "3461a"})
    send(http, message, channel)
    return http.asked[0][1]


def refusal(status, answer):
    with pytest.raises((Rejected, Throttled)) as caught:
        send(Answers(status, answer))
    return caught.value


class TestMsg91(FormContract):
    name = "msg91"
    secret_field = "path_token"

    def signed(self, body, secret="current"):
        return Call({}, body, tail=secret)

    def unsigned(self, body):
        return Call({}, body)

    def garbled(self, body, garbled):
        return Call({}, body, tail=garbled)

    def test_it_asks_for_no_handshake(self):
        assert self.adapter.handshake({"path_token": "current"}, Call(tail="current")) is None

    def test_it_declares_what_it_can(self):
        can = self.adapter.capabilities
        assert can.mediums == ("sms",)
        assert (can.receipts, can.replies, can.templates, can.carries_key) == (True, False, True, True)
        assert (can.longest, can.rate_per_s, can.ttl_s) == (2000, 10, None)
        assert self.adapter.base_url == "https://control.msg91.com"

    def test_a_thousand_reports_in_one_form_are_a_thousand_updates(self):
        reports = [
            {
                "date": "2026-01-01 12:17:05",
                "number": f"9190{n:08}",
                "status": "1",
                "CRQID": f"cmp_a-1.0.{n}.1",
            }
            for n in range(1000)
        ]
        body = urlencode({"data": json.dumps([{"requestId": "r", "report": reports}])}).encode()
        updates = self.adapter.parse(body)
        assert len({update.dedupe_id for update in updates}) == 1000
        assert updates[999].key == "cmp_a-1.0.999.1"


# --- sending -----------------------------------------------------------------------------------------------


def test_an_sms_is_sent_by_its_template_with_header_values_and_our_key():
    http = Answers(200, {"type": "success", "message": "3461a"})
    assert send(http) == Accepted("3461a")
    assert http.asked == [
        (
            "https://api.test/api/v5/flow/",
            {
                "template_id": "f1",
                "short_url": "0",
                "recipients": [{"mobiles": "919000010001", "VAR1": "आशा", "VAR2": "जनपुर", "CRQID": KEY}],
                "sender": "JANJAN",
                "CRQID": KEY,
            },
            {"authkey": "k91"},
        )
    ]


def test_a_template_that_is_not_mapped_goes_by_its_own_id_and_the_channels_header_stands_in():
    body = sent_body(Outgoing(template="1107160000000000002"))
    assert (body["template_id"], body["sender"]) == ("1107160000000000002", "NAMUNA")
    assert "sender" not in sent_body(
        MESSAGE.__class__(template="t"), Channel("c", "msg91", {"auth_key": "k"})
    )


@pytest.mark.parametrize("key", ["", "telegram:abc", "क", "x" * 81, "a b"])
def test_a_key_that_msg91_does_not_take_stays_at_home(key):
    body = sent_body(Outgoing(template="t", key=key))
    assert "CRQID" not in body
    assert "CRQID" not in body["recipients"][0]


@pytest.mark.parametrize(
    ("message", "config", "code", "scope"),
    [
        (Outgoing(text="words alone"), {"auth_key": "k"}, "no_template", "content"),
        (MESSAGE, {}, "not_configured", "channel"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_any_request(message, config, code, scope):
    http = Answers()
    with pytest.raises(SendRefused) as caught:
        send(http, message, Channel("c", "msg91", config))
    assert (caught.value.platform_code, caught.value.scope, http.asked) == (code, scope, [])


@pytest.mark.parametrize(
    ("codes", "scope"),
    [
        ("101 202", "person"),
        ("102 308 310 400", "content"),
        ("103 106 107 203 207 208 209 210 301 302 303 401 418 505", "channel"),
    ],
)
@pytest.mark.parametrize(
    "spelled",
    [
        lambda code: (200, {"type": "error", "code": code, "message": "No"}),
        lambda code: (400, {"msgType": "error", "code": int(code), "message": "No"}),
        lambda code: (
            401,
            {"status": "fail", "hasError": True, "errors": "No", "code": "401", "apiError": code},
        ),
    ],
)
def test_refusals_say_for_whom_they_hold(codes, scope, spelled):
    for code in codes.split():
        refused = refusal(*spelled(code))
        assert (refused.platform_code, refused.scope, refused.opted_out) == (code, scope, False)
        assert "No" in str(refused)
    assert set(codes.split()) == {code for code, found in REFUSED.items() if found == scope}


def test_an_error_that_comes_with_200_is_a_refusal_all_the_same():
    refused = refusal(200, {"type": "error", "message": "template is not approved"})
    assert isinstance(refused, SendRefused)
    assert refused.scope == "person"
    assert isinstance(refusal(200, {"hasError": True, "code": "999"}), SendRefused)


def test_a_route_that_is_closed_at_night_is_asked_again_later():
    throttled = refusal(200, {"type": "error", "code": "306"})
    assert isinstance(throttled, Throttled)
    assert (throttled.retry_after_s, throttled.platform_code) == (900, "306")
    assert isinstance(refusal(429, None), Throttled)


def test_a_repeated_request_says_nothing_of_the_first():
    assert isinstance(refusal(200, {"type": "error", "code": "311"}), OutcomeUnknown)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, None),
        (502, {"type": "error"}),
        (200, None),
        (200, {}),
        (200, {"type": "success"}),
        (200, {"message": "3461a"}),
        (202, {"type": "success", "message": "3461a"}),
    ],
)
def test_whatever_proves_nothing_is_unknown(status, answer):
    assert isinstance(refusal(status, answer), OutcomeUnknown)


def probe(status, answer):
    http = Asked(status, answer)
    Msg91().probe(http, "https://api.test", Channel("c", "msg91", {"auth_key": "k/1"}))
    return http


@pytest.mark.parametrize("balance", [418, 120.5, {"SMS": "120.50"}])
def test_a_balance_is_health(balance):
    assert probe(200, balance).asked[0][0] == "https://api.test/api/balance.php?type=4&authkey=k%2F1"


def test_a_refused_key_is_illness_and_an_answer_that_says_nothing_is_neither():
    with pytest.raises(SendRefused) as caught:
        probe(200, {"msgType": "error", "code": "207"})
    assert (caught.value.platform_code, caught.value.scope) == ("207", "channel")
    for status, answer in ((200, None), (500, {"SMS": "1"})):
        with pytest.raises(OutcomeUnknown):
            probe(status, answer)


# --- reports -----------------------------------------------------------------------------------------------


def reported(**fields):
    one = {"requestId": "r1", "number": "919000010001", "status": "1", "CRQID": KEY} | fields
    (update,) = Msg91().parse(json.dumps(one).encode())
    return update


def test_times_without_a_zone_are_those_of_india():
    assert reported(date="2026-01-01 12:17:05").at == datetime(2026, 1, 1, 6, 47, 5, tzinfo=UTC)
    assert reported(date="2026-01-01T06:47:05+00:00").at == datetime(2026, 1, 1, 6, 47, 5, tzinfo=UTC)
    assert reported(date="yesterday").at is None
    assert reported(date="1767250000").at == datetime(2026, 1, 1, 6, 46, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "fact", "scope", "code"),
    [
        ("1", "delivered", "person", ""),
        (1, "delivered", "person", ""),
        ("2", "failed", "person", "2"),
        ("9", "failed", "person", "9"),
        ("16", "failed", "content", "16"),
        ("25", "failed", "content", "25"),
        ("17", "failed", "person", "17"),
    ],
)
def test_each_status_says_what_became_of_the_message(status, fact, scope, code):
    update = reported(status=status)
    assert (update.fact, update.scope, update.code, update.key) == (fact, scope, code, KEY)
    assert (update.message_id, update.recipient) == ("r1", "+919000010001")


def test_do_not_disturb_is_no_word_to_us():
    assert reported(status="9").opted_out is False


def test_a_report_is_known_by_request_number_and_status_in_every_version():
    report = {"date": "2026-01-01 12:17:05", "number": "919000010001", "status": "1", "CRQID": KEY}
    packed = urlencode({"data": json.dumps([{"requestId": "r1", "report": [report]}])}).encode()
    (batched,) = Msg91().parse(packed)
    assert batched.dedupe_id == reported().dedupe_id == reported(number="+919000010001", desc="x").dedupe_id
    others = [reported(requestId="r2"), reported(number="919000010002"), reported(status="2")]
    assert len({update.dedupe_id for update in [batched, *others]}) == 4


def test_no_key_is_told_as_zero():
    assert reported(CRQID="0").key == reported(CRQID="").key == ""
