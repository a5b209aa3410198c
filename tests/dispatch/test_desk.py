"""Stops, channels and dead letters in the console."""

from __future__ import annotations

import html
import json
import re
from types import SimpleNamespace
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import boto3
import pytest
from chalice.test import Client, HTTPResponse

from chalicelib import dead_letters, queues, wiring
from chalicelib.dead_letters import LetterDesk
from chalicelib.dispatch.channels import ChannelDesk
from chalicelib.dispatch.decisions import Decisions
from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.model import NOT_UNKNOWN, DeliveryKey
from chalicelib.dispatch.stops import StopDesk, only
from chalicelib.errors import Transient
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.platforms.base import SendRefused
from tests.dispatch.test_routes import CAMPAIGN, NoAreas, campaign, forget_the_answer, get, made, unknown
from tests.dispatch.world import RUN, World

__all__ = ["get", "made", "unknown"]

ADMIN = Principal("u-admin", "", "", frozenset({"admin"}))
CHANNEL = "/console/channels/whatsapp-main"


@pytest.fixture
def desk(made: World, get, monkeypatch) -> World:
    """The world of a campaign, with channels and stops that staff look after."""
    exists = {
        "channel": only(lambda: {"whatsapp", "whatsapp-main"}),
        "department": only(lambda: {"dept_sample"}),
    }
    desk = StopDesk(made.store, exists, NoAreas(), made.runs, made.plan_queue, wiring.audit(), made.clock)
    channels = ChannelDesk(
        made.platform,
        made.paces,
        made.store,
        Direct(made.store, made.platform, made.clock),
        wiring.audit(),
        made.clock,
    )
    monkeypatch.setattr(wiring, "stop_desk", lambda: desk)
    monkeypatch.setattr(wiring, "channel_desk", lambda: channels)
    monkeypatch.setattr(wiring, "users", lambda: SimpleNamespace(names=lambda: {"admin": "Sample Admin"}))
    monkeypatch.setattr(wiring, "department_names", lambda: {"dept_sample": {"en": "Health", "hi": "स्वास्थ्य"}})
    places = SimpleNamespace(get=lambda _: None, many=lambda _: {}, children=lambda _: [])
    monkeypatch.setattr(wiring, "directory", lambda: places)
    found = wiring.campaigns()
    found.under_way = lambda who, runs: [(campaign(CAMPAIGN), made.runs.briefs[run]) for run in runs]
    found.templates = lambda _: []
    found.titles = lambda ids: {CAMPAIGN: campaign(CAMPAIGN).content.title}
    found.page = lambda *_: ([campaign(CAMPAIGN)], None)
    return made


def post(path: str, who: str = "admin", **fields: str) -> HTTPResponse:
    from app import app

    headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/x-www-form-urlencoded"}
    with Client(app) as client:
        return client.http.post(f"{path}?lang=en", headers=headers, body=urlencode(fields).encode())


def post_all(path: str, who: str, fields: list[tuple[str, str]], query: str = "") -> HTTPResponse:
    from app import app

    headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/x-www-form-urlencoded"}
    with Client(app) as client:
        where = f"{path}?lang=en{query and '&' + query}"
        return client.http.post(where, headers=headers, body=urlencode(fields).encode())


def text(answer: HTTPResponse) -> str:
    return answer.body.decode()


def test_a_stop_is_shown_with_what_it_halts_before_it_is_set(desk, get):
    page = text(get("/console/stops/new?lang=en&scope=department:dept_sample", "approver"))
    assert "Department: Health" in page
    assert "No campaign of this department sends anything more." in page
    assert desk.store.stops() == []


def test_who_confirms_with_a_reason_stops_it_and_everybody_sees_why(desk, get):
    answer = post("/console/stops/new", scope="channel:whatsapp-main", reason="Wrong number in it")
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["said"] == ["put"]
    assert [stop.scope for stop in desk.store.stops()] == ["channel:whatsapp-main"]
    page = text(get("/console/stops?lang=en&said=put", "coordinator"))
    assert "Wrong number in it" in page
    assert "Sample Admin" in page
    assert "Lift…" not in page, "who may not lift is not offered to"
    assert "Lift…" in text(get("/console/stops?lang=en", "approver"))


def test_without_a_reason_nothing_is_stopped_and_the_choice_stays(desk):
    answer = post("/console/stops/new", scope="all", reason="  ")
    assert answer.status_code == 422
    assert 'name="scope" value="all"' in text(answer)
    assert "reason-error" in text(answer)
    assert desk.store.stops() == []


