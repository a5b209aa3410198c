"""The sandbox's WhatsApp: what it takes, refuses, delivers and posts back."""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

from local.config import WHATSAPP
from tests.local.conftest import Client, Receiver, eventually, template, text

PERSON = "919000000001"
TEMPLATES = f"/whatsapp/v23.0/{WHATSAPP.waba}/message_templates"
TOKEN = {"Authorization": f"Bearer {WHATSAPP.access_token}"}


def test_a_template_is_accepted_and_lands_in_the_inbox(sandbox: Client) -> None:
    status, answer = sandbox.whatsapp(template(PERSON, "123456", key="run.0.1.1"))
    assert status == 200
    assert answer["contacts"] == [{"input": PERSON, "wa_id": PERSON}]
    assert answer["messages"][0]["id"].startswith("wamid.")
    for query in (f"?to={PERSON}", f"?to=+{PERSON}", f"?to=%2B{PERSON}&platform=whatsapp", ""):
        [message] = sandbox.call("GET", f"/messages{query}")[1]
        assert message["id"] == answer["messages"][0]["id"]
        assert message["to"] == f"+{PERSON}"
        assert message["text"].startswith("123456 ")
        assert message["payload"]["biz_opaque_callback_data"] == "run.0.1.1"
        assert message["at"].endswith("Z")
    assert sandbox.call("GET", "/messages?to=919000000002")[1] == []


def test_messages_are_forgotten_and_the_log_stays(sandbox: Client) -> None:
    for to in (PERSON, "919000000002"):
        sandbox.whatsapp(template(to, "1"))
    assert sandbox.call("DELETE", f"/messages?to={PERSON}") == (204, None)
    assert [m["to"] for m in sandbox.call("GET", "/messages")[1]] == ["+919000000002"]
    sandbox.call("DELETE", "/messages")
    assert sandbox.call("GET", "/messages")[1] == []
    assert [line["outcome"] for line in sandbox.lines("request")] == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (template(PERSON, "1", name="nobody_registered_this"), 404, 132001),
        (template(PERSON, "1", language="ta"), 404, 132001),
        (template(PERSON), 400, 132000),
        (template(PERSON, "1", "2"), 400, 132000),
        (text(PERSON, "नमस्ते"), 400, 131047),
        (text(PERSON, ""), 400, 100),
        (template("abc", "1"), 400, 100),
        ({"to": PERSON, "type": "text", "text": {"body": "a"}}, 400, 100),
        ({"messaging_product": "whatsapp", "to": PERSON, "type": "sticker"}, 400, 100),
        ({"messaging_product": "whatsapp", "to": PERSON, "type": "template", "template": "x"}, 400, 100),
        ({**template(PERSON, "1"), "biz_opaque_callback_data": "k" * 513}, 400, 100),
        (["not", "an", "object"], 400, 100),
    ],
)
def test_a_bad_request_is_refused_in_graphs_shape_and_logged(
    sandbox: Client, body: object, status: int, code: int
) -> None:
    got, answer = sandbox.whatsapp(body)
    error = answer["error"]
    assert (got, error["code"]) == (status, code)
    assert error["message"].startswith(f"(#{code}) ")
    assert error["type"] == "OAuthException"
    assert error["error_data"]["details"]
    assert error["fbtrace_id"]
    assert [line["outcome"] for line in sandbox.lines("request")] == [f"refused:{code}"]
    assert sandbox.call("GET", "/messages")[1] == []


def test_a_wrong_token_and_a_wrong_number_are_refused(sandbox: Client) -> None:
    status, answer = sandbox.whatsapp(template(PERSON, "1"), token="stolen")
    assert (status, answer["error"]["code"]) == (401, 190)
    status, answer = sandbox.call("POST", "/whatsapp/v23.0/42/messages", template(PERSON, "1"), **TOKEN)
    assert (status, answer["error"]["code"]) == (400, 100)


