"""The console's rooms of ambassadors and invitations, over two filled districts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from chalice.test import HTTPResponse

from chalicelib import wiring
from tests.identity.land import Land
from tests.identity.test_two_districts import land

__all__ = ["land"]
ROOM = "/console/ambassadors"


def visit(land: Land, who: str, path: str, fields: Mapping[str, str] | None = None) -> HTTPResponse:
    headers = {
        "Cookie": f"janjan_session={who}",
        "Accept-Language": "en",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    method = "GET" if fields is None else "POST"
    return land.client.http.request(method, path, headers=headers, body=urlencode(fields or {}).encode())


def text(answer: HTTPResponse) -> str:
    return answer.body.decode()


def test_a_coordinator_appoints_from_the_shortlist_renews_and_ends(land: Land) -> None:
    area = land.a.district
    proposed = text(visit(land, "coordinator_a", f"{ROOM}/shortlist?area={area}"))
    person = re.search(r'name="influencer_id" value="(inf_\w+)"', proposed)[1]  # type: ignore[index]
    fields = {"influencer_id": person, "area": area, "until": "2026-12-31"}
    done = visit(land, "coordinator_a", f"{ROOM}/shortlist", fields)
    assert (done.status_code, "said=appointed" in done.headers["Location"]) == (303, True)
    again = visit(land, "coordinator_a", f"{ROOM}/shortlist", fields)
    assert again.status_code == 409 and "is an ambassador of this area already" in text(again)
    [made] = [one for one in wiring.ambassadors().of_person(person) if one.area == area]
    assert f"/v1/ambassadors/{made.id}/letter.pdf" in text(
        visit(land, "coordinator_a", f"{ROOM}?area={area}")
    )
    wrong = visit(land, "coordinator_a", f"{ROOM}/{made.id}/renewal", {"until": "31-12-2027"})
    assert wrong.status_code == 422 and 'value="31-12-2027"' in text(wrong)
    longer = visit(land, "coordinator_a", f"{ROOM}/{made.id}/renewal", {"until": "2027-02-01"})
    assert "said=renewed" in longer.headers["Location"]
    assert visit(land, "coordinator_a", f"{ROOM}/{made.id}/end", {"reason": " "}).status_code == 422
    ended = visit(land, "coordinator_a", f"{ROOM}/{made.id}/end", {"reason": "moved away"})
    assert "said=ended" in ended.headers["Location"]
    assert wiring.ambassadors().own(person, made.id).reason == "moved away"


def test_another_districts_people_places_and_appointments_are_not_there(land: Land) -> None:
    other = land.b.one("ambassador")
    for path in (ROOM, f"{ROOM}/shortlist", f"{ROOM}/gaps"):
        assert visit(land, "coordinator_a", f"{path}?area={land.b.district}").status_code == 422
    assert other not in text(visit(land, "coordinator_a", ROOM))
    assert visit(land, "coordinator_a", f"{ROOM}/{other}/end", {"reason": "why so"}).status_code == 404
    fields = {"influencer_id": land.b.one("influencer"), "area": land.a.district}
    assert visit(land, "coordinator_a", f"{ROOM}/shortlist", fields).status_code == 422


def test_the_gaps_tell_who_is_missing_where(land: Land) -> None:
    shown = text(visit(land, "coordinator_a", f"{ROOM}/gaps?area={land.a.district}"))
    assert "Women and men" in shown and "Small numbers are hidden" not in shown
    assert land.a.block in shown or "In every place right below there is somebody." in shown


def test_who_looks_after_one_area_sees_its_gaps_without_choosing_it(land: Land) -> None:
    assert "Women and men" in text(visit(land, "coordinator_a", f"{ROOM}/gaps"))
    assert "Choose an area first." in text(visit(land, "admin", f"{ROOM}/gaps"))


def test_an_invitation_goes_out_once_and_what_is_wrong_keeps_what_was_typed(land: Land) -> None:
    fields = {
        "channel": "email",
        "address": "nobody.at.sample",
        "name": "Namuna <b>Devi</b>",
        "area": land.a.district,
        "reason": "runs the library",
    }
    wrong = visit(land, "coordinator_a", "/console/invitations", fields)
    assert wrong.status_code == 422
    assert "Namuna &lt;b&gt;Devi" in text(wrong) and "runs the library</textarea>" in text(wrong)
    good = fields | {"address": "new.namuna@sample.test", "name": "Namuna Devi"}
    assert "said=invited" in visit(land, "coordinator_a", "/console/invitations", good).headers["Location"]
    visit(land, "coordinator_a", "/console/invitations", good)
    listed = text(visit(land, "coordinator_a", "/console/invitations"))
    assert listed.count("n***@sample.test") == 1 and "new.namuna" not in listed
    assert visit(land, "editor", "/console/invitations").status_code == 403