def test_what_does_not_exist_cannot_be_stopped(desk):
    answer = post("/console/stops/new", scope="channel:nowhere", reason="x")
    assert answer.status_code == 404
    assert "nothing called channel:nowhere" in text(answer)
    assert desk.store.stops() == []


def test_the_confirmation_names_the_campaigns_that_it_holds(desk, get):
    desk.runs.set(f"{CAMPAIGN}-1", "dispatching")
    for scope in ("all", "department:dept_sample", "channel:whatsapp-main"):
        assert "हर मत की क़ीमत" in text(get(f"/console/stops/new?lang=en&scope={scope}", "admin")), scope


def test_lifting_twice_by_a_double_click_lifts_it_once(desk, get):
    post("/console/stops/new", scope="all", reason="x")
    page = text(get("/console/stops/all?lang=en", "admin"))
    assert "Sending goes on within seconds" in page
    since = _since(page)
    answers = [post("/console/stops/all", since=since) for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    entries, _ = wiring.audit().of("stop#all", limit=10)
    assert [entry.action for entry in entries] == ["stop.lifted", "stop.put"]


def test_a_late_click_lifts_no_stop_that_was_set_since_its_page_was_opened(desk, get):
    post("/console/stops/new", scope="all", reason="x")
    since = _since(text(get("/console/stops/all?lang=en", "admin")))
    wiring.stop_desk().lift(ADMIN, "all")
    desk.clock.move(60)
    post("/console/stops/new", scope="all", reason="a new reason")
    late = post("/console/stops/all?lang=en", since=since)
    assert late.status_code == 409 and "a new reason" in late.body.decode()
    assert [stop.reason for stop in wiring.stop_desk().listed(ADMIN)] == ["a new reason"]


def _since(page: str) -> str:
    return re.search(r'name="since" value="([^"]+)"', page)[1]


def test_editors_set_no_stops(desk, get):
    assert post("/console/stops/new", "editor", scope="all", reason="x").status_code == 403
    assert get("/console/stops/new?lang=en", "editor").status_code == 403


def test_channels_show_their_pace_and_that_they_are_ill(desk, get):
    post("/console/stops/new", scope="channel:whatsapp-main", reason="Trial is over")
    page = text(get("/console/channels?lang=en", "coordinator"))
    assert "whatsapp-main" in page
    assert "stopped" in page
    one = text(get(f"{CHANNEL}?lang=en", "coordinator"))
    assert "Trial is over" in one
    assert "Let it send again" not in one
    assert "Send the test message" not in one
    since = _since(text(get(f"{CHANNEL}?lang=en", "admin")))
    assert post(f"{CHANNEL}/resume", since=since).status_code == 303
    assert desk.store.stops() == []


def test_a_test_message_goes_out_once_though_its_button_is_pressed_twice(desk, get):
    page = text(get(f"{CHANNEL}?lang=en", "admin"))
    once = re.search(r'name="once" value="([^"]+)"', page)[1]
    before = len(desk.platform.requests)
    answers = [post(f"{CHANNEL}/test", to="+919000000001", text="Sample", once=once) for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    assert len(desk.platform.requests) == before + 1
    told = text(get(answers[1].headers["Location"].partition("#")[0], "admin"))
    assert "The platform took the test message." in told
    entries, _ = wiring.audit().of("channel#whatsapp-main", limit=10)
    assert [entry.action for entry in entries] == ["channel.tested"]


def test_a_refused_test_message_says_with_which_code(desk, get):
    desk.platform.answers["+919000000001"] = [SendRefused("131047", "person")]
    answer = post(f"{CHANNEL}/test", to="+919000000001", text="Sample", once="a" * 20)
    told = text(get(answer.headers["Location"].partition("#")[0], "admin"))
    assert "131047" in told
    assert "The platform took" not in told


@pytest.mark.parametrize(
    "fields", [{"text": "x"}, {"to": "+919000000001"}, {"to": "1", "template": "none hi"}]
)
def test_a_test_message_that_lacks_something_is_not_sent_and_keeps_what_was_typed(desk, fields):
    before = len(desk.platform.requests)
    answer = post(f"{CHANNEL}/test", once="b" * 20, **fields)
    assert answer.status_code == 422
    assert all(value in text(answer) for value in fields.values() if value != "none hi")
    assert len(desk.platform.requests) == before


def test_limits_are_set_below_what_is_allowed_and_refused_above(desk):
    assert post(f"{CHANNEL}/limits", rate_per_s="2").status_code == 303
    assert wiring.channel_desk().get("whatsapp-main").limit.rate_per_s == 2
    answer = post(f"{CHANNEL}/limits", rate_per_s="100000")
    assert answer.status_code == 422
    assert 'value="100000"' in text(answer)
    assert post(f"{CHANNEL}/limits").status_code == 303, "empty fields lift what was set"
    assert wiring.channel_desk().get("whatsapp-main").pace.rate_per_s is None


def test_dead_letters_are_counted_by_queue_and_nothing_is_moved(desk, get):
    sqs = boto3.client("sqs")
    urls = {
        name: sqs.create_queue(QueueName=f"janjan-local-{name}-dead")["QueueUrl"] for name in queues.DEAD[:-1]
    }
    try:
        sqs.send_message(QueueUrl=urls["send"], MessageBody="{}")
        assert queues.dead_letters("local") == dict.fromkeys(queues.DEAD, 0) | {"send": 1, "events": None}
        page = text(get("/console/letters?lang=en", "auditor"))
        assert "Look at the report first" in page
        assert "no data" in page
        assert queues.dead_letters("local")["send"] == 1
    finally:
        for url in urls.values():
            sqs.delete_queue(QueueUrl=url)
    assert get("/console/letters?lang=en", "editor").status_code == 403


def test_that_everything_was_handled_is_said_when_every_queue_says_so(desk, get, monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.desk.dead_letters", lambda stage: dict.fromkeys(queues.DEAD, 0))
    assert "everything was handled" in text(get("/console/letters?lang=en", "auditor"))
    monkeypatch.setattr(
        "chalicelib.dispatch.desk.dead_letters", lambda stage: dict.fromkeys(queues.DEAD, 0) | {"send": None}
    )
    assert "everything was handled" not in text(get("/console/letters?lang=en", "auditor"))


LETTERS = "/console/letters/send"


@pytest.fixture
def dead(desk, monkeypatch):
    """The queue of sending and its dead letters, among them a chunk that has been sent; gives their URLs."""
    sqs = boto3.client("sqs")
    monkeypatch.setattr(dead_letters, "WAIT_S", 0)
    urls = [sqs.create_queue(QueueName=f"janjan-local-send{end}")["QueueUrl"] for end in ("", "-dead")]
    chunk = desk.tallies()[0].chunk
    sqs.send_message(QueueUrl=urls[1], MessageBody=json.dumps({"run": RUN, "chunk": chunk}))
    sqs.send_message(QueueUrl=urls[1], MessageBody=json.dumps({"phone": "+919000012345", "name": "asha"}))
    yield urls
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def lying_in(url: str) -> list[dict[str, str]]:
    """All messages of a queue, which stay there."""
    answer = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def ids_of(page: str) -> list[str]:
    return re.findall(r'name="id" value="([^"]+)"', page)


def test_each_dead_letter_is_shown_with_its_campaign_and_nothing_of_a_person(desk, get, dead):
    page = text(get(f"{LETTERS}?lang=en", "admin"))
    assert f"of run {RUN}" in page and "हर मत की क़ीमत" in page
    assert f"/console/campaigns/{RUN[:-2]}/report" in page
    assert "something that cannot be read, " in page
    assert "9000012345" not in page and "asha" not in page
    assert len(lying_in(dead[1])) == 2, "who looks gives them back at once"
    assert 'name="do"' not in text(get(f"{LETTERS}?lang=en", "auditor"))
    assert get(f"{LETTERS}?lang=en", "editor").status_code == 403
    assert get("/console/letters/nowhere?lang=en", "admin").status_code == 404
    assert get("/console/letters/events?lang=en", "admin").status_code == 404, (
        "a queue that the stage does not have"
    )


def test_a_letter_that_is_sent_back_twice_reaches_nobody_twice(desk, get, dead):
    sent, [first, second] = desk.requests_to(), ids_of(text(get(f"{LETTERS}?lang=en", "admin")))
    chunk = next(one for one in (first, second) if one in _of_run(get))
    assert post(LETTERS, do="redrive", id=chunk).status_code == 303
    assert post(LETTERS, do="redrive", id=chunk).status_code == 409, "a second click finds it gone"
    [back] = lying_in(dead[0])
    assert len(lying_in(dead[1])) == 1
    for _ in range(2):  # even a copy, left by a break-off between sending and deleting
        desk.send_one(back)
    assert desk.requests_to() == sent
    [entry], _ = Audit().of("queue#send-dead", limit=10)
    assert (entry.action, entry.actor, entry.detail["letter"]) == ("dead_letter.redriven", "admin", chunk)


def test_a_letter_is_closed_with_a_reason_that_names_nobody_and_stays_otherwise(desk, get, dead):
    one = ids_of(text(get(f"{LETTERS}?lang=en", "admin")))[0]
    for reason in ("", "  ", "Ask 90000 12345", "x" * 501):
        answer = post(LETTERS, do="close", id=one, reason=reason)
        assert answer.status_code == 422
        assert f'value="{one}" checked' in text(answer), "what was chosen is kept"
    assert post(LETTERS, do="close", reason="A trial").status_code == 422, "none was chosen"
    assert post(LETTERS, do="burn", id=one).status_code == 422
    assert post(LETTERS, "auditor", do="close", id=one, reason="A trial").status_code == 403
    assert len(lying_in(dead[1])) == 2 and Audit().of("queue#send-dead", limit=10)[0] == []
    assert post(LETTERS, do="close", id=one, reason="The run was a trial").status_code == 303
    assert len(lying_in(dead[1])) == 1 and lying_in(dead[0]) == []
    [entry], _ = Audit().of("queue#send-dead", limit=10)
    assert entry.detail["reason"] == "The run was a trial"


def test_how_many_went_back_and_how_many_stay_is_said_when_somebody_else_has_some_open(desk, get, dead):
    ids = ids_of(text(get(f"{LETTERS}?lang=en", "admin")))
    sqs = boto3.client("sqs")
    sqs.receive_message(QueueUrl=dead[1], MaxNumberOfMessages=1, VisibilityTimeout=60)  # somebody else's look
    answer = post_all(LETTERS, "admin", [("do", "redrive"), *(("id", one) for one in ids)])
    assert answer.status_code == 409
    assert "Sent back: 1 of the 2 that you chose." in text(answer)
    assert "Left as they are: 1." in text(answer)
    assert len(lying_in(dead[0])) == 1


def test_what_went_back_is_said_though_the_service_was_busy_at_another(desk, get, dead, monkeypatch):
    ids, real, tried = ids_of(text(get(f"{LETTERS}?lang=en", "admin"))), LetterDesk.send_back, list[str]()

    def busy_once(self, by, name, letter):
        tried.append(letter.id)
        if len(tried) == 1:
            raise Transient
        real(self, by, name, letter)

    monkeypatch.setattr(LetterDesk, "send_back", busy_once)
    answer = post_all(LETTERS, "admin", [("do", "redrive"), *(("id", one) for one in ids)])
    assert answer.status_code == 409
    assert "Sent back: 1 of the 2 that you chose." in text(answer)
    assert text(answer).count(str(Transient.message)) == 2, "beside the letter and above"
    assert "Left as they are" not in text(answer)


def test_of_letters_that_only_a_terminal_hands_over_each_tells_its_command(desk, get, monkeypatch):
    monkeypatch.setattr(dead_letters, "WAIT_S", 0)
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="janjan-local-events-dead")["QueueUrl"]
    try:
        sqs.send_message(QueueUrl=url, MessageBody="{}")
        page = text(get("/console/letters/events?lang=en", "admin"))
        [one] = ids_of(page)
        assert f'ARGS="redrive events --id {one}"' in html.unescape(page)
        assert "redrive" not in text(get("/console/letters/events?lang=en", "auditor"))
        assert post("/console/letters/events", do="redrive", id=one).status_code == 422
    finally:
        sqs.delete_queue(QueueUrl=url)


def _of_run(get) -> str:
    """The line of the page that tells of a run."""
    return next(
        line for line in text(get(f"{LETTERS}?lang=en", "admin")).splitlines() if f"of run {RUN}" in line
    )


def test_unknown_deliveries_are_listed_over_campaigns_until_somebody_decides(desk, get, unknown):
    page = text(get("/console/unknowns?lang=en", "editor"))
    assert unknown in page and "हर मत की क़ीमत" in page
    assert "Close the chosen ones" not in page, "editors see them and do not decide"
    assert "Close the chosen ones" in text(get("/console/unknowns?lang=en", "approver"))
    answer = post("/console/unknowns", "approver", key=unknown, reason="Asked her, it arrived")
    assert answer.status_code == 303
    assert unknown not in text(get("/console/unknowns?lang=en", "approver"))
    assert desk.counts().closed == 1
    again = post("/console/unknowns", "approver", key=unknown, reason="Asked her, it arrived")
    assert again.status_code == 303, "the decision that stands is the same"


def test_of_several_those_that_cannot_be_closed_are_named_with_why(desk, get, unknown):
    known = next(message.key for _, message in desk.platform.taken if message.key != unknown)
    answer = close_all([unknown, known])
    assert answer.status_code == 409
    assert "1 of 2 are closed." in text(answer)
    assert NOT_UNKNOWN in html.unescape(text(answer)), "also of one that is not in the list any more"
    assert desk.counts().closed == 1


def close_all(keys: list[str], query: str = "") -> HTTPResponse:
    fields = [*(("key", key) for key in keys), ("reason", "No answer")]
    return post_all("/console/unknowns", "approver", fields, query)


def ticked(page: str) -> list[str]:
    return re.findall(r'name="key" value="([^"]+)" checked', page)


def test_many_are_closed_in_steps_that_say_what_was_done_and_closing_twice_counts_once(
    desk, get, unknown, monkeypatch
):
    keys = [message.key for _, message in desk.platform.taken][:20]
    for key in keys:
        if key != unknown:
            forget_the_answer(DeliveryKey.parse(key))
    real, made = Decisions.decide, list[str]()

    def slow(self, actor, key, decision, reason):
        desk.clock.move(1.5)
        made.append(key)
        return real(self, actor, key, decision, reason)

    monkeypatch.setattr(Decisions, "decide", slow)
    left, steps = keys, 0
    while left:
        answer, steps = close_all(left, "cursor="), steps + 1
        done = len(made)
        if answer.status_code == 303:
            break
        assert answer.status_code == 409
        assert f"Closed so far: {len(left) - len(ticked(text(answer)))} of {len(left)}." in text(answer)
        left = ticked(text(answer))
        assert desk.counts().closed == done < len(keys)
    assert sorted(made) == sorted(keys), "each was tried once"
    assert steps == 3, "seven in ten seconds"
    assert close_all(keys[:3]).status_code == 303, "sent once more, it is as it was"
    assert desk.counts().closed == len(keys)
    entries = [Audit().of(f"delivery#{key}", limit=10)[0] for key in keys]
    assert [len(found) for found in entries] == [1] * len(keys)


def test_more_than_are_shown_are_counted(desk, get, unknown, monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.desk.MOST_OF_A_CAMPAIGN", 3)
    for key in [message.key for _, message in desk.platform.taken if message.key != unknown][:9]:
        forget_the_answer(DeliveryKey.parse(key))
    page = text(get("/console/unknowns?lang=en", "approver"))
    assert len(re.findall('name="key"', page)) == 3
    assert "These are the first 3" in page


@pytest.mark.parametrize("fields", [{"reason": "x"}, {"key": "x"}])
def test_closing_needs_a_choice_and_a_reason(desk, unknown, fields):
    answer = post("/console/unknowns", "approver", **(fields | ({"key": unknown} if "key" in fields else {})))
    assert answer.status_code == 422
    assert desk.counts().closed == 0


def test_one_is_sent_once_more_by_a_person_however_often_the_button_is_pressed(desk, get, unknown):
    page = text(get(f"/console/unknowns/{unknown}?lang=en", "approver"))
    assert "may get it twice" in page
    where = f"/console/unknowns/{unknown}"
    assert post(where, "approver", decision="resend").status_code == 422
    answers = [post(where, "approver", decision="resend", reason="She asked") for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    before = len(desk.platform.requests)
    desk.send()
    assert len(desk.platform.requests) == before + 1
    told = text(get(f"{where}?lang=en&said=resend", "editor"))
    assert "She asked" in told and "Send it once more" not in told
    otherwise = post(where, "approver", decision="close", reason="x")
    assert otherwise.status_code == 409
    assert "decided otherwise" in text(otherwise)


def test_a_delivery_that_does_not_exist_is_not_there(desk, get):
    for key in ("x", f"{CAMPAIGN}-1.00000000000.0.9", f"{CAMPAIGN}-1.99999999999.0.1"):
        assert get(f"/console/unknowns/{key}?lang=en", "editor").status_code == 404


def test_scopes_travel_in_addresses(desk, get):
    post("/console/stops/new", scope="department:dept_sample", reason="x")
    path = f"/console/stops/{quote('department:dept_sample', safe='')}"
    assert "Department: Health" in text(get(f"{path}?lang=en", "admin"))