def test_free_text_is_taken_for_24_hours_after_the_person_wrote(sandbox: Client) -> None:
    sandbox.call("POST", "/inbound", {"platform": "whatsapp", "from": f"+{PERSON}", "text": "नमस्ते"})
    assert sandbox.whatsapp(text(PERSON, "धन्यवाद"))[0] == 200
    sandbox.call("POST", "/clock", {"offset_s": 24 * 3600 - 60})
    assert sandbox.whatsapp(text(PERSON, "धन्यवाद"))[0] == 200
    sandbox.call("POST", "/clock", {"offset_s": 24 * 3600 + 1})
    assert sandbox.whatsapp(text(PERSON, "धन्यवाद"))[1]["error"]["code"] == 131047


def test_statuses_come_signed_with_our_key_and_as_meta_shapes_them(
    sandbox: Client, receiver: Receiver
) -> None:
    sandbox.call("POST", "/behaviour", {"read": 1, "delay_ms": 0})
    message_id = sandbox.whatsapp(template(PERSON, "1", key="run.0.1.1"))[1]["messages"][0]["id"]
    sandbox.settled()
    for path, headers, body in receiver.posts:
        assert path == "/webhooks/whatsapp"
        digest = hmac.new(WHATSAPP.app_secret.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
        payload = json.loads(body)
        assert payload["object"] == "whatsapp_business_account"
        assert payload["entry"][0]["id"] == WHATSAPP.waba
        change = payload["entry"][0]["changes"][0]
        assert change["field"] == "messages"
        assert change["value"]["messaging_product"] == "whatsapp"
        assert change["value"]["metadata"]["phone_number_id"] == WHATSAPP.phone_number_id
    by_status = {status["status"]: status for status in receiver.statuses()}
    assert set(by_status) == {"sent", "delivered", "read"}
    for status in by_status.values():
        assert status["id"] == message_id
        assert status["recipient_id"] == PERSON
        assert status["timestamp"].isdecimal()
        assert status["biz_opaque_callback_data"] == "run.0.1.1"
        assert status["pricing"]["category"] == status["conversation"]["origin"]["type"] == "authentication"
    assert "expiration_timestamp" in by_status["sent"]["conversation"]
    assert "expiration_timestamp" not in by_status["read"]["conversation"]


RECORDED = Path(__file__).parents[3] / "shared" / "fixtures" / "whatsapp"


def shape(value: object) -> object:
    """Keys and types of a payload; of a list, its first item."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value).__name__


@pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded payloads lie beside this clone on some machines only"
)
@pytest.mark.parametrize(
    ("file", "behaviour"),
    [
        ("pywa_status_with_biz_opaque.json", {"read": 0}),
        ("pywa_status_failed_130472.json", {"fail": 1}),
    ],
)
def test_statuses_have_the_shape_of_recorded_ones(
    sandbox: Client, receiver: Receiver, file: str, behaviour: dict[str, object]
) -> None:
    recorded = json.loads((RECORDED / file).read_text(encoding="utf-8"))
    wanted = recorded["entry"][0]["changes"][0]["value"]["statuses"][0]
    sandbox.call("POST", "/behaviour", behaviour)
    for n in range(10):
        sandbox.whatsapp(template(f"9190000{n:05}", "1", key=f"run.0.{n}.1"))
    sandbox.settled()
    [ours, *_] = [status for status in receiver.statuses() if status["status"] == wanted["status"]]
    ours.pop("biz_opaque_callback_data")
    wanted.pop("biz_opaque_callback_data", None)
    assert shape(ours) == shape(wanted)
    change = json.loads(receiver.posts[0][2])["entry"][0]["changes"][0]
    assert set(change["value"]) | {"contacts"} == set(recorded["entry"][0]["changes"][0]["value"])


def test_a_message_without_our_key_gives_statuses_without_one(sandbox: Client, receiver: Receiver) -> None:
    sandbox.whatsapp(template(PERSON, "1"))
    sandbox.settled()
    assert receiver.statuses()
    assert not any("biz_opaque_callback_data" in status for status in receiver.statuses())


def test_updates_that_fall_due_together_share_posts_of_the_asked_size(
    sandbox: Client, receiver: Receiver
) -> None:
    sandbox.call("POST", "/behaviour", {"read": 1, "delay_ms": 400, "batch": 40})
    for n in range(60):
        sandbox.whatsapp(template(f"9190000{n:05}", "1", key=f"run.0.{n}.1"))
    sandbox.settled()
    sizes = [line["updates"] for line in sandbox.lines("callback")]
    assert sum(map(len, sizes)) == 180
    assert 1 < max(map(len, sizes)) <= 40
    counts = Counter(status["status"] for status in receiver.statuses())
    assert counts == {"sent": 60, "delivered": 60, "read": 60}


def test_updates_of_one_second_share_a_post_when_asked_and_each_goes_alone_when_asked(
    sandbox: Client, receiver: Receiver
) -> None:
    for behaviour, most in (({"aggregate_ms": 1000}, 4), ({"aggregate_ms": 20, "batch": 1}, 30)):
        before = len(receiver.posts)
        sandbox.call("POST", "/behaviour", {"read": 1, "delay_ms": 0, **behaviour})
        for n in range(10):
            sandbox.whatsapp(template(f"91900{before:03}0{n:04}", "1"))
        sandbox.settled()
        assert len(receiver.statuses()) == 30 if not before else 60
        assert 1 <= len(receiver.posts) - before <= most
    assert len(receiver.posts) - before == 30


def test_late_callbacks_overtake_each_other(sandbox: Client, receiver: Receiver) -> None:
    sandbox.call("POST", "/behaviour", {"read": 1, "delay_ms": 300})
    for n in range(30):
        sandbox.whatsapp(template(f"9190000{n:05}", "1"))
    sandbox.settled()
    firsts = {}
    for status in receiver.statuses():
        firsts.setdefault(status["id"], status["status"])
    assert len(set(firsts.values())) > 1


def test_duplicates_are_the_same_update_posted_twice(sandbox: Client, receiver: Receiver) -> None:
    sandbox.call("POST", "/behaviour", {"duplicate": 1, "read": 0})
    sandbox.whatsapp(template(PERSON, "1"))
    sandbox.settled()
    assert Counter(s["status"] for s in receiver.statuses()) == {"sent": 2, "delivered": 2}


def test_failures_are_told_at_once_or_later_and_the_log_holds_the_truth(
    sandbox: Client, receiver: Receiver
) -> None:
    sandbox.call("POST", "/behaviour", {"fail": 1})
    answers = [sandbox.whatsapp(template(f"9190000{n:05}", "1"))[0] for n in range(40)]
    sandbox.settled()
    assert set(answers) == {200, 400}
    outcomes = Counter(line["outcome"] for line in sandbox.lines("request"))
    assert outcomes == {"accepted": answers.count(200), "refused:131026": answers.count(400)}
    failed = [status for status in receiver.statuses() if status["status"] == "failed"]
    assert len(failed) == answers.count(200)
    assert {status["errors"][0]["code"] for status in failed} == {131026}
    assert {s["status"] for s in receiver.statuses()} == {"sent", "failed"}
    assert sandbox.call("GET", "/messages")[1] == []


def test_a_lost_reply_is_committed_and_the_connection_cut(sandbox: Client, receiver: Receiver) -> None:
    sandbox.call("POST", "/behaviour", {"lost_reply": 1, "read": 1})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        sandbox.whatsapp(template(PERSON, "1", key="run.0.1.1"))
    sandbox.settled()
    assert [line["outcome"] for line in sandbox.lines("request")] == ["lost_reply"]
    assert len(sandbox.call("GET", "/messages")[1]) == 1
    assert {s["biz_opaque_callback_data"] for s in receiver.statuses()} == {"run.0.1.1"}


def test_throttling_answers_130429_and_commits_nothing(sandbox: Client, receiver: Receiver) -> None:
    sandbox.call("POST", "/behaviour", {"throttle": 1})
    status, answer = sandbox.whatsapp(template(PERSON, "1"))
    assert (status, answer["error"]["code"]) == (429, 130429)
    assert [line["outcome"] for line in sandbox.lines("request")] == ["throttled"]
    sandbox.settled()
    assert receiver.posts == []


def test_more_than_the_set_rate_is_throttled(sandbox: Client) -> None:
    sandbox.call("POST", "/behaviour", {"per_second": 5})
    answers = [sandbox.whatsapp(template(f"9190000{n:05}", "1"))[0] for n in range(30)]
    assert 5 <= answers.count(200) <= 15
    assert answers.count(429) == 30 - answers.count(200)


def test_the_46th_message_in_a_row_to_one_person_is_refused(sandbox: Client) -> None:
    answers = [sandbox.whatsapp(template(PERSON, "1")) for _ in range(46)]
    assert [status for status, _ in answers[:45]] == [200] * 45
    assert answers[45][1]["error"]["code"] == 131056
    assert sandbox.lines("request")[-1]["outcome"] == "throttled"
    assert sandbox.whatsapp(template("919000000002", "1"))[0] == 200


def test_who_blocked_us_gets_nothing_and_sent_is_all_that_is_told(
    sandbox: Client, receiver: Receiver
) -> None:
    sandbox.call("POST", "/block", {"platform": "whatsapp", "from": PERSON})
    assert sandbox.whatsapp(template(PERSON, "1"))[0] == 200
    sandbox.settled()
    assert [s["status"] for s in receiver.statuses()] == ["sent"]
    assert sandbox.call("GET", f"/messages?to={PERSON}")[1] == []
    sandbox.call("POST", "/block", {"platform": "whatsapp", "from": PERSON, "blocked": False})
    sandbox.whatsapp(template(PERSON, "1"))
    assert len(sandbox.call("GET", f"/messages?to={PERSON}")[1]) == 1


def test_a_callback_that_we_refuse_comes_again_unchanged(sandbox: Client, receiver: Receiver) -> None:
    receiver.answers[:] = [500, 401]
    sandbox.call("POST", "/inbound", {"platform": "whatsapp", "from": PERSON, "text": "STOP"})
    eventually(lambda: len(receiver.posts) == 3)
    assert len({body for _, _, body in receiver.posts}) == 1
    sandbox.settled()
    assert [(line["answer"], line["taken"], line["attempt"]) for line in sandbox.lines("callback")] == [
        (500, False, 1),
        (401, False, 2),
        (200, True, 3),
    ]


@pytest.mark.parametrize(
    ("kind", "sort", "content"),
    [
        ("text", "messages", {"text": {"body": "STOP"}}),
        ("button", "messages", {"button": {"payload": "STOP", "text": "STOP"}}),
    ],
)
def test_a_person_writes_to_us(
    sandbox: Client, receiver: Receiver, kind: str, sort: str, content: dict[str, object]
) -> None:
    asked = {"platform": "whatsapp", "from": PERSON, "text": "STOP", "name": "रेखा", "kind": kind}
    status, answer = sandbox.call("POST", "/inbound", asked)
    assert status == 202
    sandbox.settled()
    value = json.loads(receiver.posts[0][2])["entry"][0]["changes"][0]["value"]
    assert value["contacts"] == [{"profile": {"name": "रेखा"}, "wa_id": PERSON}]
    [message] = value[sort]
    assert message == {
        "from": PERSON, "id": answer["id"], "timestamp": message["timestamp"], "type": kind, **content
    }  # fmt: skip
    assert [line["from"] for line in sandbox.lines("inbound")] == [f"+{PERSON}"]


def test_a_person_stops_marketing_in_the_app(sandbox: Client, receiver: Receiver) -> None:
    asked = {"platform": "whatsapp", "from": PERSON, "text": "stop", "kind": "preference"}
    sandbox.call("POST", "/inbound", asked)
    sandbox.settled()
    change = json.loads(receiver.posts[0][2])["entry"][0]["changes"][0]
    assert change["field"] == "user_preferences"
    assert change["value"]["user_preferences"][0]["value"] == "stop"
    assert sandbox.whatsapp(text(PERSON, "a"))[1]["error"]["code"] == 131047


def test_templates_are_listed_page_by_page_registered_once_and_kept(
    start: Callable[[], Client],
) -> None:
    sandbox = start()
    names: list[str] = []
    page = sandbox.call("GET", f"{TEMPLATES}?limit=3", **TOKEN)[1]
    while True:
        names += [template["name"] for template in page["data"]]
        if "next" not in page["paging"]:
            break
        after = page["paging"]["cursors"]["after"]
        page = sandbox.call("GET", f"{TEMPLATES}?limit=3&after={after}", **TOKEN)[1]
    assert Counter(names)["janjan_code"] == 2
    body = {
        "name": "naya_sandesh",
        "language": "hi",
        "category": "MARKETING",
        "components": [{"type": "BODY", "text": "नमस्ते {{1}}, {{2}}"}],
    }
    status, answer = sandbox.call("POST", TEMPLATES, body, **TOKEN)
    assert (status, answer["status"], answer["category"]) == (200, "APPROVED", "MARKETING")
    assert sandbox.call("POST", TEMPLATES, body, **TOKEN)[1]["error"]["code"] == 100
    assert sandbox.call("POST", TEMPLATES, {**body, "name": "Bad Name"}, **TOKEN)[0] == 400
    assert sandbox.call("POST", TEMPLATES, {"name": "x"}, **TOKEN)[0] == 400
    sandbox = start()
    [kept] = sandbox.call("GET", f"{TEMPLATES}?name=naya_sandesh", **TOKEN)[1]["data"]
    assert kept["id"] == answer["id"]
    assert sandbox.whatsapp(template(PERSON, "रेखा", "मतदान", name="naya_sandesh"))[0] == 200
    assert sandbox.call("GET", "/messages")[1][0]["text"] == "नमस्ते रेखा, मतदान"


def subscribe(sandbox: Client, url: str) -> tuple[int, object]:
    where = {"override_callback_uri": url, "verify_token": WHATSAPP.verify_token}
    return sandbox.call("POST", f"/whatsapp/v23.0/{WHATSAPP.waba}/subscribed_apps", where, **TOKEN)


def test_callbacks_move_to_an_address_that_answers_the_handshake(sandbox: Client, receiver: Receiver) -> None:
    assert subscribe(sandbox, f"{receiver.url}/elsewhere/whatsapp") == (200, {"success": True})
    sandbox.whatsapp(template(PERSON, "1"))
    sandbox.settled()
    assert {path for path, _, _ in receiver.posts} == {"/elsewhere/whatsapp"}
    assert {line["url"] for line in sandbox.lines("callback")} == {f"{receiver.url}/elsewhere/whatsapp"}


@pytest.mark.parametrize(
    ("url", "code"), [("/refuses", 2200), ("https://example.org/x", 100), ("http://127.0.0.1:1/x", 2200)]
)
def test_callbacks_stay_when_the_new_address_fails_the_handshake(
    sandbox: Client, receiver: Receiver, url: str, code: int
) -> None:
    status, answer = subscribe(sandbox, f"{receiver.url}{url}" if url.startswith("/") else url)
    assert (status, answer["error"]["code"]) == (400, code)
    sandbox.whatsapp(template(PERSON, "1"))
    sandbox.settled()
    assert {path for path, _, _ in receiver.posts} == {"/webhooks/whatsapp"}
