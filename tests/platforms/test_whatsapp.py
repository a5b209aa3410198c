import hashlib
import hmac
import json

import pytest

from chalicelib.errors import Rejected
from chalicelib.platforms.base import (
    Accepted,
    Call,
    Channel,
    Greeting,
    OutcomeUnknown,
    Outgoing,
    SendRefused,
    Throttled,
)
from chalicelib.platforms.whatsapp import WhatsApp
from tests.platforms.contract import PlatformContract

CHANNEL = Channel("whatsapp-main", "whatsapp", {"phone_number_id": "100000000000001", "access_token": "tok"})
TEXT = Outgoing(text="नमस्ते", key="cmp_abcdefgh-1.0.3.1")


class Answers:
    """An Http that gives one answer and remembers what it was asked."""

    def __init__(self, status=200, answer=None):
        self.status, self.answer, self.asked = status, answer, []

    def post_json(self, url, body, headers):
        self.asked.append((url, body, headers))
        return self.status, {}, self.answer

    def get_json(self, url, headers):
        return self.post_json(url, None, headers)


def error(code, message="No"):
    return {"error": {"code": code, "message": message, "error_data": {"details": "+919000010001"}}}


def send(http, message=TEXT):
    return WhatsApp().send(http, "https://graph.test", CHANNEL, "+919000010001", message)


def refusal(status, answer):
    with pytest.raises((Rejected, Throttled)) as caught:
        send(Answers(status, answer))
    return caught.value


class TestWhatsApp(PlatformContract):
    name = "whatsapp"
    secret_field = "app_secret"

    def sign(self, body, secret="current"):
        return {
            "x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        }

    def test_the_signature_is_over_the_bytes_as_they_came(self):
        signed = self.sign(b'{"a":1}')
        self.adapter.verify(self.secrets(), Call(signed, b'{"a":1}'))
        with pytest.raises(Rejected):
            self.adapter.verify(self.secrets(), Call(signed, b'{"a": 1}'))

    def test_the_signature_of_another_algorithm_is_refused(self):
        sha1 = {"x-hub-signature-256": "sha1=" + hmac.new(b"current", b"{}", hashlib.sha1).hexdigest()}
        with pytest.raises(Rejected):
            self.adapter.verify(self.secrets(), Call(sha1, b"{}"))

    def test_a_handshake_with_our_token_gives_the_challenge(self):
        query = {"hub.mode": "subscribe", "hub.verify_token": "tok", "hub.challenge": "1158201444"}
        assert self.adapter.handshake({"verify_token": "tok"}, Call(query=query)) == Greeting("1158201444")
        assert self.adapter.handshake({"verify_token": ["new", "tok"]}, Call(query=query)) == Greeting(
            "1158201444"
        )

    @pytest.mark.parametrize(
        ("secrets", "change"),
        [
            ({"verify_token": "tok"}, {"hub.verify_token": "other"}),
            ({"verify_token": "tok"}, {"hub.verify_token": ""}),
            ({"verify_token": "tok"}, {"hub.mode": "unsubscribe"}),
            ({"verify_token": ""}, {"hub.verify_token": ""}),
            ({}, {}),
        ],
    )
    def test_any_other_handshake_gives_nothing(self, secrets, change):
        query = {"hub.mode": "subscribe", "hub.verify_token": "tok", "hub.challenge": "1"} | change
        assert self.adapter.handshake(secrets, Call(query=query)) is None

    def test_a_handshake_without_its_parts_gives_nothing(self):
        assert self.adapter.handshake({"verify_token": "tok"}, Call()) is None
        assert self.adapter.handshake({"verify_token": "XXXX"}, Call(query={"hub.mode": "subscribe"})) is None

    def test_it_declares_receipts_templates_and_our_key(self):
        can = self.adapter.capabilities
        assert (can.receipts, can.templates, can.carries_key, can.rate_per_s) == (True, True, True, 80)
        assert self.adapter.base_url == "https://graph.facebook.com"

    def test_a_thousand_updates_are_a_thousand_updates(self):
        one = {"status": "delivered", "timestamp": "1767250000", "recipient_id": "919000010001"}
        statuses = [one | {"id": f"wamid.{n}"} for n in range(1000)]
        body = json.dumps({"entry": [{"changes": [{"value": {"statuses": statuses}}]}]}).encode()
        assert len({update.dedupe_id for update in self.adapter.parse(body)}) == 1000


def test_a_text_is_sent_with_our_key():
    http = Answers(200, {"messages": [{"id": "wamid.A"}]})
    assert send(http) == Accepted("wamid.A")
    assert http.asked == [
        (
            "https://graph.test/v23.0/100000000000001/messages",
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": "+919000010001",
                "biz_opaque_callback_data": "cmp_abcdefgh-1.0.3.1",
                "type": "text",
                "text": {"body": "नमस्ते", "preview_url": False},
            },
            {"Authorization": "Bearer tok"},
        )
    ]


