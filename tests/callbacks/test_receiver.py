import hashlib
import hmac
import json
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

from chalicelib.callbacks.letters import MOST_IN_A_MESSAGE, Letterbox
from chalicelib.callbacks.receiver import LARGEST, Receiver
from chalicelib.clock import FixedClock, rfc3339
from chalicelib.errors import Forbidden, PlatformOff, SignatureInvalid, TooLarge
from chalicelib.platforms.base import Call
from chalicelib.platforms.registry import ADAPTERS, Platforms
from tests.callbacks.fakes import NOON
from tests.platforms.test_registry import GivenSecrets
from tests.platforms.test_whatsapp import Answers

OLD, NEW = ({"whatsapp": {"app_secret": key, "verify_token": key}} for key in ("old", "new"))


class MemoryQueue:
    def __init__(self):
        self.bodies = []

    def put(self, bodies, delay_s=0):
        self.bodies += [json.dumps(body) for body in bodies]
        return len(self.bodies)


class MemoryBucket:
    def __init__(self):
        self.objects = {}

    def put(self, body):
        key = f"callbacks/{len(self.objects)}"
        self.objects[key] = body
        return key

    def get(self, key):
        return self.objects[key]


class Bench:
    """A receiver and what it is given."""

    def __init__(self, secret=OLD, newer=None):
        self.secrets, self.queue, self.bucket = GivenSecrets(secret, newer), MemoryQueue(), MemoryBucket()
        self.letterbox = Letterbox(self.queue, self.bucket)
        self.receiver = Receiver(Platforms(self.secrets, Answers()), self.letterbox, FixedClock(at=NOON))

    def post(self, body=b"{}", secret="old", platform="whatsapp"):
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        self.receiver.receive(platform, Call({"x-hub-signature-256": f"sha256={signature}"}, body))

    def letters(self):
        return [self.letterbox.open(f"m{n}", body) for n, body in enumerate(self.queue.bodies)]


@pytest.mark.parametrize(
    "body", [b"{}", b"\xff\xfe\x00", '{"a": "बंद"}'.encode(), b"", b'{"a": "\xef\xbf\xbf"}']
)
def test_a_signed_body_is_queued_byte_for_byte_with_the_time_of_its_receipt(body):
    bench = Bench()
    bench.post(body)
    (letter,) = bench.letters()
    assert (letter.id, letter.platform, letter.received_at, letter.body) == ("m0", "whatsapp", NOON, body)
    assert bench.bucket.objects == {}
    assert bench.queue.bodies[0].isascii()


def test_the_largest_body_of_a_message_fits_and_one_byte_more_waits_in_the_bucket():
    bench = Bench()
    for size in (MOST_IN_A_MESSAGE, MOST_IN_A_MESSAGE + 1):
        bench.post(b"x" * size)
    assert [len(letter.body) for letter in bench.letters()] == [MOST_IN_A_MESSAGE, MOST_IN_A_MESSAGE + 1]
    assert [len(body) for body in bench.bucket.objects.values()] == [MOST_IN_A_MESSAGE + 1]
    assert [len(body) < 1024 * 1024 for body in bench.queue.bodies] == [True, True]
    assert len(bench.queue.bodies[1]) < 200


def test_many_statuses_in_one_post_make_a_message_of_one_charged_request_and_come_out_byte_for_byte():
    bench = Bench()
    statuses = [{"id": f"wamid.{n:040}", "status": "read", "recipient_id": f"919{n:09}"} for n in range(1000)]
    body = json.dumps({"entry": statuses}).encode()
    bench.post(body)
    (letter,) = bench.letters()
    assert letter.body == body
    assert len(body) > 90_000
    assert len(bench.queue.bodies[0]) < 64 * 1024
    assert bench.queue.bodies[0].isascii()


def test_a_message_that_was_queued_before_bodies_were_packed_opens_still():
    text = json.dumps({"platform": "whatsapp", "received_at": "2026-01-02T12:00:00Z", "body": "e30="})
    assert Bench().letterbox.open("m", text).body == b"{}"


