"""Webhooks through the application: every recorded payload, signed right, wrong, not at all."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import boto3
import pytest
from chalice.local import LambdaContext
from twilio.request_validator import RequestValidator

from chalicelib import aws, wiring
from chalicelib.callbacks.letters import MOST_IN_A_MESSAGE
from chalicelib.callbacks.store import CallbackStore, Kept
from chalicelib.platforms.registry import ADAPTERS
from chalicelib.secrets import secrets
from local.config import MSG91, TWILIO, WHATSAPP, platform_secret
from tests.platforms import contract, fixtures
from tests.platforms.golden import SAMPLES, samples

LOCAL = platform_secret()
PLATFORMS = sorted(name for name in ADAPTERS if LOCAL.get(name))


def key_of(platform):
    """What a platform of the laptop signs with."""
    return LOCAL[platform][contract.of(platform).secret_field]


def call(platform, body, secret=None):
    return contract.of(platform).signed(body, secret or key_of(platform))


def signed(platform, body, secret=None):
    return call(platform, body, secret).headers


def post(house, platform, body, headers, tail=""):
    kind = ADAPTERS[platform].webhook_content_types[0] if platform in ADAPTERS else "application/json"
    path = f"/webhooks/{platform}" + (f"/{tail}" if tail else "")
    return house.client.http.post(path, headers={"Content-Type": kind, **headers}, body=body)


def posted(house, platform, made):
    return post(house, platform, made.body, made.headers, made.tail)


def payloads():
    recorded = [(one.platform, one.name, one.body) for one in fixtures.files() if one.platform in PLATFORMS]
    ours = [(name, s.stem, s.read_bytes()) for name in PLATFORMS for s in samples(name)]
    return recorded + ours


def test_every_payload_signed_right_is_taken_and_handed_over_byte_for_byte(house):
    for platform, name, body in payloads():
        response = posted(house, platform, call(platform, body))
        assert (response.status_code, response.body) == (200, b""), name
    letters = [wiring.receiver().letterbox.open(*queued) for queued in house.queued().items()]
    assert sorted((letter.platform, letter.body) for letter in letters) == sorted(
        (platform, call(platform, body).body) for platform, _, body in payloads()
    )


def test_every_payload_signed_wrong_or_not_at_all_is_refused_and_leaves_nothing(house):
    for platform, name, body in payloads():
        how = contract.of(platform)
        wrong = [
            how.unsigned(body),
            call(platform, body, "another-secret"),
            how.garbled(body, "é,,="),
            how.garbled(body, ""),
        ]
        for made in wrong:
            response = posted(house, platform, made)
            assert response.status_code == 401, name
            assert response.json_body["title"] == "signature invalid"
    for headers in (signed("telegram", b"{}"), signed("whatsapp", b"{} ")):
        assert post(house, "whatsapp", b"{}", headers).status_code == 401
    assert house.queued() == {}
    assert list(Kept.scan()) == []
    assert boto3.client("s3").list_objects_v2(Bucket=wiring.settings().bucket)["KeyCount"] == 0


def expected_in_ops(update):
    """Sort and kind of what an update leaves in the table of short-lived items; None for nothing."""
    match type(update).__name__:
        case "Inbound" if update.kind != "reaction":
            return ("inbound", update.kind)
        case "Notice" if update.kind.startswith(("template.", "account.", "person.")):
            return ("notice", update.kind)
        case "Unknown":
            return ("unknown", update.kind)
    return None


def take_all_from_ops():
    """What lies in the table, sort and kind; the table is empty afterwards (recorded messages share ids)."""
    found = []
    for item in Kept.scan():
        sort = item.pk.partition("#")[0]
        if sort in {"inbound", "notice", "unknown"}:
            found.append((sort, item.kind))
        item.delete()
    return sorted(found)


@fixtures.needed
def test_every_recorded_payload_comes_to_what_the_index_says(house):
    """Through route, queue, processor and tables; people and tallies are the real ones."""
    processor, strange = wiring.callbacks(), set()
    for recorded in fixtures.files():
        platform, body = recorded.platform, recorded.body
        assert posted(house, platform, call(platform, body)).status_code == 200
        assert processor.process(house.queued()) == []
        wanted = [expected_in_ops(update) for update in ADAPTERS[platform].parse(body)]
        assert take_all_from_ops() == sorted(found for found in wanted if found), recorded.name
        strange |= {("callback.unknown", kind) for sort, kind in filter(None, wanted) if sort == "unknown"}
    published = [(event, event["detail"]["data"]) for event in house.published()]
    told = {(event["detail-type"], data.get("kind") or data["code"]) for event, data in published}
    halts = {"account.account_restriction", "account.sns_unsubscribed"}
    assert told == strange | {("channel.stopped", halt) for halt in halts}


def test_a_body_that_the_gateway_hands_over_in_base64_is_hashed_as_it_was_sent(house):
    body = (SAMPLES / "whatsapp" / "message_text.json").read_bytes()
    from app import app  # noqa: PLC0415 - after the environment stands

    event = json.loads((SAMPLES / "invocations" / "apigateway_webhook.json").read_text())
    event["body"], event["isBase64Encoded"] = base64.b64encode(body).decode(), True
    event["headers"] |= signed("whatsapp", body)
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    assert app(event, LambdaContext("APIHandler", 256))["statusCode"] == 200
    ((_, text),) = house.queued().items()
    assert base64.b64decode(json.loads(text)["body"]) == body


def twilio_event(body, signed_url, **more):
    """A form that Twilio posts through API Gateway, signed for an address as it may have been called."""
    event = json.loads((SAMPLES / "invocations" / "apigateway_webhook.json").read_text())
    pairs = dict(parse_qsl(body, keep_blank_values=True))
    event["headers"] |= {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": RequestValidator(TWILIO.auth_token).compute_signature(signed_url, pairs),
    }
    event["headers"] |= {"Host": more["host"]} if "host" in more else {}
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    event["multiValueQueryStringParameters"] = {"key": [more.get("key", KEY)]}
    event["queryStringParameters"] = {"key": more.get("key", KEY)}
    event["pathParameters"]["platform"] = "twilio"
    event["path"], event["body"] = "/webhooks/twilio", body
    event["requestContext"]["path"] = more.get("path", "/api/webhooks/twilio")
    return event


KEY = "cmp_namunaabcdef1234-1.0000000000003.7.1"
GATEWAY = "https://abc123.execute-api.ap-south-1.amazonaws.com/api/webhooks/twilio"
OWN = "https://janjan.example/webhooks/twilio"


@pytest.mark.parametrize(
    ("url", "more"),
    [
        (GATEWAY, {}),
        (GATEWAY.replace(".com", ".com:443"), {}),
        (OWN, {"host": "janjan.example", "path": "/webhooks/twilio"}),
        (OWN.replace("/web", "/v1/web"), {"host": "janjan.example", "path": "/v1/webhooks/twilio"}),
        ("http://127.0.0.1:8000/webhooks/twilio", {}),
    ],
)
def test_twilios_signature_holds_behind_the_gateway_and_a_domain_of_our_own_and_brings_our_key(
    house, url, more
):
    from app import app  # noqa: PLC0415 - after the environment stands

    body = "MessageSid=SM1&MessageStatus=delivered&To=%2B919000010001&Empty=&Name=%E0%A4%86+%26"
    event = twilio_event(body, f"{url}?key={KEY}", **more)
    assert app(event, LambdaContext("APIHandler", 256))["statusCode"] == 200
    forged = twilio_event(body, f"{url}?key={KEY}", **more, key=KEY.replace(".7.", ".8."))
    assert app(forged, LambdaContext("APIHandler", 256))["statusCode"] == 401
    elsewhere = twilio_event(body, f"https://elsewhere.example/webhooks/twilio?key={KEY}", **more)
    assert app(elsewhere, LambdaContext("APIHandler", 256))["statusCode"] == 401
    ((message_id, text),) = house.queued().items()
    letter = wiring.receiver().letterbox.open(message_id, text)
    (status,) = wiring.callbacks().adapters["twilio"].parse(letter.body)
    assert (status.key, status.fact, status.recipient) == (KEY, "delivered", "+919000010001")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json"])
def test_reports_of_sms_are_taken_at_the_secret_address_only(house, kind):
    name = "v2_delivered.form" if "form" in kind else "v3_delivered.json"
    body = (SAMPLES / "msg91" / name).read_bytes()

    def report(path):
        headers = {"Content-Type": kind}
        return house.client.http.post(f"/webhooks/msg91{path}", headers=headers, body=body).status_code

    assert report(f"/{MSG91.path_token}") == 200
    assert {report(path) for path in ("", "/wrong", f"/{MSG91.path_token}x", "/None")} == {401}
    ((_, text),) = house.queued().items()
    assert base64.b64decode(json.loads(text)["body"]) == body


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", None])
def test_any_spelling_of_the_content_type_is_taken(house, content_type):
    headers = signed("telegram", b"{}") | ({"Content-Type": content_type} if content_type else {})
    assert house.client.http.post("/webhooks/telegram", headers=headers, body=b"{}").status_code == 200


def test_a_large_body_goes_by_way_of_the_bucket_and_comes_to_its_facts(house):
    words = "बहुत लंबी शिकायत " * 20_000
    update = {"update_id": 1, "message": {"chat": {"id": 23}, "date": 1767250000, "text": words}}
    body = json.dumps(update, ensure_ascii=False).encode()
    assert len(body) > MOST_IN_A_MESSAGE
    assert post(house, "telegram", body, signed("telegram", body)).status_code == 200
    messages = house.queued()
    assert "object" in json.loads(next(iter(messages.values())))
    assert wiring.callbacks().process(messages) == []
    (item,) = wiring.callbacks().store.of_day("inbound", "telegram", "2026-01-01")
    assert item.object_key.startswith("callbacks/")
    assert wiring.callbacks().store.content(item)["text"] == words


def test_a_body_beyond_four_megabytes_is_refused(house):
    body = b"x" * (4 * 1024 * 1024 + 1)
    response = post(house, "telegram", body, signed("telegram", body))
    assert (response.status_code, response.json_body["title"]) == (413, "too large")
    assert house.queued() == {}


def test_a_platform_without_a_secret_is_off(house):
    for platform in ("orkut", "pager"):
        assert post(house, platform, b"{}", {}).status_code == 404
        assert house.client.http.get(f"/webhooks/{platform}").status_code == 404


def test_the_handshake_gives_the_challenge_as_plain_text(house):
    query = f"hub.mode=subscribe&hub.verify_token={WHATSAPP.verify_token}&hub.challenge=1158201444"
    response = house.client.http.get(f"/webhooks/whatsapp?{query}")
    assert (response.status_code, response.body) == (200, b"1158201444")
    assert response.headers["Content-Type"] == "text/plain"
    wrong = house.client.http.get("/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=x&hub.challenge=1")
    assert wrong.status_code == 403
    assert house.client.http.get("/webhooks/telegram").status_code == 403


def rotate(**keys):
    value = json.loads(
        boto3.client("secretsmanager").get_secret_value(SecretId="janjan/local/platforms")["SecretString"]
    )
    value["whatsapp"]["app_secret"] = keys["app_secret"]
    boto3.client("secretsmanager").put_secret_value(
        SecretId="janjan/local/platforms", SecretString=json.dumps(value)
    )


def test_a_rotated_secret_is_read_anew_at_most_once_in_thirty_seconds(house, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("chalicelib.secrets.time.monotonic", lambda: now[0])
    secrets.cache_clear()
    for builder in (wiring.platforms, wiring.receiver):
        builder.cache_clear()

    def answer(secret):
        return post(house, "whatsapp", b"{}", signed("whatsapp", b"{}", secret)).status_code

    assert answer(WHATSAPP.app_secret) == 200
    rotate(app_secret=["newer", WHATSAPP.app_secret])
    assert answer("newer") == 401  # read less than 30 s ago
    now[0] += 31
    assert answer("newer") == 200
    assert answer(WHATSAPP.app_secret) == 200
    rotate(app_secret=["newest", "newer"])
    now[0] += 29
    assert answer("newest") == 401
    now[0] += 2
    assert answer("newest") == 200
    assert answer(WHATSAPP.app_secret) == 401


def test_a_taken_webhook_costs_one_call(house):
    body = b"{}"
    post(house, "telegram", body, signed("telegram", body))
    calls = []
    for client in ("sqs", "s3", "dynamodb", "secretsmanager", "events"):
        aws.client(client).meta.events.register("after-call.*.*", lambda model, **_: calls.append(model.name))
    post(house, "telegram", body, signed("telegram", body))
    assert calls == ["SendMessageBatch"]


def test_what_was_kept_can_be_read_by_day_and_forgets_itself(house):
    body = (SAMPLES / "whatsapp" / "message_text.json").read_bytes()
    post(house, "whatsapp", body, signed("whatsapp", body))
    before = datetime.now(UTC).timestamp()
    assert wiring.callbacks().process(house.queued()) == []
    store: CallbackStore = wiring.callbacks().store
    (item,) = store.of_day("inbound", "whatsapp", "2026-01-01")
    assert store.content(item) == {
        "sender": "+919000010001",
        "name": "आशा कुमारी",
        "text": "हमारे मोहल्ले की सड़क टूटी है",
        "reply_to": "",
        "extra": {},
    }
    assert (item.kind, item.at) == ("text", "2026-01-01T06:46:50Z")
    assert 30 * 86400 - 1 <= item.expires - before <= 30 * 86400 + 60
    assert store.of_day("inbound", "whatsapp", "2026-01-02") == []
