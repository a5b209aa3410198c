"""One's own data over HTTP, with everything that really keeps something of a person."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import aws, wiring
from chalicelib.clock import rfc3339
from chalicelib.influencers.rows import ErasedItem
from chalicelib.metrics.consumers import forget_posts
from chalicelib.voices.model import Arrival, Sender
from tests.dispatch.world import MovingClock
from tests.influencers.test_routes import CONTEXT, Api, api, joined
from tests.influencers.test_sign_in import signed_in
from tests.influencers.world import signup
from tests.infra.test_policies import allowed, called_by

__all__ = ["api"]
TRACES = ("सुनीता", "8123456789", "sunita.devi", "गंदा पानी", "यह अकाउंट मेरा है", "CxYz12abC")


@pytest.fixture
def creator(api: Api) -> str:
    person = joined(api)
    assert api("POST", f"/v1/influencers/{person}/review", {"decision": "approve"}, who="admin")[0] == 200
    return person


def full(api: Api, person: str, token: str) -> None:
    """Something of the person in every feature that may keep something."""
    link = "https://chat.whatsapp.com/ABCDEFGHIJKLMNOPQRSTUV"
    group = {
        "link": link,
        "area": "D9001",
        "name": "नमूना",
        "admins": [{"influencer": person, "name": "सुनीता"}],
    }
    assert api("POST", "/v1/groups", group, who="admin")[0] == 201
    profile = wiring.profiles().profile(person)
    assert profile is not None
    appeal = {"subject": "handle", "about": profile.accounts[0].id, "text": "यह अकाउंट मेरा है।"}
    assert api("POST", "/v1/me/appeals", appeal, who=token)[0] == 201
    body = {"influencer_id": person, "area": "D9001"}
    assert api("POST", "/v1/ambassadors", body, who="admin")[0] == 201
    post = {"url": "https://www.instagram.com/sunita.devi/p/CxYz12abC/"}
    assert api("POST", "/v1/me/posts", post, who=token)[0] in (200, 201)


def claim(person: str) -> None:
    """As a run that is no more has left it."""
    entry = {"S": "00000000001.0.1 1.0 token"}
    item = {"pk": {"S": person}, "sk": {"S": "w2020-01"}, "cmp_aaaaaaaaaaaaaaaa-1": entry}
    aws.client("dynamodb").put_item(TableName="janjan-local-ledger", Item=item)


def told() -> str:
    dynamodb = aws.client("dynamodb")
    tables = [name for name in dynamodb.list_tables()["TableNames"] if not name.endswith("-ops")]
    return json.dumps([dynamodb.scan(TableName=name)["Items"] for name in tables], ensure_ascii=False)


def erased(person: str) -> None:
    data = {"influencer_id": person}
    detail = {"id": "e", "version": 1, "occurred_at": "2026-03-01T00:00:00Z", "data": data}
    context: dict[str, Any] = dict.fromkeys(["version", "account", "region", "time", "id"], "x")
    context |= {"resources": [], "source": "janjan.influencers"}
    forget_posts(context | {"detail-type": "influencer.erased", "detail": detail}, CONTEXT)


def the_hour() -> None:
    context: dict[str, Any] = dict.fromkeys(["version", "account", "region", "time", "id"], "x")
    context |= {"resources": [], "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    forget_posts(context, CONTEXT)


def test_after_the_erasure_no_table_leads_to_the_person(api: Api, creator: str) -> None:
    token = signed_in(api)
    full(api, creator, token)
    assert all(trace in told() for trace in ("सुनीता", "8123456789", "sunita.devi"))
    assert api("DELETE", "/v1/me", {"word": "no"}, who=token)[0] == 422
    assert api("DELETE", "/v1/me", {"word": "ERASE"}, who=token)[0] == 204
    assert api("GET", "/v1/me", who=token)[0] == 401
    assert api("DELETE", "/v1/me", {"word": "ERASE"}, who=token)[0] == 401
    assert api("GET", f"/v1/influencers/{creator}", who="admin")[0] == 404
    for _ in range(2):
        erased(creator)
    the_hour()
    left = told()
    assert not [trace for trace in TRACES if trace in left]
    [appointment] = api("GET", "/v1/ambassadors?area=D9001", who="admin")[1]["items"]
    assert (appointment["state"], appointment["name"]) == ("ended", "")


def test_who_joins_again_is_not_taken_out_of_what_they_say_then(api: Api, creator: str) -> None:
    def said(evidence: str, at: datetime) -> str:
        sender = Sender(channel="whatsapp", address="+918123456789", name="नमूना")
        given = Arrival(evidence=evidence, source="whatsapp", text="गंदा पानी आता है", at=at, sender=sender)
        return wiring.voices().receive(given).id

    before = said("before", datetime.now(UTC) - timedelta(days=1))
    assert api("POST", f"/v1/influencers/{creator}/erasure", {"asked": "by_phone"}, who="admin")[0] == 200
    left = ErasedItem.get(creator, "erased")
    left.at = rfc3339(datetime.now(UTC) - timedelta(hours=1))
    left.save()
    after = said("after", datetime.now(UTC))
    for _ in range(2):
        erased(creator)
    assert wiring.voices().whole(before).sender is None
    assert wiring.voices().whole(after).sender is not None


def test_an_admin_erases_who_has_no_access_and_nobody_else_may(api: Api, creator: str) -> None:
    path = f"/v1/influencers/{creator}/erasure"
    assert api("POST", path, {"asked": "in_writing"}, who="one")[0] == 403
    assert api("POST", path, {"asked": "she is ill"}, who="admin")[0] == 422
    assert api("POST", path, {"asked": "in_writing"}, who="admin") == (
        200,
        {"id": creator, "status": "erased"},
    )
    assert api("POST", path, {"asked": "in_writing"}, who="admin")[0] == 404
    status, answer = api("POST", "/v1/signups", signup())
    assert (status, answer["status"]) == (201, "unverified")


# --- export


def test_the_export_holds_what_every_feature_keeps_in_clear(api: Api, creator: str) -> None:
    token = signed_in(api)
    full(api, creator, token)
    status, made = api("POST", "/v1/me/exports", {}, who=token)
    assert status == 201
    assert (made["profile"]["phone"], made["profile"]["name"]) == ("+918123456789", "सुनीता देवी")
    assert made["accounts"][0]["handle"] == "sunita.devi"
    assert [(one["purpose"], one["channel"], one["given"]) for one in made["consents"]] == [
        ("campaigns", "whatsapp", True)
    ]
    assert made["posts"][0]["url"].endswith("/CxYz12abC/")
    assert made["appeals"][0]["text"] == "यह अकाउंट मेरा है।"
    assert made["appointments"][0]["area"] == "D9001"
    shown = json.dumps(made)
    for ours in ("usr_", "reviewed_by", "decided_by"):
        assert ours not in shown
    entry = wiring.audit().all_of(f"influencer#{creator}")[-1]
    assert (entry.action, entry.actor) == ("influencer.exported", "self")


def test_every_word_of_the_export_is_said_in_the_persons_language(api: Api, creator: str) -> None:
    from chalicelib.influencers.exporting import in_words

    token = signed_in(api)
    full(api, creator, token)
    made, place = wiring.exporting().export(creator)
    assert place is None
    labels = {fact.label for part in in_words(made, "hi", {}) for entry in part.entries for fact in entry}
    assert {label for label in labels if label.isascii()} == set()
    texts = [f.text for part in in_words(made, "hi", {"health": "स्वास्थ्य"}) for e in part.entries for f in e]
    assert "स्वास्थ्य" in texts
    assert any(re.fullmatch(r"\+91 \d{5} \d{5}", text) for text in texts)


def test_ten_times_a_day_and_no_more(api: Api, creator: str) -> None:
    token = signed_in(api)
    answers = [api("POST", "/v1/me/exports", {}, who=token)[0] for _ in range(11)]
    assert answers == [201] * 10 + [429]


@dataclass
class Many:
    """Keeps `count` entries of a person, `step` of which are read at once."""

    kind: str
    count: int
    step: int
    clock: MovingClock
    takes_s: float = 0.0

    def held(self, person: str, after: Any = None) -> tuple[list[dict[str, Any]], Any]:
        self.clock.move(self.takes_s)
        begin = after["at"] if after else 0
        end = min(self.count, begin + self.step)
        entries = [{"kind": self.kind, "title": f"{n} " + "क" * 100} for n in range(begin, end)]
        return entries, {"at": end} if end < self.count else None


def many(monkeypatch: pytest.MonkeyPatch, takes_s: float = 0.0) -> list[str]:
    """Somebody of whom much is kept; gives the titles of all of it."""
    clock = MovingClock()
    clock.put(wiring.clock().now())
    records = tuple(
        Many(kind, count, 7, clock, takes_s) for kind, count in (("post", 50), ("message", 3), ("voice", 40))
    )
    made = replace(wiring.exporting(), records=lambda: records, clock=clock)
    monkeypatch.setattr(wiring, "exporting", lambda: made)
    return [one["title"] for each in records for one in replace(each, step=1000).held("")[0]]


@pytest.mark.parametrize(("most", "takes_s"), [(20_000, 0.0), (400_000, 3.0), (1, 0.0)])
def test_what_is_too_much_for_one_answer_comes_in_parts_and_nothing_is_left_out(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch, most: int, takes_s: float
) -> None:
    """Too many bytes, or too long to read."""
    token = signed_in(api)
    kept = many(monkeypatch, takes_s)
    monkeypatch.setattr("chalicelib.influencers.exporting.A_PART", most)
    found, cursor, parts = list[str](), "", 0
    while True:
        status, made = api("POST", f"/v1/me/exports{cursor}", {}, who=token)
        assert status == 201
        step = [one["title"] for kind in ("posts", "messages", "voices") for one in made[kind]]
        assert step and (len(step) < len(kept))
        assert bool(made["profile"]) is (parts == 0)
        found, parts = found + step, parts + 1
        if made["next"] is None:
            break
        cursor = f"?cursor={quote(made['next'])}"
    assert found == kept
    assert parts > 2
    assert [api("POST", "/v1/me/exports", {}, who=token)[0] for _ in range(10)] == [201] * 9 + [429], (
        "parts behind the first are none of the ten"
    )
    assert api("POST", f"/v1/me/exports?cursor={quote('eyJhIjoxfQ==.0')}", {}, who=token)[0] == 422


def test_years_of_somebodys_records_are_far_from_what_an_answer_can_hold(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As AWS counts: 6 MB of JSON around the page, letters of other scripts as six."""
    token = signed_in(api)
    post = {"kind": "post", "url": "https://www.instagram.com/p/" + "x" * 11, "campaign": "cmp_" + "a" * 16}
    post |= {"handed_in_at": "2026-01-31T10:00:00Z", "said_by_you": dict.fromkeys(("views", "likes"), 123456)}
    post |= {"pictures": ["https://bucket.invalid/" + "x" * 1500] * 2, "platform": "instagram"}
    said = {"kind": "voice", "ticket": "JJ-ABCD-EFGH", "said": ["क" * 4000] + ["ख" * 2000] * 10}
    endless = SimpleNamespace(
        held=lambda person, after=None: ([post] * 100 if after else [said] * 5, {"a": 1})
    )
    made = replace(wiring.exporting(), records=lambda: (endless,))
    monkeypatch.setattr(wiring, "exporting", lambda: made)
    for lang in ("hi", "en"):
        for do in ("show", "part"):
            answer = api.client.http.request(
                "POST",
                f"/me/data?lang={lang}",
                headers={
                    "Cookie": f"janjan_me={token}",
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Origin": wiring.public_url(),
                },
                body=f"do={do}".encode(),
            )
            assert answer.status_code == 200
            assert len(json.dumps(answer.body.decode())) < 5_000_000


