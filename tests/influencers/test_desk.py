"""The console's rooms of creators, as a coordinator uses them with and without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from chalicelib import wiring
from chalicelib.events.catalog import InfluencerVerified
from chalicelib.influencers import service
from chalicelib.influencers.claims import Proof
from chalicelib.influencers.model import Influencer, ReviewRequest, SignupRequest, alike
from chalicelib.phones import readable
from tests.influencers.world import ADMIN, COORDINATOR, signup
from tests.pages.conftest import prepared
from tests.pages.desk import Desk, desk

__all__ = ["desk", "prepared"]
REVIEW, PEOPLE = "/console/review", "/console/people"


def joined(n: int = 1, **changes: object) -> Influencer:
    """Somebody who waits for a review; who has the smaller number came first."""
    phone = f"+9181234567{n:02}"
    handles = [{"platform": "instagram", "handle": f"namuna.{n}", "followers": 1200 + n}]
    own = {"phone": phone, "name": f"Namuna {'abcdefghij'[n % 10] * 6}", "handles": handles}
    given = signup(**own | changes)
    answer = wiring.signups().sign_up(SignupRequest.model_validate(given), "203.0.113.5")
    at = wiring.clock().now() - timedelta(days=30 - n)
    proof = Proof("whatsapp", phone, at, "x")

    def verified(person: Influencer) -> InfluencerVerified:
        return InfluencerVerified(influencer_id=person.id, area_path=person.area_path)

    return wiring._people_store().verify(answer.id, proof, verified)


def status_of(person: Influencer) -> str:
    return wiring._people_store().person(person.id).status


# --- who waits


def test_the_longest_waiting_comes_first_with_all_that_is_asked_of_a_reviewer(desk: Desk) -> None:
    second, first = joined(2), joined(1, idea="A sample idea", area="D9001")
    page = desk.text(REVIEW, "one")
    assert page.index(first.name) < page.index(second.name)
    assert "A sample idea" in page and "Health" in page and "Panchayat Bhawan" in page
    assert 'href="https://www.instagram.com/namuna.1"' in page
    assert "1,201 followers" in page and "as stated" in page and "18 years or older" in page
    assert (
        first.phone not in page and readable(first.phone) not in page and readable(first.masked_phone) in page
    )


def test_nobody_of_another_district_is_shown_or_decided(desk: Desk) -> None:
    person = joined(1)
    assert person.name in desk.text(REVIEW, "one")
    assert person.name not in desk.text(REVIEW, "two")
    assert "Nobody waits for a review here." in desk.text(REVIEW, "two")
    assert desk.post(f"{REVIEW}/{person.id}", {"decision": "approve"}, "two").status_code == 404
    assert desk.get(REVIEW, "editor").status_code == 403
    assert status_of(person) == "pending_review"
    other = desk.get(f"{REVIEW}?area=D9002", "one")
    assert other.status_code == 422 and "There is no area D9002 among yours." in other.body.decode()


def test_the_list_of_areas_leads_down_from_ones_own(desk: Desk) -> None:
    assert re.findall(r'<option value="([\w-]*)"', desk.text(REVIEW))[:3] == ["", "IN-XN", "IN-XM"]
    assert '<option value="D9001-B1">' in desk.text(REVIEW, "one")
    page = desk.text(f"{REVIEW}?area=D9001", "one")
    assert re.findall(r'<option value="([\w-]*)"( selected)?', page)[:3] == [
        ("", ""),
        ("D9001", " selected"),
        ("D9001-B1", ""),
    ]
    assert "IN-XN" not in page


def test_without_scripts_a_decision_leads_back_to_the_list_and_says_what_was_done(desk: Desk) -> None:
    person = joined(1)
    answer = desk.post(
        f"{REVIEW}/{person.id}?area=D9001", {"decision": "approve", "ambassador_of": "D9001-B1"}, "one"
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{REVIEW}?said=approved&area=D9001&lang=en"
    assert "Approved. From now on" in desk.text(answer.headers["Location"], "one")
    kept = wiring._people_store().person(person.id)
    assert (kept.status, kept.ambassador_of, kept.reviewed_by) == ("approved", "D9001-B1", "usr_one")


def test_with_scripts_the_card_alone_is_put_in_place(desk: Desk) -> None:
    person = joined(1)
    answer = desk.post(f"{REVIEW}/{person.id}", {"decision": "approve"}, "one", hx_request="true")
    text = answer.body.decode()
    assert answer.status_code == 200 and text.startswith("<article") and "<html" not in text
    assert "Approved" in text and person.name in text


def test_a_decline_without_a_reason_keeps_the_person_and_says_so_at_the_field(desk: Desk) -> None:
    person = joined(1)
    answer = desk.post(f"{REVIEW}/{person.id}", {"decision": "decline", "reason": " "}, "one")
    text = answer.body.decode()
    assert answer.status_code == 422 and "Please give a reason." in text and "<html" in text
    partial = desk.post(f"{REVIEW}/{person.id}", {"decision": "decline"}, "one", hx_request="true")
    assert partial.status_code == 422 and f'id="reason-{person.id}-error"' in partial.body.decode()
    assert status_of(person) == "pending_review"
    desk.post(f"{REVIEW}/{person.id}", {"decision": "decline", "reason": "no such account"}, "one")
    assert wiring._people_store().person(person.id).reason == "no such account"


def test_who_was_decided_meanwhile_is_not_decided_twice_and_the_page_tells_how(desk: Desk) -> None:
    person = joined(1)
    wiring.register().review(ADMIN, person.id, ReviewRequest(decision="decline", reason="x"))
    for headers in ({}, {"hx_request": "true"}):
        form = {"decision": "decline", "reason": "too late"}
        answer = desk.post(f"{REVIEW}/{person.id}", form, "one", **headers)
        assert "Somebody else has decided meanwhile: Declined." in answer.body.decode()
    assert wiring._people_store().person(person.id).reason == "x"
    assert answer.status_code == 200


def test_several_are_decided_each_by_itself_and_the_page_tells_who_was_not_and_why(desk: Desk) -> None:
    one, two, gone, other = joined(1), joined(2), joined(3), joined(4, area="D9002-A2-P1")
    wiring.register().review(ADMIN, gone.id, ReviewRequest(decision="decline", reason="x"))
    form = {"decision": "approve", "reason": "met them", "pick": [one.id, gone.id, other.id, two.id]}
    answer = desk.post(REVIEW, form, "one")
    text = answer.body.decode()
    assert answer.status_code == 409
    assert [status_of(person) for person in (one, two, gone, other)] == [
        "approved",
        "approved",
        "declined",
        "pending_review",
    ]
    assert wiring._people_store().person(two.id).reason == "met them"
    not_done, _, done = text.partition("Not decided")[2].partition(">Decided<")
    assert gone.name in not_done and "Somebody else has decided meanwhile: Declined." in not_done
    assert other.name not in text and "not in your areas" in not_done
    assert one.name in done and two.name in done


def test_several_who_can_all_be_decided_lead_back_to_the_list(desk: Desk) -> None:
    one, two = joined(1), joined(2)
    form = {"decision": "decline", "reason": "no account", "pick": [one.id, two.id]}
    answer = desk.post(REVIEW, form, "one")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{REVIEW}?said=all_declined&lang=en")
    assert (status_of(one), status_of(two)) == ("declined", "declined")
    again = desk.post(REVIEW, form, "one")
    assert again.status_code == 409 and "Somebody else has decided" in again.body.decode()


def test_several_without_a_reason_or_without_anybody_are_refused_with_the_selection_kept(desk: Desk) -> None:
    one, two = joined(1), joined(2)
    answer = desk.post(REVIEW, {"decision": "approve", "reason": "", "pick": [one.id]}, "one")
    text = answer.body.decode()
    assert answer.status_code == 422 and 'id="reason-error"' in text
    assert re.search(rf'value="{one.id}"[^>]*checked', text) and not re.search(
        rf'value="{two.id}"[^>]*checked', text
    )
    answer = desk.post(REVIEW, {"decision": "approve", "reason": "met them"}, "one")
    assert answer.status_code == 422 and "Select at least one person." in answer.body.decode()
    assert 'value="met them"' in answer.body.decode()
    assert status_of(one) == "pending_review"


def test_a_namesake_in_the_same_place_and_an_account_of_somebody_else_are_told(desk: Desk) -> None:
    known = joined(1, name="Sunita Devi Namuna")
    wiring.register().review(ADMIN, known.id, ReviewRequest(decision="approve"))
    same = [{"platform": "instagram", "handle": "namuna.1", "followers": 5}]
    joined(2, name="Suneeta Devi Namuna", handles=same)
    joined(3, name="Sunita Devi Namuna", area="D9001")
    page = desk.text(REVIEW, "one")
    assert page.count("Nearly the same name in the same place:") == 1
    assert f"/console/people/{known.id}" in page
    assert page.count("Somebody else has this account already:") == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("सुनीता देवी", "सुनीता  देवी", True),
        ("Sunita Devi", "devi sunita", True),
        ("Sunita Devi", "Sunita Deve", True),
        ("Sunita Devi", "Anita Verma", False),
    ],
)
def test_names_are_alike_by_letters_not_by_order(one: str, other: str, same: bool) -> None:
    def person(name: str) -> Influencer:
        return Influencer(
            id="inf_x", status="approved", name=name, language="hi", area="D9001", area_path=("IN", "D9001"),
            channel="whatsapp", phone="", signed_up_at="",
        )  # fmt: skip

    assert alike(person(one), person(other)) is same


def test_a_long_queue_is_read_in_bounds_and_says_that_there_are_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.influencers import desk as views

    monkeypatch.setattr(views, "MOST_WAITING", 2)
    monkeypatch.setattr(views, "A_PAGE", 1)
    monkeypatch.setattr(service.Register.waiting, "__defaults__", (2,))
    people = [joined(n) for n in (1, 2, 3)]
    page = desk.text(REVIEW, "one")
    assert "More people wait than one list shows." in page and "<strong>2+</strong>" in page
    [cursor] = re.findall(r"cursor=([^\"&]+)", page.partition("<main")[2])
    following = desk.text(f"{REVIEW}?cursor={cursor}", "one")
    assert [person.name in page + following for person in people].count(True) == 2
    assert "cursor=" not in following.partition("<main")[2]
    assert COORDINATOR.may("influencer.review")


# --- the register


def approved(n: int = 1, **changes: object) -> Influencer:
    return wiring.register().review(ADMIN, joined(n, **changes).id, ReviewRequest(decision="approve"))


def test_the_register_shows_ones_own_people_by_the_filters_that_were_asked_for(desk: Desk) -> None:
    one, two, waits = approved(1), approved(2, themes=["education"], area="D9002-A2-P1"), joined(3)
    page = desk.text(PEOPLE, "one")
    assert one.name in page and two.name not in page and waits.name not in page
    assert "Panchayat Bhawan, Janpur" in page and "Instagram 1,201" in page
    assert one.phone not in page
    assert waits.name in desk.text(f"{PEOPLE}?status=&area=D9001&q=NAMUNA", "one")
    found = desk.text(f"{PEOPLE}?status=approved&theme=education&platform=instagram&min_followers=1,000")
    assert two.name in found and one.name not in found
    assert "Nobody fits these filters." in desk.text(f"{PEOPLE}?status=declined", "one")
    assert 'value="namuna.2"' in desk.text(f"{PEOPLE}?q=namuna.2")


def test_a_filter_that_cannot_be_is_told_at_its_field_and_kept(desk: Desk) -> None:
    answer = desk.get(f"{PEOPLE}?min_followers=many&q=x", "one")
    text = answer.body.decode()
    assert answer.status_code == 422 and 'id="min_followers-error"' in text and 'value="many"' in text
    answer = desk.get(f"{PEOPLE}?area=D9002", "one")
    assert answer.status_code == 422 and "There is no area D9002 among yours." in answer.body.decode()


def test_the_file_holds_what_the_filters_show_masked_harmless_and_says_where_it_ends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.influencers import desk as views

    one, two = approved(1), approved(2)
    answer = desk.get(f"{PEOPLE}.csv?status=approved", "one")
    lines = answer.body.decode("utf-8-sig").splitlines()
    assert answer.headers["Content-Type"].startswith("text/csv") and len(lines) == 3
    assert one.phone not in answer.body.decode() and f"'{one.masked_phone}" in answer.body.decode()
    assert len(desk.get(f"{PEOPLE}.csv", "two").body.decode().splitlines()) == 1
    monkeypatch.setattr(views, "MOST_OF_A_FILE", 1)
    path, found = f"{PEOPLE}.csv?status=approved", list[str]()
    for _ in range(3):
        _, *lines = desk.get(path, "one").body.decode().splitlines()
        if not lines:
            break
        somebody, on = lines
        found.append(somebody.partition(",")[0])
        to = urlsplit(on.partition("The next part of this file: ")[2].strip('"'))
        assert f"{to.scheme}://{to.netloc}" == wiring.public_url()
        path = f"{to.path}?{to.query}"
    assert (sorted(found), lines) == (sorted((one.id, two.id)), [])


def test_all_of_one_person_is_shown_to_who_covers_their_place_and_to_nobody_else(desk: Desk) -> None:
    one = approved(1, idea="A sample idea")
    page = desk.text(f"{PEOPLE}/{one.id}", "one")
    assert all(said in page for said in (one.name, "A sample idea", "namuna.1", "Agreed to:", "Suspend"))
    assert one.phone not in page and "What was done" not in page
    assert desk.get(f"{PEOPLE}/{one.id}", "two").status_code == 404
    assert desk.get(f"{PEOPLE}/{one.id}", "editor").status_code == 403


def test_a_number_is_shown_once_and_who_looked_is_kept(desk: Desk) -> None:
    one = approved(1)
    answer = desk.post(f"{PEOPLE}/{one.id}/reveal", who="one")
    assert answer.status_code == 200 and readable(one.phone) in answer.body.decode()
    shown = desk.text(f"{PEOPLE}/{one.id}", "one")
    assert one.phone not in shown and readable(one.phone) not in shown
    entries, _ = wiring.audit().of(f"influencer#{one.id}", limit=1)
    assert (entries[0].action, entries[0].actor) == ("influencer.revealed", "usr_one")
    assert desk.post(f"{PEOPLE}/{one.id}/reveal", who="two").status_code == 404


def test_a_person_is_suspended_with_a_reason_approved_again_and_taken_out(desk: Desk) -> None:
    one = approved(1)
    here = f"{PEOPLE}/{one.id}"
    form = {"decision": "suspend", "seen": "approved"}
    refused = desk.post(f"{here}/review", form, "one")
    assert refused.status_code == 422 and 'id="reason-suspend-error"' in refused.body.decode()
    done = desk.post(f"{here}/review", form | {"reason": "under question"}, "one")
    assert done.headers["Location"] == f"{here}?said=suspended&lang=en"
    assert "under question" in desk.text(done.headers["Location"], "one")
    late = desk.post(f"{here}/review", form | {"reason": "second click"}, "one")
    assert late.status_code == 409 and "Somebody else has decided meanwhile: Suspended." in late.body.decode()
    desk.post(f"{here}/review", {"decision": "approve", "seen": "suspended"}, "one")
    assert status_of(one) == "approved"
    unsure = desk.post(f"{here}/withdrawal", {}, "one")
    assert unsure.status_code == 422 and 'id="sure-error"' in unsure.body.decode()
    desk.post(f"{here}/withdrawal", {"sure": "yes"}, "one")
    assert status_of(one) == "withdrawn"
    assert desk.post(f"{here}/withdrawal", {"sure": "yes"}, "one").status_code == 409
    assert "Decide" not in desk.text(here, "one")


def test_each_part_of_a_person_is_shown_to_who_may_see_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.ports import Received

    one = approved(1)
    here = f"{PEOPLE}/{one.id}"

    class Users:
        def names(self) -> dict[str, str]:
            return {"usr_admin": "Asha Namuna"}

    class Messages:
        def received(self, *_: object) -> list[Received]:
            return [Received("cmp_none", wiring.clock().now())]

    monkeypatch.setattr(wiring, "users", Users)
    monkeypatch.setattr(wiring, "received", Messages)
    history = desk.text(f"{here}?tab=history")
    assert "approved" in history and "Asha Namuna" in history
    assert "Asha Namuna" not in desk.text(f"{here}?tab=history", "one")
    assert "a campaign that is not yours to see" in desk.text(f"{here}?tab=messages", "one")
    assert "No post of this person has been handed in yet." in desk.text(f"{here}?tab=posts", "one")
    assert "No policy is in force" in desk.text(f"{here}?tab=tiers", "one")
    assert "About the person" in desk.text(f"{here}?tab=nothing", "one")