def sent_body(message):
    http = Answers(200, {"messages": [{"id": "wamid.A"}]})
    send(http, message)
    return http.asked[0][1]


def test_a_template_is_sent_with_its_parameters_in_order():
    body = sent_body(Outgoing(template="swachhata", template_language="hi", params=("आशा", "जनपुर"), key="k"))
    assert body["type"] == "template"
    assert "text" not in body
    assert body["template"] == {
        "name": "swachhata",
        "language": {"code": "hi"},
        "components": [
            {
                "type": "body",
                "parameters": [{"type": "text", "text": "आशा"}, {"type": "text", "text": "जनपुर"}],
            }
        ],
    }


def test_a_template_without_parameters_has_no_components_and_a_message_without_key_sends_none():
    body = sent_body(Outgoing(template="janjan_known_number", template_language="hi", category="utility"))
    assert body["template"]["components"] == []
    assert "biz_opaque_callback_data" not in body


def test_the_code_of_an_authentication_template_stands_on_its_button_too():
    body = sent_body(
        Outgoing(
            template="janjan_code", template_language="hi", category="authentication", params=("123456",)
        )
    )
    code = [{"type": "text", "text": "123456"}]
    assert body["template"]["components"] == [
        {"type": "body", "parameters": code},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
    ]


def test_a_message_without_words_is_refused_before_any_request():
    http = Answers()
    with pytest.raises(SendRefused) as caught:
        send(http, Outgoing())
    assert (caught.value.platform_code, caught.value.scope, http.asked) == ("no_text", "content", [])
    assert "There is neither a template nor a text." in str(caught.value)


@pytest.mark.parametrize(
    ("codes", "status", "scope"),
    [
        ("131048 131049 132001 132015 132016", 400, "campaign"),
        ("131021 131026 131030 131062 130472 131047 131050", 400, "person"),
        (
            "100 131008 131009 131051 131052 132000 132005 132007 132008 132012 132068",
            404,
            "content",
        ),
        ("0 3 10 190 200 230 299 368 131005 131031 131037 131042 131045 130497", 401, "channel"),
        ("0 131031", 500, "channel"),
    ],
)
def test_refusals_say_for_whom_they_hold(codes, status, scope):
    for code in codes.split():
        refused = refusal(status, error(int(code)))
        assert isinstance(refused, SendRefused)
        assert (refused.platform_code, refused.scope) == (code, scope)
        assert refused.opted_out is (code == "131050")


@pytest.mark.parametrize(
    ("code", "wait_s", "scope"),
    [
        (2, 10, "channel"),
        (4, 60, "channel"),
        (80007, 60, "channel"),
        (130429, 1, "channel"),
        (131000, 10, "channel"),
        (131016, 30, "channel"),
        (131053, 10, "channel"),
        (131057, 60, "channel"),
        (131056, 6, "person"),
    ],
)
@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_throttling_says_how_long_and_for_whom(code, wait_s, scope, status):
    throttled = refusal(status, error(code))
    assert isinstance(throttled, Throttled)
    assert (throttled.retry_after_s, throttled.scope, throttled.platform_code) == (wait_s, scope, str(code))


def test_codes_as_text_are_read_as_numbers_are():
    assert refusal(400, error("131026")).scope == "person"
    assert refusal(429, error("130429")).retry_after_s == 1


def test_a_refusal_shows_the_platforms_words_and_never_the_number():
    refused = refusal(400, error(131026, "Message undeliverable"))
    assert "Message undeliverable" in str(refused)
    assert "9000010001" not in str(refused)
    assert len(refusal(400, error(131026, "x" * 5000)).params["detail"]) == 200


@pytest.mark.parametrize(
    ("status", "answer", "code", "scope"),
    [
        (400, None, "http_400", "person"),
        (404, {}, "http_404", "person"),
        (400, error(999999), "999999", "person"),
        (499, None, "http_499", "person"),
        (401, None, "http_401", "channel"),
        (401, {"error": "nonsense"}, "http_401", "channel"),
    ],
)
def test_a_4xx_without_a_known_code_is_a_refusal(status, answer, code, scope):
    refused = refusal(status, answer)
    assert (refused.platform_code, refused.scope, refused.opted_out) == (code, scope, False)


def test_a_429_without_a_known_code_is_throttling():
    assert refusal(429, None).retry_after_s == 1
    assert refusal(429, error(999999)).platform_code == "999999"


def test_a_refusal_with_a_new_code_shows_the_platforms_words():
    assert "Account locked" in str(refusal(403, error(999999, "Account locked")))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, None),
        (502, {"error": {}}),
        (503, error(999999)),
        (408, None),
        (301, None),
        (200, None),
        (200, {"messages": []}),
        (200, {"messages": [{}]}),
        (200, {"messages": "x"}),
        (200, {"messages": [None]}),
        (202, {"messages": [{"id": "wamid.A"}]}),
    ],
)
def test_whatever_proves_nothing_is_unknown(status, answer):
    assert isinstance(refusal(status, answer), OutcomeUnknown)


