"""Rough bodies, signed as the platform signs, over real HTTP to the deployed application: each is taken, goes
through the queue without an error, and leaves its trace."""

import base64
import json
import random
import time
from urllib.parse import parse_qsl, urlencode

import boto3
import pytest

from chalicelib.callbacks.store import Kept
from chalicelib.platforms.base import Call
from chalicelib.platforms.registry import ADAPTERS
from local.config import platform_secret
from tests.callbacks.test_deployed import post
from tests.platforms import contract
from tests.platforms.golden import SAMPLES
from tests.platforms.test_twilio import signature

pytestmark = pytest.mark.slow
PATIENCE_S = 300
MANY = 1000
LARGE = base64.urlsafe_b64encode(random.Random(3).randbytes(2_250_000)).decode()
"""3 MB of words that do not pack to less than a queue takes."""
SAMPLE = {
    "whatsapp": ("message_text.json", b"wamid.HBgMOTE5MDAwMDEwMDAxFQIAERgSN0U3QzQ1RDg5QjE210=="),
    "telegram": ("text.json", b"9007199254740994"),
    "instagram": ("message_text.json", b"aWdfZAG1faXRlbToxNAMUNA1"),
    "facebook": ("message_text.json", b"m_namuna1"),
    "x": ("message.json", b"954491830116150001"),
    "ses": ("event_that_is_new.json", b"0109019a7f3c2b11-3c8f0a52-6f0e-4a59-9a55-0c1f8d2b7e10-000000"),
    "msg91": ("report_without_number.json", b"3461010000000000000000a01"),
    "twilio": ("message_text.form", b"SM00000000000000000000000000000014"),
    "youtube": ("other_xml.xml", b"namuna"),
}
"""Of each platform a sample that is kept behind the queue, and the id in it."""


VOICES = ("हमारे मोहल्ले की सड़क टूटी है", "बिजली तीन दिन से नहीं है")


def sample(platform, number):
    """The platform's sample as it is told of another message."""
    name, known = SAMPLE[platform]
    body = (SAMPLES / platform / name).read_bytes()
    assert known in body
    for said in VOICES:  # a voice goes elsewhere: what is kept is what nothing takes
        body = body.replace(said.encode(), "नमस्ते".encode())
    return body.replace(known, known[:-3] + b"%03d" % number)


def dumped(value):
    return json.dumps(value, ensure_ascii=False).encode()


def fields_of(body):
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def with_more(platform, number, name, more):
    """The platform's sample with a field that nobody knows, or such an element."""
    body = sample(platform, number)
    if platform == "twilio":
        return urlencode(fields_of(body) | {name: more}).encode()
    if platform == "youtube":
        end = body.rindex(b"</")
        return body[:end] + f"<{name}>{more}</{name}>".encode() + body[end:]
    return dumped(json.loads(body) | {name: more})


def not_utf8(platform):
    """Words in an older Hindi font's bytes, where a form says so by escapes."""
    if platform == "twilio":
        return (SAMPLES / "twilio" / "bytes_that_are_not_utf8.form").read_bytes()
    if platform == "ses":  # SNS posts JSON: bytes that are none cannot be in what it signs
        return json.dumps({"eventType": "Rough", "mail": {"subject": "\ud83d"}}).encode()
    return b'{"rough": "\xe0\xa4\xff"}'


