"""Creators sign in by a code over their own channel, on the engine's tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from chalice.test import Client

from chalicelib import http, wiring
from chalicelib.errors import InvalidInput, TooManyRequests
from chalicelib.influencers.model import Influencer, ReviewRequest
from chalicelib.influencers.rows import CodeItem
from chalicelib.influencers.service import CODE_HOLDS_S, MESSAGES_A_NUMBER, Codes
from chalicelib.influencers.store import NoCode, TriesUsedUp
from tests.influencers.test_routes import Api, KnownStaff, joined
from tests.influencers.world import ADMIN, KnownAccounts, World
from tests.pages.conftest import send_codes

PHONE, STRANGER = "+918123456789", "+918123456700"
HERE = "203.0.113.5"
PROOFS = wiring.proofs


def asked(world: World, phone: str = PHONE) -> str:
    asked, _ = world.myself.ask(phone, HERE)
    world.deliver()
    return asked


def test_the_code_goes_over_the_proven_channel_and_is_good_once(world: World) -> None:
    person = world.join()
    sign_in = asked(world)
    code = world.code_of(PHONE)
    assert world.sender.to(PHONE)[-1].category == "authentication"
    assert world.myself.enter(sign_in, code, HERE) == person.id
    with pytest.raises(NoCode):
        world.myself.enter(sign_in, code, HERE)


def test_of_two_who_enter_the_same_code_at_once_one_comes_in(world: World) -> None:
    person = world.join()
    sign_in = asked(world)
    code = world.code_of(PHONE)

    def enter(_: int) -> str:
        try:
            return world.myself.enter(sign_in, code, HERE)
        except NoCode:
            return "late"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(enter, range(4))) == [person.id, "late", "late", "late"]


def test_who_came_by_telegram_names_their_number_and_gets_the_code_in_their_chat(world: World) -> None:
    person = world.join(channel="telegram", chat="7001")
    assert person.phone_proof == "stated"
    sign_in = asked(world)
    assert world.sender.to(PHONE) == []
    [message] = world.sender.to("7001")
    [code] = re.findall(r"\b\d{6}\b", message.text)
    assert world.myself.enter(sign_in, code, HERE) == person.id


def with_email(world: World) -> Influencer:
    """Approved over WhatsApp, with an email that they have confirmed."""
    person = world.approved(
        email="devi@x.test",
        consents=[
            {"purpose": "campaigns", "channel": c, "notice_version": "1"} for c in ("whatsapp", "email")
        ],
    )
    world.messenger.deliver({"kind": "welcome", "influencer": person.id, "event": "evt-1"})
    token = world.sender.to("devi@x.test")[-1].text.partition("/confirm/")[2].partition("?")[0]
    return world.signups.confirm(token)


def test_where_the_own_channel_does_not_take_the_code_the_next_proven_one_may(world: World) -> None:
    world.approved(email="devi@x.test")
    asked(world)
    assert world.sender.ways[-1] == ["whatsapp", "sms"]  # an email that is only stated is nobody's


def test_the_same_code_would_go_over_each_way_in_its_words(world: World) -> None:
    with_email(world)
    sign_in = asked(world)
    assert world.sender.ways[-1] == ["whatsapp", "sms", "email"]
    assert world.code_of(PHONE) == Codes(world.secrets.keyed_hash).code(sign_in, sign_in)


def test_an_address_that_has_said_stop_comes_last_but_for_the_own_channel(world: World) -> None:
    with_email(world)
    world.people.stop("whatsapp", PHONE, evidence="stop", at=world.clock.now())
    asked(world)
    assert world.sender.ways[-1] == ["whatsapp", "email", "sms"]


def test_a_way_for_which_no_words_are_registered_is_left_out(world: World) -> None:
    world.join()
    world.texts.words.clear()
    asked(world)
    assert world.sender.ways[-1] == ["whatsapp"]


def test_an_unknown_number_gets_the_same_answer_the_same_writes_and_no_message(world: World) -> None:
    world.join()
    world.sender.sent.clear()
    known, unknown = asked(world), asked(world, STRANGER)
    assert len(world.sender.sent) == 1
    items = [CodeItem.get(one, "code") for one in (known, unknown)]
    assert {(item.tries, item.until, len(item.digest)) for item in items} == {
        (0, world.clock.epoch() + CODE_HOLDS_S, 40)
    }
    for one in (known, unknown):
        for _ in range(5):
            with pytest.raises(InvalidInput) as refused:
                world.myself.enter(one, "000000" if world.code_of(PHONE) != "000000" else "000001", HERE)
            assert [(e.field, e.code) for e in refused.value.errors] == [("code", "code_wrong")]
        with pytest.raises(TriesUsedUp):
            world.myself.enter(one, world.code_of(PHONE), HERE)


def test_what_waits_in_the_queue_names_no_number(world: World) -> None:
    world.join()
    world.myself.ask(PHONE, HERE)
    [message] = world.queue.messages
    assert PHONE[3:] not in str(message)


def test_the_same_queue_message_again_sends_nothing_and_gives_no_new_tries(world: World) -> None:
    world.join()
    sign_in, _ = world.myself.ask(PHONE, HERE)
    [message] = world.queue.messages
    world.deliver()
    with pytest.raises(InvalidInput):
        world.myself.enter(sign_in, "000000" if world.code_of(PHONE) != "000000" else "000001", HERE)
    sent = len(world.sender.sent)
    world.messenger.deliver(message)
    assert (len(world.sender.sent), CodeItem.get(sign_in, "code").tries) == (sent, 1)


def test_a_code_that_comes_late_is_not_sent_and_one_that_has_run_out_opens_nothing(world: World) -> None:
    world.join()
    sign_in = asked(world)
    code = world.code_of(PHONE)
    world.clock.forward(CODE_HOLDS_S + 1)
    with pytest.raises(NoCode):
        world.myself.enter(sign_in, code, HERE)
    late, _ = world.myself.ask(PHONE, HERE)
    world.clock.forward(CODE_HOLDS_S + 1)
    sent = len(world.sender.sent)
    world.deliver()
    assert len(world.sender.sent) == sent


def test_nobody_can_have_a_phone_flooded_whether_it_is_known_or_not(world: World) -> None:
    world.join()
    for phone, spent in ((PHONE, 1), (STRANGER, 0)):  # the signup's own code counts too
        for _ in range(MESSAGES_A_NUMBER - spent):
            world.myself.ask(phone, HERE)
        with pytest.raises(TooManyRequests):
            world.myself.ask(phone, HERE)


def test_who_has_left_gets_no_code_and_who_is_suspended_does_to_appeal(world: World) -> None:
    person = world.approved()
    world.sender.sent.clear()
    world.register.review(ADMIN, person.id, ReviewRequest(decision="suspend", reason="namuna"))
    asked(world)
    assert len(world.sender.sent) == 1
    world.sender.sent.clear()
    world.register.withdraw(ADMIN, person.id)
    asked(world)
    assert world.sender.sent == {}


# --- over HTTP


@pytest.fixture
def api(prepared: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    import app

    monkeypatch.setattr(http._doors[0], "gate", KnownStaff)
    with Client(app.app) as client:
        yield Api(client)


def signed_in(api: Api) -> str:
    status, answer = api("POST", "/v1/me/codes", {"phone": PHONE})
    assert (status, answer.keys()) == (201, {"id", "status", "expires_at"})
    [message] = send_codes()
    status, session = api("POST", "/v1/me/session", {"id": answer["id"], "code": message.params[0]})
    assert status == 200
    return str(session["token"])


def test_a_creator_signs_in_sees_themself_in_clear_and_signs_out(api: Api) -> None:
    influencer_id = joined(api)
    token = signed_in(api)
    status, me = api("GET", "/v1/me", who=token)
    assert (status, me["id"], me["phone"], me["status"]) == (200, influencer_id, PHONE, "pending_review")
    assert [h["handle"] for h in me["handles"]] == ["sunita.devi"]
    assert [c["purpose"] for c in me["consents"]] == ["campaigns"]
    assert api("DELETE", "/v1/me/session", who=token)[0] == 204
    assert api("GET", "/v1/me", who=token)[0] == 401


def test_over_http_a_creator_changes_what_is_theirs_to_change(api: Api) -> None:
    joined(api)
    token = signed_in(api)
    assert api("PATCH", "/v1/me", {"language": "en"})[0] == 401
    status, me = api("PATCH", "/v1/me", {"language": "en", "paused_until": "open"}, who=token)
    assert (status, me["language"], me["paused_until"], me["phone"]) == (200, "en", "open", PHONE)
    status, problem = api("PATCH", "/v1/me", {"status": "approved", "phone": "+918123456700"}, who=token)
    assert (status, [one["field"] for one in problem["errors"]]) == (422, ["status", "phone"])
    assert api("PATCH", "/v1/me", {"paused_until": ""}, who=token)[1]["paused_until"] == ""


def test_over_http_consents_are_listed_given_and_taken_back(api: Api) -> None:
    joined(api)
    token = signed_in(api)
    given = {"purpose": "surveys", "channel": "whatsapp", "notice_version": "1"}
    status, answer = api("POST", "/v1/me/consents", given, who=token)
    assert (status, [one["purpose"] for one in answer["items"]]) == (201, ["campaigns", "surveys"])
    status, page = api("GET", "/v1/me/consents?limit=1", who=token)
    assert (len(page["items"]), page["items"][0]["purpose"]) == (1, "campaigns")
    _, rest = api("GET", f"/v1/me/consents?limit=1&cursor={page['next']}", who=token)
    assert ([one["purpose"] for one in rest["items"]], rest["next"]) == (["surveys"], None)
    status, left = api("DELETE", "/v1/me/consents?purpose=surveys", who=token)
    assert (status, [one["purpose"] for one in left["items"]]) == (200, ["campaigns"])
    assert api("DELETE", "/v1/me/consents?channel=pigeon", who=token)[0] == 422
    assert api("DELETE", "/v1/me/consents", who=token)[0] == 422  # nobody takes all back by a slip
    assert api("DELETE", "/v1/me/consents?purpose=campaigns", who=token)[1]["items"] == []


def test_over_http_who_leaves_is_signed_out(api: Api) -> None:
    joined(api)
    token = signed_in(api)
    assert api("POST", "/v1/me/withdrawal", {}, who=token)[0] == 422
    assert api("POST", "/v1/me/withdrawal", {"sure": True}, who=token)[0] == 204
    assert api("GET", "/v1/me", who=token)[0] == 401


def test_the_cookie_is_kept_from_scripts_and_from_other_sites_forms(api: Api) -> None:
    joined(api)
    status, answer = api("POST", "/v1/me/codes", {"phone": PHONE})
    assert status == 201
    [message] = send_codes()
    raw = api.client.http.request(
        "POST",
        "/v1/me/session",
        headers={"Content-Type": "application/json"},
        body=f'{{"id": "{answer["id"]}", "code": "{message.params[0]}"}}'.encode(),
    )
    cookie = raw.headers["Set-Cookie"]
    assert cookie.startswith("janjan_me=me1.")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/"))
    kept = cookie.split(";")[0]
    assert api("GET", "/v1/me", cookie=kept)[0] == 200
    assert api("DELETE", "/v1/me/session", cookie=kept, origin="https://elsewhere.test")[0] == 403
    assert api("GET", "/v1/me", cookie=kept)[0] == 200


def test_a_creators_token_opens_no_door_of_the_staff(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    joined(api)
    token = signed_in(api)
    monkeypatch.setattr(http._doors[0], "gate", wiring.gate)
    assert api("GET", "/v1/influencers", who=token)[0] == 401
    assert api("GET", "/v1/influencers", cookie=f"janjan_me={token}")[0] == 401


def test_over_http_only_emails_that_are_stopped_are_taken_up_again(api: Api) -> None:
    joined(api)
    token = signed_in(api)
    status, problem = api("POST", "/v1/me/emails", {}, who=token)
    assert (status, problem["title"]) == (409, "emails not stopped")
    assert api("POST", "/v1/me/emails", {})[0] == 401


def test_a_suspension_ends_the_session_for_good(api: Api) -> None:
    influencer_id = joined(api)
    token = signed_in(api)
    review = f"/v1/influencers/{influencer_id}/review"
    assert api("POST", review, {"decision": "approve"}, who="one")[0] == 200
    assert api("GET", "/v1/me", who=token)[0] == 200
    assert api("POST", review, {"decision": "suspend", "reason": "namuna"}, who="one")[0] == 200
    assert api("GET", "/v1/me", who=token)[0] == 401
    assert api("POST", review, {"decision": "approve"}, who="one")[0] == 200
    assert api("GET", "/v1/me", who=token)[0] == 401


def test_a_signups_id_is_no_sign_in(api: Api) -> None:
    _, answer = api("POST", "/v1/me/codes", {"phone": "12"})
    assert answer["errors"][0]["field"] == "phone"
    status, answer = api("POST", "/v1/me/session", {"id": "inf_aaaaaaaaaaaaaaaa", "code": "123456"})
    assert (status, answer["errors"][0]["field"]) == (422, "id")


def test_a_creator_proves_an_account_over_http_and_everybody_sees_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    influencer_id = joined(api)
    token = signed_in(api)
    accounts = KnownAccounts()
    monkeypatch.setattr(wiring, "proofs", lambda: replace(PROOFS(), meter=accounts))
    [handle] = api("GET", "/v1/me", who=token)[1]["handles"]
    assert handle["proof"] == "stated"
    path = f"/v1/handles/{handle['id']}/proof"
    status, asked = api("POST", path, {}, who=token)
    assert (status, asked["handle"]) == (201, "sunita.devi")
    assert asked["ways"] == [{"way": "bio", "to": ""}, {"way": "message", "to": ""}]
    accounts.show("instagram", "sunita.devi", "namaste")
    status, problem = api("POST", f"{path}/check", {}, who=token, accept_language="hi")
    assert (status, problem["errors"][0]["code"]) == (422, "code_not_shown")
    accounts.show("instagram", "sunita.devi", asked["code"])
    status, checked = api("POST", f"{path}/check", {}, who=token)
    assert (status, checked["proof"], checked["account"]) == (200, "verified", "178")
    assert api("GET", "/v1/me", who=token)[1]["handles"] == [checked]
    assert api("GET", f"/v1/influencers/{influencer_id}", who="admin")[1]["handles"] == [checked]
    assert api("GET", "/v1/influencers?contested=true", who="admin")[1]["items"] == []
    assert api("POST", path, {})[0] == 401
    assert api("POST", path, {}, who="admin")[0] == 401
    assert api("POST", "/v1/handles/hnd_other/proof", {}, who=token)[0] == 404