def probe(http):
    WhatsApp().probe(http, "https://graph.test", CHANNEL)
    return http.asked


@pytest.mark.parametrize("health", ["AVAILABLE", "LIMITED"])
def test_a_number_that_may_send_is_well(health):
    http = Answers(200, {"id": "1", "health_status": {"can_send_message": health}})
    address = "https://graph.test/v23.0/100000000000001?fields=health_status"
    assert probe(http) == [(address, None, {"Authorization": "Bearer tok"})]


def test_a_number_that_is_blocked_is_ill():
    with pytest.raises(SendRefused, match="health_blocked BLOCKED") as refused:
        probe(Answers(200, {"health_status": {"can_send_message": "BLOCKED"}}))
    assert (refused.value.platform_code, refused.value.scope) == ("health_blocked", "channel")


def test_a_number_whose_health_is_not_told_is_not_called_well():
    with pytest.raises(SendRefused, match="131031 Locked") as refused:
        probe(Answers(403, error(131031, "Locked")))
    assert refused.value.scope == "channel"
    for status, answer in ((503, None), (200, None), (200, {"id": "1"}), (200, {"health_status": {}})):
        with pytest.raises(OutcomeUnknown):
            probe(Answers(status, answer))


def test_a_person_is_known_by_their_number_wherever_it_stands():
    said = {"from_user_id": "IN.1000000000000001", "id": "w1", "type": "text", "text": {"body": "STOP"}}
    contact = {"user_id": "IN.1000000000000001", "wa_id": "919000010001"}
    others = {"user_id": "IN.2", "wa_id": "919000010002"}
    value = {"messages": [said], "contacts": [others, contact]}
    [read] = WhatsApp().parse(json.dumps({"entry": [{"changes": [{"value": value}]}]}).encode())
    assert read.sender == "+919000010001"


def news(field, **value):
    body = {"entry": [{"id": "1", "time": 1767250000, "changes": [{"field": field, "value": value}]}]}
    [notice] = WhatsApp().parse(json.dumps(body).encode())
    return notice.kind, notice.halts, notice.template, notice.language


@pytest.mark.parametrize(
    ("score", "halts"), [("GREEN", ""), ("UNKNOWN", ""), ("YELLOW", "template"), ("RED", "template")]
)
def test_a_template_whose_quality_went_down_is_halted_before_the_platform_does(score, halts):
    about = {"message_template_name": "camp", "message_template_language": "en_US"}
    told = news("message_template_quality_update", new_quality_score=score, **about)
    assert told == (f"template.quality_{score.lower()}", halts, "camp", "en_US")


@pytest.mark.parametrize(
    ("event", "halts"),
    [
        ("APPROVED", ""),
        ("PENDING", ""),
        ("REINSTATED", ""),
        ("FLAGGED", ""),
        ("PAUSED", "template"),
        ("DISABLED", "template"),
        ("REJECTED", "template"),
        ("PENDING_DELETION", "template"),
        ("DELETED", "template"),
    ],
)
def test_a_template_that_may_not_be_sent_is_halted(event, halts):
    about = {"message_template_name": "camp", "message_template_language": "hi"}
    told = news("message_template_status_update", event=event, **about)
    assert told == (f"template.{event.lower()}", halts, "camp", "hi")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}, "account.disabled_update"),
        ({"event": "DISABLED_UPDATE"}, "account.disabled_update"),
        ({"event": "ACCOUNT_DELETED"}, "account.account_deleted"),
        (
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [
                    {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"},
                    {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": "1767260000"},
                ],
            },
            "account.account_restriction",
        ),
        ({"event": "ACCOUNT_RESTRICTION"}, "account.account_restriction"),
    ],
)
def test_an_account_that_may_not_send_stops_its_channels(value, told):
    assert news("account_update", **value)[:2] == (told, "channels")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}, "account.reinstated"),
        (
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}},
            "account.disable_scheduled",
        ),
        ({"event": "ACCOUNT_VIOLATION"}, "account.account_violation"),
        (
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"}],
            },
            "account.other_restriction",
        ),
    ],
)
def test_an_account_that_may_still_send_stops_nothing(value, told):
    assert news("account_update", **value)[:2] == (told, "")


@pytest.mark.parametrize(
    ("code", "scope"),
    [(131048, "campaign"), (131049, "person"), (132016, "campaign"), (131042, "channel"), (131026, "person")],
)
def test_a_failure_that_is_told_later_says_for_whom_it_holds(code, scope):
    failed = {"id": "w", "status": "failed", "recipient_id": "91", "errors": [{"code": code}]}
    body = {"entry": [{"changes": [{"field": "messages", "value": {"statuses": [failed]}}]}]}
    assert [told.scope for told in WhatsApp().parse(json.dumps(body).encode())] == [scope]
