"""An ill channel is stopped at its platform's word and goes on when a person or a probe says so; what staff
see of channels, set and try."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.dispatch.channels import SYSTEM, Breaker, ChannelDesk
from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.stops import StopDesk, only
from chalicelib.errors import Forbidden, InvalidInput, Transient
from chalicelib.identity.roles import Principal
from chalicelib.platforms.base import OutcomeUnknown, Outgoing, SendRefused, Throttled
from tests.dispatch.world import RUN, World, address, world

pytestmark = pytest.mark.usefixtures("tables")
ADMIN = Principal("u-admin", "", "", frozenset({"admin"}))
SCOPE = "channel:whatsapp-main"


def ill(people: int = 60) -> World:
    """A world whose channel was refused at the third person."""
    made = world(people)
    made.platform.ill = True
    made.platform.answers[address(2)] = [SendRefused("131031", "channel")]
    made.launch()
    pass_time(made, 30)
    return made


def pass_time(made: World, seconds: float) -> None:
    """Lets the senders work until so much later; only a lifted stop wakes anybody."""
    end = made.clock.epoch() + seconds
    while made.send_queue.messages:
        made.send_queue.messages.sort(key=lambda m: m[0])
        if made.send_queue.messages[0][0].timestamp() > end:
            break
        made.send_one(made.send_queue.take() or {})
    made.clock.move(max(0.0, end - made.clock.epoch()))


def audited(scope: str = f"stop#{SCOPE}") -> list[tuple[str, str]]:
    entries, _ = wiring.audit().of(scope, limit=10)
    return [(entry.action, entry.actor) for entry in reversed(entries)]


def told(made: World) -> list[str]:
    return [entry.id for entry in made.bus.entries if entry.name == "channel.stopped"]


def test_a_refusal_of_the_whole_channel_stops_it_once_and_everybody_waits():
    made = ill()
    asked = len(made.platform.requests)
    assert asked < 45
    [stop] = made.store.stops()
    assert (stop.scope, stop.by, stop.code, stop.told) == (SCOPE, SYSTEM, "131031", True)
    assert audited() == [("stop.put", SYSTEM)]
    assert len(told(made)) == 1
    pass_time(made, 600)
    assert len(made.platform.requests) == asked
    assert made.counts().in_progress == 60 - made.counts().accepted > 0


def test_a_probe_lifts_it_when_the_platform_is_well_and_everybody_is_sent_once():
    made = ill()
    for _ in range(16):
        made.breaker().watch()
        pass_time(made, 60)
    assert 3 <= len(made.platform.probes) <= 6, "1, 2, 4 … minutes apart"
    made.platform.ill = False
    for _ in range(16):
        made.breaker().watch()
        pass_time(made, 60)
    assert made.store.stops() == []
    assert audited() == [("stop.put", SYSTEM), ("stop.lifted", SYSTEM)]
    made.send()
    assert made.counts().accepted == 60
    assert made.taken_by() == {address(n): 1 for n in range(60)}
    assert len(told(made)) == 1


@pytest.mark.parametrize(
    "trouble", [SendRefused("190", "channel"), OutcomeUnknown(), Transient(), Throttled(5)]
)
def test_a_probe_without_a_clear_answer_lifts_nothing(trouble):
    made = ill()

    def no_answer(channel):
        raise trouble

    made.platform.probe = no_answer  # type: ignore[method-assign]
    made.clock.move(120)
    made.breaker().watch()
    [stop] = made.store.stops()
    assert stop.probes == 1
    assert stop.probe_at is not None
    assert stop.probe_at > made.clock.now()


def test_a_persons_stop_is_never_probed_and_never_replaced_by_the_breaker():
    made = world(3)
    made.stop(SCOPE)
    made.breaker().stop_channel("whatsapp-main", "131031")
    made.clock.move(7200)
    made.breaker().watch()
    [stop] = made.store.stops()
    assert stop.by == "u-admin"
    assert made.platform.probes == []
    assert told(made) == []


def test_a_person_who_stops_an_ill_channel_takes_it_from_the_probe():
    made = ill()
    made.platform.ill = False
    made.stop(SCOPE)
    made.clock.move(7200)
    made.breaker().watch()
    assert [stop.by for stop in made.store.stops()] == ["u-admin"]


def test_a_crash_anywhere_between_stopping_and_lifting_tells_once_and_ends_well(tables):
    for after in (False, True):
        for at in range(1, 8):
            tables.empty()
            made = world(1)
            made.faults.calls, made.faults.at, made.faults.after = 0, at, after
            for _ in range(3):
                with_luck(made, lambda made=made: made.breaker().stop_channel("whatsapp-main", "131031"))
            for _ in range(8):
                made.clock.move(3600)
                with_luck(made, lambda made=made: made.breaker().watch())
            assert made.store.stops() == []
            assert len(set(told(made))) == 1, (after, at)
            assert audited()[0] == ("stop.put", SYSTEM)
            assert audited()[-1] == ("stop.lifted", SYSTEM)
            assert len(audited()) == 2


def with_luck(made: World, act) -> None:
    from tests.dispatch.world import Crash

    if made.store.stops() == [] and told(made):  # it has been lifted: nobody stops it again
        return
    try:
        act()
    except Crash:
        made.faults.at = None


def test_a_refusal_of_the_campaign_pauses_it_and_nobody_is_lost():
    made = world(60)
    made.platform.answers[address(4)] = [SendRefused("132015", "campaign")]
    made.launch()
    pass_time(made, 300)
    assert made.campaign_halts.paused[0] == (RUN[:-2], "132015")
    assert made.runs.briefs[RUN].status == "paused"
    assert made.store.stops() == []
    made.runs.set(RUN, "dispatching")
    made.send()
    assert made.counts().accepted == 60
    assert made.taken_by() == {address(n): 1 for n in range(60)}


def test_word_about_an_account_stops_all_channels_of_its_platform():
    made = world(1)
    made.breaker().stop_platform("whatsapp", "account.disabled_update")
    assert [stop.scope for stop in made.store.stops()] == [SCOPE]


def test_no_probe_lifts_a_stop_that_only_a_person_may_lift_whatever_stood_before():
    made = ill()
    made.platform.ill = False
    made.breaker().stop_platform("whatsapp", "account.sns_unsubscribed", probed=False)
    made.clock.move(7200)
    made.breaker().watch()
    made.breaker().stop_channel("whatsapp-main", "131031")
    [stop] = made.store.stops()
    assert (stop.code, stop.probe_at, stop.told) == ("account.sns_unsubscribed", None, True)
    made.stop(SCOPE)
    made.breaker().stop_platform("whatsapp", "account.sns_unsubscribed", probed=False)
    assert [stop.by for stop in made.store.stops()] == ["u-admin"]


# --- staff --------------------------------------------------------------------------------------------------


@pytest.fixture
def desk() -> ChannelDesk:
    made = world(1)
    made.platform.rate_per_s = 80.0
    made.platform.per_day = 2000
    direct = Direct(made.store, made.platform, made.clock, made.standing)
    return ChannelDesk(made.platform, made.paces, made.store, direct, wiring.audit(), made.clock)


def test_staff_lower_limits_and_lift_them_again(desk):
    assert desk.get("whatsapp-main").limit.rate_per_s == 80
    changed = desk.set_limits(ADMIN, "whatsapp-main", 10.0, 500)
    assert (changed.limit.rate_per_s, changed.limit.per_day) == (10.0, 500)
    lease = desk.paces.lease("whatsapp-main", 5, changed.allowed, desk.clock.epoch())
    assert lease.gap == pytest.approx(1 / 9.8)
    assert desk.get("whatsapp-main").pace.used(desk.clock.epoch()) == 5
    lifted = desk.set_limits(ADMIN, "whatsapp-main", None, None)
    assert (lifted.limit.rate_per_s, lifted.limit.per_day) == (80.0, 2000)
    assert audited("channel#whatsapp-main") == [("channel.changed", "u-admin")] * 2


def test_limits_are_never_raised_above_the_channels_own(desk):
    with pytest.raises(InvalidInput) as wrong:
        desk.set_limits(ADMIN, "whatsapp-main", 81.0, 2001)
    assert [error.field for error in wrong.value.errors] == ["rate_per_s", "per_day"]
    assert audited("channel#whatsapp-main") == []


def test_health_says_what_holds_a_channel(desk):
    assert desk.get("whatsapp-main").health == "well"
    desk.paces.slowed("whatsapp-main", 30, desk.clock.epoch())
    assert desk.get("whatsapp-main").health == "resting"
    desk.clock.move(31)
    assert desk.get("whatsapp-main").health == "slowed"
    desk.clock.move(60)
    assert desk.get("whatsapp-main").health == "well"
    desk.gateway.ill = True
    made = Breaker(
        desk.store, desk.gateway, None, None, wiring.audit(), type("Bus", (), {"publish": len})(), desk.clock
    )
    made.stop_channel("whatsapp-main", "190")
    assert [one.health for one in desk.listed()] == ["well", "stopped"]


def test_a_test_message_goes_out_and_the_audit_holds_no_address(desk):
    assert desk.try_out(ADMIN, "whatsapp-main", "+919000000001", Outgoing(text="Sample")) == "accepted"
    assert [to for to, _ in desk.gateway.requests] == ["+919000000001"]
    entries, _ = wiring.audit().of("channel#whatsapp-main", limit=1)
    assert entries[0].action == "channel.tested"
    assert "9000000001" not in json.dumps(dict(entries[0].detail))
    desk.gateway.answers["+919000000001"] = [SendRefused("131047", "person")]
    again = desk.try_out(ADMIN, "whatsapp-main", "+919000000001", Outgoing(text="Sample"))
    assert again == "refused:131047"


@pytest.fixture
def call(desk, monkeypatch):
    """`call("admin", "PUT", "/v1/channels/whatsapp-main", {…})` gives status and JSON; the caller has that
    role alone."""
    from app import app
    from chalicelib import http

    class Gate:
        def principal(self, bearer):
            return Principal(bearer, "", "", frozenset({bearer}))

        def require(self, principal, action):
            if not principal.may(action):
                raise Forbidden

    class Queue:
        def put(self, bodies, delay_s=0.0):
            return len(list(bodies))

    class NoRuns:
        def dispatching(self):
            return [RUN]

    exists = {"channel": only(lambda: {"whatsapp-main"})}
    stops = StopDesk(desk.store, exists, None, NoRuns(), Queue(), wiring.audit(), desk.clock)  # type: ignore[arg-type]
    monkeypatch.setattr(http._doors[0], "gate", Gate)
    monkeypatch.setattr(http._doors[0], "cursor_key", lambda: "key")
    monkeypatch.setattr(wiring, "channel_desk", lambda: desk)
    monkeypatch.setattr(wiring, "stop_desk", lambda: stops)

    def ask(who, method, path, body=None):
        headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/json"}
        with Client(app) as client:
            raw = b"" if body is None else json.dumps(body).encode()
            answer = client.http.request(method, path, headers=headers, body=raw)
        return answer.status_code, json.loads(answer.body or b"null")

    return ask


def test_channels_over_http(call, desk):
    status, listed = call("auditor", "GET", "/v1/channels")
    assert status == 200
    assert [one["id"] for one in listed["items"]] == ["telegram-main", "whatsapp-main"]
    _, first = call("auditor", "GET", "/v1/channels?limit=1")
    _, second = call("auditor", "GET", f"/v1/channels?limit=1&cursor={first['next']}")
    assert (first["items"] + second["items"], second["next"]) == (listed["items"], None)
    status, put = call("admin", "PUT", "/v1/channels/whatsapp-main", {"rate_per_s": 12.5})
    assert status == 200
    assert put == {
        "id": "whatsapp-main",
        "platform": "whatsapp",
        "rate_per_s": 12.5,
        "per_day": 2000,
        "most": {"rate_per_s": 80.0, "per_day": 2000},
        "health": "well",
        "learned": 1.0,
        "used": 0,
        "rests_until": None,
        "stop": None,
    }
    assert call("editor", "GET", "/v1/channels/whatsapp-main") == (200, put)
    assert call("admin", "PUT", "/v1/channels/whatsapp-main", {"rate_per_s": 900})[0] == 422
    assert call("admin", "PUT", "/v1/channels/whatsapp-main", {"rate_per_s": 0})[0] == 422
    assert call("approver", "PUT", "/v1/channels/whatsapp-main", {})[0] == 403


def test_an_ill_channel_is_resumed_by_hand(call, desk):
    made = Breaker(
        desk.store, desk.gateway, None, None, wiring.audit(), type("Bus", (), {"publish": len})(), desk.clock
    )
    made.stop_channel("whatsapp-main", "190")
    status, seen = call("auditor", "GET", "/v1/channels/whatsapp-main")
    assert (seen["health"], seen["stop"]["code"], seen["stop"]["by"]) == ("stopped", "190", "system")
    assert call("editor", "POST", "/v1/channels/whatsapp-main/resume")[0] == 403
    status, seen = call("approver", "POST", "/v1/channels/whatsapp-main/resume")
    assert (status, seen["health"]) == (200, "well")
    assert call("approver", "POST", "/v1/channels/whatsapp-main/resume")[0] == 404


def test_a_test_message_over_http(call, desk):
    body = {"to": "+919000000001", "text": "Sample"}
    assert call("admin", "POST", "/v1/channels/whatsapp-main/test", body) == (200, {"outcome": "accepted"})
    assert call("editor", "POST", "/v1/channels/whatsapp-main/test", body)[0] == 403
    assert call("admin", "POST", "/v1/channels/whatsapp-main/test", {"text": "Sample"})[0] == 422
    assert replace(desk.get("whatsapp-main")).channel.id == "whatsapp-main"