def test_the_page_leads_from_part_to_part_and_saves_each(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed_in(api)
    kept = many(monkeypatch)
    monkeypatch.setattr("chalicelib.influencers.exporting.A_PART", 20_000)

    def page(path: str, do: str) -> Any:
        headers = {
            "Cookie": f"janjan_me={token}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": wiring.public_url(),
        }
        answer = api.client.http.request("POST", path, headers=headers, body=f"do={do}".encode())
        assert answer.status_code == 200
        return answer

    seen, saved, path = "", list[str](), "/me/data?lang=en"
    for do in ("file", *["show"] * 20):  # also who asks for a file is told that it is more than one
        shown = page(path, do).body.decode()
        seen += shown
        assert "This is one part" in shown
        assert "Nothing." not in shown, "what comes in another part is not missing"
        *on, this = [unescape(one) for one in re.findall(r'action="(/me/data[^"]+)"', shown)]
        part = page(this, "part")
        assert part.headers["Content-Disposition"].startswith("attachment; ")
        told = json.loads(part.body)
        saved += [one["title"] for kind in ("posts", "messages", "voices") for one in told[kind]]
        if not on:
            assert "This is the last part." in shown
            break
        [path] = on
    assert saved == kept
    assert all(title in seen for title in kept)


def test_the_page_shows_hands_out_and_erases(api: Api, creator: str) -> None:
    token = signed_in(api)
    full(api, creator, token)

    def page(method: str, path: str, body: str = "") -> Any:
        headers = {
            "Cookie": f"janjan_me={token}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": wiring.public_url(),
        }
        return api.client.http.request(method, path, headers=headers, body=body.encode())

    for lang, title in (("en", "Your data"), ("hi", "आपका डेटा"), ("ur", "آپ کا ڈیٹا")):
        seen = page("GET", f"/me/data?lang={lang}")
        assert (seen.status_code, title in seen.body.decode()) == (200, True)
        assert f'href="/me/data?lang={lang}"' in page("GET", f"/me?lang={lang}").body.decode()
    shown = page("POST", "/me/data?lang=hi", "do=show")
    assert shown.status_code == 200
    assert all(word in shown.body.decode() for word in ("सुनीता देवी", "sunita.devi", "यह अकाउंट मेरा है।"))
    file = page("POST", "/me/data?lang=hi", "do=file")
    assert json.loads(file.body)["profile"]["id"] == creator
    assert file.headers["Content-Disposition"].startswith("attachment; ")
    wrong = page("POST", "/me/data?lang=en", "do=erase&word=yes+please")
    assert (wrong.status_code, 'value="yes please"' in wrong.body.decode()) == (422, True)
    gone = page("POST", "/me/data?lang=hi", "do=erase&word=मिटाना")
    assert (gone.status_code, gone.headers["Location"]) == (303, "/me/signin?lang=hi&said=erased")
    assert "janjan_me=;" in gone.headers["Set-Cookie"]
    assert "मिटा दिया गया है" in page("GET", "/me/signin?lang=hi&said=erased").body.decode()
    assert page("GET", "/me/data?lang=hi").status_code == 303
    assert wiring._people_store().find(creator) is None


def test_who_is_suspended_sees_and_erases_their_data_too(api: Api, creator: str) -> None:
    body = {"decision": "suspend", "reason": "namuna"}
    assert api("POST", f"/v1/influencers/{creator}/review", body, who="admin")[0] == 200
    token = signed_in(api)
    assert api("POST", "/v1/me/exports", {}, who=token)[0] == 201
    assert api("DELETE", "/v1/me", {"word": "ERASE"}, who=token)[0] == 204
    assert wiring._people_store().find(creator) is None


def test_an_admin_of_a_group_elsewhere_in_the_district_is_taken_out_too(api: Api, creator: str) -> None:
    found = []
    for n, area in enumerate(("D9001-B1", "D9001-A1-P1", "D9001", "IN-XN")):
        link = f"https://chat.whatsapp.com/ABCDEFGHIJKLMNOPQRST{n:02d}"
        admins = [{"influencer": creator, "name": "सुनीता"}, {"name": "Namuna"}]
        body = {"link": link, "area": area, "name": "नमूना", "admins": admins}
        found.append(api("POST", "/v1/groups", body, who="admin")[1]["id"])
    api("POST", f"/v1/influencers/{creator}/erasure", {"asked": "by_phone"}, who="admin")
    for _ in range(2):
        erased(creator)
    for group in found:
        admins = api("GET", f"/v1/groups/{group}", who="admin")[1]["admins"]
        assert [one["name"] for one in admins] == ["Namuna"]


def test_the_policies_grant_what_export_and_erasure_call(api: Api, creator: str, tmp_path: Path) -> None:
    token = signed_in(api)
    full(api, creator, token)
    voice = {"kind": "problem", "text": "नल में गंदा पानी आता है", "area": "D9001"}
    assert api("POST", "/v1/me/voices", voice, who=token)[0] == 201
    claim(creator)

    def exported() -> None:
        assert api("POST", "/v1/me/exports", {}, who=token)[0] == 201

    def asked() -> None:
        assert api("DELETE", "/v1/me", {"word": "ERASE"}, who=token)[0] == 204

    calls = tmp_path / "calls"
    missing = (called_by(exported, calls) | called_by(asked, calls)) - allowed("api_handler")
    assert missing == set()

    def forgotten() -> None:
        erased(creator)
        the_hour()

    assert called_by(forgotten, tmp_path / "more") - allowed("forget_posts") == set()