def test_four_megabytes_are_taken_and_one_byte_more_is_refused():
    bench = Bench()
    bench.post(b"x" * LARGEST)
    with pytest.raises(TooLarge):
        bench.post(b"x" * (LARGEST + 1))
    assert len(bench.queue.bodies) == len(bench.bucket.objects) == 1


def test_what_a_signed_address_says_is_queued_with_the_body_and_the_address_of_others_is_not():
    secret = {"twilio": {"auth_token": "t"}, "msg91": {"path_token": "p"}}
    bench, body = Bench(secret), b"MessageSid=SM1&MessageStatus=sent&To=%2B919000010001"
    url = "https://janjan.example/webhooks/twilio?key=cmp_a-1.0.0.1"
    signature = RequestValidator("t").compute_signature(url, dict(parse_qsl(body.decode())))
    query = {"key": "cmp_a-1.0.0.1"}
    bench.receiver.receive("twilio", Call({"x-twilio-signature": signature}, body, query, (url,)))
    bench.receiver.receive("msg91", Call({}, body, query, (url,), "p"))
    signed, unsigned = bench.letters()
    (status,) = ADAPTERS["twilio"].parse(signed.body)
    assert (status.key, signed.body.startswith(body)) == ("cmp_a-1.0.0.1", True)
    assert unsigned.body == body


def test_a_wrong_signature_leaves_nothing_behind_and_asks_once_for_a_newer_secret():
    bench = Bench()
    with pytest.raises(SignatureInvalid):
        bench.post(secret="wrong")
    assert (bench.queue.bodies, bench.bucket.objects, bench.secrets.refreshed) == ([], {}, 1)


def test_a_rotated_secret_is_fetched_and_the_body_taken():
    bench = Bench(OLD, NEW)
    bench.post(secret="new")
    assert len(bench.letters()) == 1
    with pytest.raises(SignatureInvalid):
        bench.post(secret="old")


def test_a_wrong_signature_stays_wrong_under_the_newer_secret():
    bench = Bench(OLD, NEW)
    with pytest.raises(SignatureInvalid):
        bench.post(secret="wrong")
    assert bench.queue.bodies == []


def test_a_good_signature_asks_for_no_newer_secret():
    bench = Bench()
    bench.post()
    assert bench.secrets.refreshed == 0


@pytest.mark.parametrize("platform", ["telegram", "pager"])
def test_a_platform_that_is_off_takes_nothing(platform):
    bench = Bench()
    with pytest.raises(PlatformOff):
        bench.post(platform=platform)
    with pytest.raises(PlatformOff):
        bench.receiver.greet(platform, Call())
    assert bench.queue.bodies == []


def test_a_platform_switched_off_by_the_newer_secret_is_off():
    bench = Bench(OLD, {"channels": {}})
    with pytest.raises(PlatformOff):
        bench.post(secret="wrong")


def hello(token):
    query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}
    return Call(query=query)


def test_a_handshake_is_answered_also_after_a_rotation():
    assert Bench().receiver.greet("whatsapp", hello("old")).answer == "1158201444"
    assert Bench(OLD, NEW).receiver.greet("whatsapp", hello("new")).answer == "1158201444"


def test_a_handshake_that_is_not_ours_is_forbidden():
    for bench in (Bench(), Bench(OLD, NEW)):
        with pytest.raises(Forbidden):
            bench.receiver.greet("whatsapp", hello("wrong"))
        assert bench.secrets.refreshed == 1


def test_what_a_topic_of_ours_sent_is_a_letter_of_the_platform_that_its_name_ends_in():
    envelope = {"TopicArn": "arn:aws:sns:ap-south-1:000000000000:janjan-x-ses", "Timestamp": rfc3339(NOON)}
    text = json.dumps(envelope | {"Type": "Notification", "Message": "नमस्ते"}, ensure_ascii=False)
    letter = Bench().letterbox.open("m1", text)
    assert (letter.id, letter.platform, letter.received_at) == ("m1", "ses", NOON)
    assert letter.body == text.encode()
