"""The copy kit of a campaign for a group, its tracked link, and what is counted of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from chalicelib import wiring
from chalicelib.campaigns.correction import Correction
from chalicelib.campaigns.kits import Kits
from chalicelib.campaigns.model import Campaign
from chalicelib.clock import FixedClock
from chalicelib.groups.clicks import Clicks, ClickStore
from chalicelib.groups.kits import GroupKits, is_bot
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ports import Election
from tests.campaigns.samples import content
from tests.groups.test_pages_of_coverage import Calls
from tests.influencers.test_routes import Api

ADMIN = Principal("usr_admin", "", "", frozenset({"admin"}))
Add = Callable[..., str]
AT = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
PHONE = "Mozilla/5.0 (Linux; Android 13; SM-M336BU) Chrome/120 Mobile Safari/537.36"
CAMPAIGN = "cmp_namuna"


def campaign(**more: Any) -> Campaign:
    said = more.pop("content", {})
    facts = {"id": CAMPAIGN, "rev": 1, "status": "approved", "created_at": AT, "updated_at": AT}
    return Campaign.model_validate(facts | {"authors": ("u",), "content": content(**said)} | more)


@dataclass
class KnownCampaigns:
    """One campaign, and its corrections."""

    one: Campaign = field(default_factory=campaign)
    taken_back: list[Correction] = field(default_factory=list)

    def campaign(self, campaign_id: str) -> Campaign | None:
        return self.one if campaign_id == CAMPAIGN else None

    def corrections(self, campaign_id: str) -> list[Correction]:
        return self.taken_back


@pytest.fixture
def known(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[KnownCampaigns]:
    made = KnownCampaigns()
    real = wiring.group_kits()
    kits = replace(real, campaigns=Kits(made, FixedClock(at=AT), "Namuna"))  # type: ignore[arg-type]
    monkeypatch.setattr(wiring, "group_kits", lambda: kits)
    yield made


def fail(*_: Any, **__: Any) -> None:
    raise RuntimeError


def get(api: Api, group: str, who: str = "one") -> Any:
    return api("GET", f"/v1/groups/{group}/kits/{CAMPAIGN}", who=who)


def test_a_group_gets_the_words_with_a_link_of_its_own(api: Api, known: KnownCampaigns, add: Add) -> None:
    first, second = add("D9001"), add("D9001-B1")
    status, kit = get(api, first)
    assert (status, kit["title"]) == (200, "मतदान करें")
    assert kit["texts"]["hi"].startswith(f"नमस्ते साथियो, मतदान करें। {kit['link']}\n\n")
    assert "Namuna" in kit["texts"]["hi"]
    assert "example.org" not in json.dumps(kit)
    assert get(api, first)[1] == kit
    assert get(api, second)[1]["link"] != kit["link"]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "draft"},
        {"status": "submitted"},
        {"status": "paused"},
        {"status": "cancelled"},
        {"withdrawn_at": AT},
        {"content": {"expires_at": AT}},
        {"content": {"messages": {}}},
        {"content": {"audience": {"areas": ["D9002"]}}},
    ],
)
def test_of_a_campaign_that_nobody_stands_for_now_there_is_no_kit(
    api: Api, known: KnownCampaigns, add: Add, change: dict[str, Any]
) -> None:
    known.one = campaign(**change)
    assert get(api, add("D9001"))[0] == 404


def test_after_a_correction_the_kit_says_what_is_right(api: Api, known: KnownCampaigns, add: Add) -> None:
    words = {"messages": {"telegram": {"hi": {"text": "मतदान 20 तारीख को है।"}}}, "reason": "x"}
    facts = {"campaign_id": CAMPAIGN, "number": 1, "rev": 2, "purpose": "correction"}
    more = {"status": "approved", "author": "u", "proposed_at": AT}
    known.taken_back = [Correction.model_validate(words | facts | more)]
    text = get(api, add("D9001"))[1]["texts"]["hi"]
    assert "20 तारीख" in text
    assert "नमस्ते" not in text


def test_no_kit_of_electioneering_is_handed_out_where_silence_holds(
    api: Api, known: KnownCampaigns, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = SimpleNamespace(at=lambda path, when: Election(silent="D9001" in path))
    kits = replace(wiring.group_kits(), calendar=silent, organisation_kind="party")
    monkeypatch.setattr(wiring, "group_kits", lambda: kits)
    known.one = campaign(content={"kind": "electioneering"})
    assert get(api, add("D9001"))[1]["title"] == "silence"
    assert get(api, add("D9002"), who="two")[0] == 200


def test_a_public_bodys_campaign_waits_while_a_code_of_conduct_binds(
    api: Api, known: KnownCampaigns, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = SimpleNamespace(at=lambda path, when: Election(codes=frozenset({"elc_1"})))
    kits = replace(wiring.group_kits(), calendar=bound, organisation_kind="public_body")
    monkeypatch.setattr(wiring, "group_kits", lambda: kits)
    group = add("D9001")
    assert get(api, group)[0] == 409
    override = {"election": "elc_1", "reason": "x", "by": "u", "at": AT}
    known.one = campaign(overrides=[override])
    assert get(api, group)[0] == 200


def test_that_a_kit_was_posted_is_said_once_by_staff_or_by_who_looks_after_the_group(
    api: Api, known: KnownCampaigns, add: Add, creator: str
) -> None:
    own, other = add("D9001-A1-P1", admins=[{"influencer": creator}]), add("D9001")
    path = f"/v1/me/groups/{own}/kits/{CAMPAIGN}"
    assert api("POST", f"{path}/posted", {}, who="me")[0] == 404
    assert api("GET", path, who="me")[1]["handed"]["posted_at"] is None
    assert api("POST", f"{path}/posted", {}, who="me")[1]["posted_by"] == creator
    posted = f"/v1/groups/{own}/kits/{CAMPAIGN}/posted"
    assert api("POST", posted, {}, who="one")[1]["posted_by"] == creator
    assert api("GET", f"/v1/me/groups/{other}/kits/{CAMPAIGN}", who="me")[0] == 404
    told = [(one.action, one.actor) for one in wiring.audit().all_of(f"group#{own}")][1:]
    assert told == [("group.kit", creator), ("group.posted", creator)]


def test_a_kit_is_written_down_when_it_is_fetched_first_and_when_its_link_leads_elsewhere(
    api: Api, known: KnownCampaigns, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = add("D9001")

    def entries() -> list[tuple[str, str, Any]]:
        found = wiring.audit().all_of(f"group#{group}")
        return [(one.action, one.actor, one.detail) for one in found if one.action == "group.kit"]

    with monkeypatch.context() as broken:
        broken.setattr(Audit, "committing", fail)
        with pytest.raises(RuntimeError):
            wiring.group_kits().kit(ADMIN, group, CAMPAIGN)
        assert list(ClickStore().of_campaign(CAMPAIGN, "", None, 1)) == []
    first = get(api, group)[1]
    assert get(api, group)[1] == first
    assert entries() == [("group.kit", "usr_one", {"campaign": CAMPAIGN})]
    code = first["link"].rpartition("/")[2]
    known.one = campaign(content={"links": ["https://example.org/elsewhere"]})
    assert get(api, group)[1]["handed"] == first["handed"]
    assert ClickStore().target(code) == "https://example.org/elsewhere"
    assert len(entries()) == 2
    assert get(api, group)[0] == 200
    assert len(entries()) == 2


def test_a_kit_that_two_fetch_at_once_is_handed_out_once(
    api: Api, known: KnownCampaigns, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = add("D9001")
    kits = wiring.group_kits()
    real, blind = ClickStore.handed, iter([True])

    def late(store: ClickStore, *place: Any) -> Any:
        """Sees nothing at first, while another fetches the kit."""
        if next(blind, False):
            other = replace(kits, store=ClickStore())
            other.kit(ADMIN, group, CAMPAIGN)
            return None
        return real(store, *place)

    monkeypatch.setattr(ClickStore, "handed", late)
    kits.kit(ADMIN, group, CAMPAIGN)
    found = wiring.audit().all_of(f"group#{group}")
    assert [one.action for one in found] == ["group.added", "group.kit"]


def test_staff_see_for_their_areas_who_has_posted_and_who_followed(
    api: Api, known: KnownCampaigns, add: Add
) -> None:
    groups = {area: add(area) for area in ("D9001", "D9001-B1", "D9002")}
    links = {area: get(api, group, "admin")[1]["link"] for area, group in groups.items()}
    api("POST", f"/v1/groups/{groups['D9001']}/kits/{CAMPAIGN}/posted", {}, who="one")
    code = links["D9001"].rpartition("/")[2]
    for agent in (PHONE, PHONE, "WhatsApp/2.23.20.0 A"):
        answer = api.client.http.request("GET", f"/r/{code}", headers={"User-Agent": agent})
        assert (answer.status_code, answer.headers["Location"]) == (302, "https://example.org/vote")
    page = api("GET", f"/v1/kits?campaign={CAMPAIGN}", who="one")[1]
    assert {one["area"]: one["handed"]["posted_by"] for one in page["items"]} == {
        "D9001": "usr_one",
        "D9001-B1": "",
    }
    clicks = next(one["clicks"] for one in page["items"] if one["area"] == "D9001")
    assert clicks == {"people": 1, "clicks": 2, "bots": 1}
    assert groups["D9002"] not in json.dumps(page)
    first = api("GET", f"/v1/kits?campaign={CAMPAIGN}&limit=2", who="admin")[1]
    rest = api("GET", f"/v1/kits?campaign={CAMPAIGN}&limit=2&cursor={first['next']}", who="admin")[1]
    assert len(first["items"] + rest["items"]) == 3


def test_who_sees_none_of_a_campaigns_groups_has_them_looked_up_by_the_hundred(
    api: Api, known: KnownCampaigns, add: Add, staff: dict[str, Any]
) -> None:
    for _ in range(8):
        get(api, add("D9002"), "admin")
    staff["officer"] = Principal(
        "usr_o", "O", "o@x.test", frozenset({"nodal_officer"}), departments=frozenset({"water"})
    )
    calls = Calls()
    try:
        assert api("GET", f"/v1/kits?campaign={CAMPAIGN}", who="officer")[1] == {"items": [], "next": None}
    finally:
        calls.close()
    assert sorted(calls.made) == ["BatchGetItem", "Query"]


def test_a_kit_of_another_areas_group_is_as_if_there_were_none(
    api: Api, known: KnownCampaigns, add: Add
) -> None:
    group = add("D9001")
    assert get(api, group, "two") == get(api, "grp_none", "two")
    assert get(api, group, "two")[0] == 404
    posted = f"/v1/groups/{group}/kits/{CAMPAIGN}/posted"
    assert api("POST", posted, {}, who="two")[0] == 404


@pytest.mark.parametrize("code", ["aaaaaaaaaaaa", "x", "..%2Fx"])
def test_a_link_that_is_none_leads_nowhere(api: Api, known: KnownCampaigns, code: str) -> None:
    assert api.client.http.request("GET", f"/r/{code}", headers={"User-Agent": PHONE}).status_code == 404


def test_who_cannot_be_counted_is_led_on_all_the_same(
    api: Api, known: KnownCampaigns, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = get(api, add("D9001"))[1]["link"]

    def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("no table")

    monkeypatch.setattr(ClickStore, "count", broken)
    place = f"/r/{link.rpartition('/')[2]}"
    assert api.client.http.request("GET", place, headers={"User-Agent": PHONE}).status_code == 302


def test_a_person_counts_once_a_day_and_nobody_can_be_known_again_the_day_after(tables: object) -> None:
    store, code = ClickStore(), "a" * 12
    for hours, visitor in ((0, "x"), (1, "x"), (2, "y"), (24, "x")):
        store.count(code, visitor, bot=False, at=AT + timedelta(hours=hours))
    store.count(code, "x", bot=True, at=AT)
    assert store.sums([code]) == {code: Clicks(people=3, clicks=4, bots=1)}
    items = boto3.client("dynamodb").scan(TableName="janjan-local-groups")["Items"]
    assert [item["sk"]["S"] for item in items if item["pk"]["S"] == "salt"] == ["2026-03-02"]
    marks = [item for item in items if item["pk"]["S"].startswith("seen#")]
    assert len(marks) == 3
    assert len({item["sk"]["S"] for item in marks}) == 3
    assert all(int(item["expires"]["N"]) < AT.timestamp() + 3 * 86400 for item in marks)


@pytest.mark.parametrize(
    ("agent", "bot"),
    [
        (PHONE, False),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1", False),
        ("WhatsApp/2.23.20.0 A", True),
        ("TelegramBot (like TwitterBot)", True),
        ("facebookexternalhit/1.1", True),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("curl/8.4.0", True),
        ("", True),
    ],
)
def test_previews_and_crawlers_are_no_people(agent: str, bot: bool) -> None:
    assert is_bot(agent) is bot


def test_a_code_is_not_to_be_guessed_from_ids(api: Api, known: KnownCampaigns) -> None:
    kits: GroupKits = wiring.group_kits()
    one, two = (SimpleNamespace(id=f"grp_{n}") for n in (1, 2))
    assert kits._code(one, "cmp_1") != kits._code(two, "cmp_1")  # type: ignore[arg-type]
    assert kits._code(one, "cmp_1") != replace(kits, keyed_hash=lambda text: "0" * 64)._code(one, "cmp_1")  # type: ignore[arg-type]
