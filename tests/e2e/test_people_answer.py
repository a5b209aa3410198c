"""People answer, stop, come back and are late, on the deployed system with its platforms."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from local import judge
from local.acting import Caller, CallFailed, Creators, Staff, enrol, signup_of, wait_for
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.sample import Creator, creators

MARKER = "#answers"
STOPPED = "START लिखें"
STARTED = "STOP लिखें"


@pytest.fixture
def api(stack: Laptop) -> Caller:
    return Caller(stack.url)


@pytest.fixture
def phones(stack: Laptop, api: Caller) -> Iterator[Creators]:
    """The creators' side; the clock is put right again at the end."""
    sandbox = Caller(stack.sandbox_url)
    yield Creators(api, sandbox)
    sandbox("POST", "/clock", {"offset_s": 0})


def write(phones: Creators, person: Creator, text: str, kind: str = "text") -> None:
    told = {"platform": person.channel, "from": person.address, "text": text, "kind": kind}
    phones.sandbox("POST", "/inbound", told)


def last(phones: Creators, person: Creator) -> str:
    return str(phones.inbox(person)[-1]["text"])


def test_who_stops_gets_one_confirmation_and_no_campaign_until_they_come_back(
    stack: Laptop, api: Caller, phones: Creators
):
    areas = load_ground(stack)
    staff = Staff.signed_in(api, stack.env)
    staff.register_templates(phones.sandbox)
    people = [
        *creators(5, areas, first=700, telegram=0),
        *creators(2, areas, first=710, telegram=1),
    ]
    people = [person for person in people if person.language == "hi"]
    enrol(people, phones, staff)
    on_whatsapp = [person for person in people if person.channel == "whatsapp"]
    on_telegram = [person for person in people if person.channel == "telegram"]
    leaving, coming_back, talking = on_whatsapp[:3]
    stopping = [leaving, coming_back, *on_telegram[:1]]

    for person in stopping:
        write(phones, person, "STOP")
    write(phones, talking, "सड़क का काम बंद करें")
    for person in stopping:
        wait_for(
            lambda person=person: STOPPED in last(phones, person), f"the confirmation to {person.address}"
        )
    time.sleep(1.1)  # WhatsApp tells whole seconds; of the same second, STOP wins
    write(phones, coming_back, "START")
    wait_for(lambda: STARTED in last(phones, coming_back), "the second welcome")
    write(phones, leaving, "STOP")

    campaign = staff.launch(brief(MARKER, ["IN-XN"]))
    wait_for(lambda: staff.report(campaign)["status"] == "dispatched", "the end of the dispatch")
    wait_for(lambda: not staff.report(campaign)["in_progress"], "the last delivery")

    reached = judge.people_of(judge.read_log(stack.sandbox_log), campaign, MARKER)
    addresses = {one.address for one in reached}
    assert {coming_back.phone, talking.phone} <= addresses
    assert not addresses & {leaving.phone, *(person.chat for person in on_telegram[:1])}
    assert sum(STOPPED in m["text"] for m in phones.inbox(leaving)) == 1
    assert not any(STOPPED in m["text"] for m in phones.inbox(talking))


def test_a_code_is_late_when_the_clock_has_moved(stack: Laptop, api: Caller, phones: Creators):
    [person] = creators(1, load_ground(stack), first=720, telegram=0)
    signup = api("POST", "/v1/signups", signup_of(person))["id"]
    code = str(wait_for(lambda: phones.inbox(person), "the code")[0]["text"]).split(maxsplit=1)[0]

    phones.sandbox("POST", "/clock", {"offset_s": 660})

    with pytest.raises(CallFailed, match="code_expired"):
        api("POST", f"/v1/signups/{signup}/verification", {"code": code})


def test_a_known_number_is_told_and_the_newcomer_learns_nothing(stack: Laptop, api: Caller, phones: Creators):
    areas = load_ground(stack)
    staff = Staff.signed_in(api, stack.env)
    [person] = creators(1, areas, first=730, telegram=0)
    enrol([person], phones, staff)
    before = len(phones.inbox(person))

    again = api("POST", "/v1/signups", signup_of(person))

    assert again["status"] == "unverified"
    assert set(again["verification"]) >= {"channel", "expires_at"}
    wait_for(lambda: len(phones.inbox(person)) > before, "the notice")
    assert phones.inbox(person)[-1]["payload"]["template"]["name"] == "janjan_known_number"