def other_types(value):
    """Every number as a string and every string of digits as a number."""
    if isinstance(value, dict):
        return {name: other_types(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [other_types(inner) for inner in value]
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def retyped(platform, number):
    """Of a form the same as JSON, which SMS gateways post, too; XML has no numbers."""
    if platform == "youtube":
        return None
    body = sample(platform, number)
    return dumped(other_types(fields_of(body) if platform == "twilio" else json.loads(body)))


def repeated(one, **names):
    """MANY copies of a JSON value, each with ids of its own at the given keys."""
    return [{**one, **{name: pattern.format(n) for name, pattern in names.items()}} for n in range(MANY)]


def many(platform):
    """A thousand updates in one body, where the platform packs them so; the last leaves a trace."""
    if platform == "youtube":
        upload = (SAMPLES / "youtube" / "upload.xml").read_bytes()
        begin, end = upload.index(b"<entry>"), upload.index(b"</entry>") + len(b"</entry>")
        entries = [upload[begin:end].replace(b"namuna00001", b"rough%06d" % n) for n in range(MANY)]
        return upload[:begin] + b"".join(entries) + b"<entry><title>rough</title></entry>" + upload[end:]
    value = json.loads(sample(platform, 0)) if platform != "twilio" else None
    if platform == "whatsapp":
        change = value["entry"][0]["changes"][0]["value"]
        change["messages"] = repeated(change["messages"][0], id="wamid.rough{}")
    elif platform in ("instagram", "facebook"):
        [event] = value["entry"][0]["messaging"]
        said = repeated(event["message"], mid="rough{}")
        value["entry"][0]["messaging"] = [event | {"message": one} for one in said]
    elif platform == "x":
        value["direct_message_events"] = repeated(value["direct_message_events"][0], id="77{:06}")
    elif platform == "msg91":
        report = {"date": "2026-01-01 12:17:05", "CRQID": "cmp_rough-1.1.1.1", "status": "1"}
        reports = [*repeated(report, number="91900{:07}"), report]
        value = [{"requestId": "rough", "report": reports, "userId": "100001"}]
        return urlencode({"data": json.dumps(value)}).encode()
    else:
        return None  # one update in a body
    return dumped(value)


def rough(platform):
    """What to post, by what is rough about it. X signs JSON alone: a body without a brace is refused."""
    bomb = (SAMPLES / "youtube" / "with_a_doctype.xml").read_bytes() + b"<!-- rough -->"
    bodies = {
        "unknown fields": with_more(platform, 1, "namuna", "नमूना"),
        "3 MB": with_more(platform, 2, "large", LARGE),
        "other types": retyped(platform, 3),
        "not UTF-8": not_utf8(platform),
        "XML bomb": with_more(platform, 4, "bomb", bomb.decode()) if platform == "x" else bomb,
        "a thousand": many(platform),
    }
    return {what: body for what, body in bodies.items() if body is not None}


def signed(stack, platform, body):
    """As the platform posts it: address, headers and body."""
    secret = platform_secret()[platform]
    if platform == "twilio":  # it signs the address that it calls
        text = body.decode("utf-8", "surrogateescape")
        pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
        proof = signature(secret["auth_token"], f"{stack.url}/webhooks/twilio", pairs)
        call = Call({"x-twilio-signature": proof}, body)
    else:
        how = contract.of(platform)
        call = how.signed(body, secret[how.secret_field])
    kind = {"Content-Type": ADAPTERS[platform].webhook_content_types[0]}
    return "/".join([platform, call.tail] if call.tail else [platform]), kind | dict(call.headers), call.body


def traces(platform, body):
    """What must be kept of it."""
    kinds = [(type(one).__name__.lower(), one.dedupe_id) for one in ADAPTERS[platform].parse(body)]
    return {(kind, known) for kind, known in kinds if kind in ("inbound", "unknown")}


def waiting(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def kept():
    return {(item.pk.partition("#")[0], item.sk) for item in Kept.scan(attributes_to_get=["pk", "sk"])}


@pytest.mark.parametrize("platform", sorted(ADAPTERS))
def test_rough_bodies_are_taken_and_leave_their_traces_and_nothing_waits_or_dies(stack, platform):
    wanted = set()
    for what, body in rough(platform).items():
        path, headers, posted = signed(stack, platform, body)
        assert post(stack, path, posted, headers) == (200, b""), what
        left = traces(platform, posted)
        assert left and not left & wanted, what
        wanted |= left
    missing, deadline = wanted, time.monotonic() + PATIENCE_S
    while (missing := wanted - kept()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert missing == set()
    while waiting("janjan-local-callbacks") and time.monotonic() < deadline:
        time.sleep(0.5)
    assert (waiting("janjan-local-callbacks"), waiting("janjan-local-callbacks-dead")) == (0, 0)
