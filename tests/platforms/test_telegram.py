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
from chalicelib.platforms.telegram import Telegram
from tests.platforms.contract import PlatformContract
from tests.platforms.test_whatsapp import Answers

CHANNEL = Channel("telegram-main", "telegram", {"bot_token": "7:tok", "bot_username": "janjan_bot"})


def send(http, message=Outgoing(text="नमस्ते")):  # noqa: B008 - frozen
    return Telegram().send(http, "https://api.test", CHANNEL, "5000000001", message)


def refusal(status, description="", code=None, **more):
    answer = {"ok": False, "error_code": code or status, "description": description} | more
    with pytest.raises((Rejected, Throttled)) as caught:
        send(Answers(status, answer))
    return caught.value


class TestTelegram(PlatformContract):
    name = "telegram"
    secret_field = "secret_token"

    def sign(self, body, secret="current"):
        return {"x-telegram-bot-api-secret-token": secret}

    def test_it_asks_for_no_handshake(self):
        assert self.adapter.handshake({"secret_token": "current"}, Call(query={"hub.challenge": "1"})) is None

    def test_it_declares_that_it_has_no_receipts(self):
        can = self.adapter.capabilities
        assert (can.receipts, can.templates, can.carries_key, can.rate_per_s) == (False, False, False, 30)
        assert self.adapter.base_url == "https://api.telegram.org"

    def test_update_ids_beyond_32_bits_are_told_apart(self):
        def update(n):
            return b'{"update_id": %d, "message": {"chat": {"id": 23}, "text": "x"}}' % n

        ids = {self.adapter.parse(update(2**62 + n))[0].dedupe_id for n in range(3)}
        assert len(ids) == 3


def test_a_text_is_sent_to_the_chat():
    http = Answers(200, {"ok": True, "result": {"message_id": 42}})
    assert send(http) == Accepted("42")
    expected = {"chat_id": "5000000001", "text": "नमस्ते"}
    assert http.asked == [("https://api.test/bot7:tok/sendMessage", expected, {})]


def test_a_message_without_words_is_refused_before_any_request():
    http = Answers()
    with pytest.raises(SendRefused) as caught:
        send(http, Outgoing(template="janjan_code"))
    assert (caught.value.platform_code, caught.value.scope, http.asked) == ("no_text", "content", [])
    assert "There is no text." in str(caught.value)


@pytest.mark.parametrize(
    ("status", "description", "scope", "opted_out"),
    [
        (403, "Forbidden: bot was blocked by the user", "person", True),
        (403, "Forbidden: user is deactivated", "person", True),
        (403, "Forbidden: bot was kicked from the group chat", "person", True),
        (403, "Forbidden: bot can't initiate conversation with a user", "person", False),
        (400, "Bad Request: chat not found", "person", False),
        (400, "Bad Request: PEER_ID_INVALID", "person", False),
        (400, "Bad Request: user not found", "person", False),
        (400, "Bad Request: group chat was upgraded to a supergroup chat", "person", False),
        (400, "Bad Request: not enough rights to send text messages to the chat", "person", False),
        (400, "Bad Request: message is too long", "content", False),
        (400, "Bad Request: bot was blocked by the user", "content", False),
        (401, "Unauthorized", "channel", False),
        (404, "Not Found", "channel", False),
        (405, "", "person", False),
    ],
)
def test_refusals_say_for_whom_they_hold(status, description, scope, opted_out):
    refused = refusal(status, description)
    assert isinstance(refused, SendRefused)
    assert (refused.platform_code, refused.scope, refused.opted_out) == (str(status), scope, opted_out)
    assert description in str(refused)


@pytest.mark.parametrize(("asked_s", "wait_s"), [(7, 7), (0, 1), (-3, 1)])
def test_throttling_obeys_retry_after(asked_s, wait_s):
    throttled = refusal(429, "Too Many Requests: retry after 7", parameters={"retry_after": asked_s})
    assert isinstance(throttled, Throttled)
    assert (throttled.retry_after_s, throttled.scope, throttled.platform_code) == (wait_s, "channel", "429")


@pytest.mark.parametrize("parameters", [None, {}, {"retry_after": "soon"}])
def test_throttling_without_a_time_waits_a_second(parameters):
    throttled = refusal(429, parameters=parameters)
    assert isinstance(throttled, Throttled)
    assert throttled.retry_after_s == 1


def test_the_http_status_stands_for_a_missing_code():
    with pytest.raises(SendRefused) as caught:
        send(Answers(403, None))
    assert (caught.value.platform_code, caught.value.scope) == ("403", "person")


def test_the_platforms_own_code_stands_before_the_http_status():
    assert refusal(400, "Bad Request: chat not found", code=4001).platform_code == "4001"
    assert "Conflict" in str(refusal(409, "Conflict: terminated by other request"))


def test_only_two_hundred_characters_of_a_description_are_shown():
    assert len(refusal(400, "x" * 5000).params["detail"]) == 200


def probe(http):
    Telegram().probe(http, "https://api.test", CHANNEL)
    return http.asked


def test_a_bot_whose_token_holds_is_well():
    assert probe(Answers(200, {"ok": True})) == [("https://api.test/bot7:tok/getMe", None, {})]


def test_a_bot_whose_token_is_revoked_is_ill():
    with pytest.raises(SendRefused, match="401 Unauthorized") as refused:
        probe(Answers(401, {"ok": False, "error_code": 401, "description": "Unauthorized"}))
    assert refused.value.scope == "channel"
    with pytest.raises(OutcomeUnknown):
        probe(Answers(502, None))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, None),
        (502, {"ok": False, "error_code": 502}),
        (500, {"parameters": {"retry_after": 5}}),
        (200, None),
        (200, {"ok": True}),
        (200, {"ok": True, "result": True}),
        (204, {"result": {"message_id": 1}}),
    ],
)
def test_whatever_proves_nothing_is_unknown(status, answer):
    with pytest.raises(OutcomeUnknown):
        send(Answers(status, answer))
