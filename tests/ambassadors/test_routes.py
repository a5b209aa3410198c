"""Ambassadors over HTTP: what staff, the person and anybody with a letter see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pypdfium2
import pytest

from chalicelib import http, wiring
from chalicelib.ambassadors.printed import Printer
from chalicelib.files import Files
from local.engine import REGION, Engine
from tests.influencers.test_routes import Api, joined


@pytest.fixture
def person(api: Api) -> str:
    """An approved creator of booth D9001-A1-P1."""
    one = joined(api)
    assert api("POST", f"/v1/influencers/{one}/review", {"decision": "approve"}, who="admin")[0] == 200
    return one


def appointed(api: Api, person: str, area: str = "D9001", who: str = "one", **more: Any) -> Any:
    status, one = api("POST", "/v1/ambassadors", {"influencer_id": person, "area": area} | more, who=who)
    assert status == 201, one
    return one


def test_staff_appoint_renew_and_end_and_each_step_is_in_the_audit(api: Api, person: str) -> None:
    one = appointed(api, person)
    assert (one["state"], one["name"], one["area_path"]) == (
        "standing",
        "सुनीता देवी",
        ["IN", "IN-XN", "D9001"],
    )
    assert one["letter"] == f"{wiring.public_url()}/verify/{one['code']}"
    path = f"/v1/ambassadors/{one['id']}"
    later = {"until": one["until"].replace(one["until"][:4], str(int(one["until"][:4]) + 1))}
    assert api("POST", f"{path}/renewal", later, who="one")[1]["until"] == later["until"]
    assert api("POST", f"{path}/end", {"reason": ""}, who="one")[0] == 422
    assert api("POST", f"{path}/end", {"reason": "moved"}, who="one")[1]["state"] == "ended"
    assert api("POST", f"{path}/end", {"reason": "moved"}, who="one")[0] == 409
    actions = [entry.action for entry in wiring.audit().all_of(f"ambassador#{one['id']}")]
    assert actions == ["ambassador.appointed", "ambassador.renewed", "ambassador.ended"]


def test_staff_of_another_district_find_nothing(api: Api, person: str) -> None:
    one = appointed(api, person)
    assert api("GET", f"/v1/ambassadors/{one['id']}", who="two")[0] == 404
    assert api("POST", f"/v1/ambassadors/{one['id']}/end", {"reason": "x"}, who="two")[0] == 404
    assert api("GET", "/v1/ambassadors", who="two")[1] == {"items": [], "next": None}
    status, refused = api("GET", "/v1/ambassadors?area=D9001", who="two")
    assert (status, refused["errors"][0]["code"]) == (422, "area_unknown")
    assert api("GET", "/v1/ambassadors?area=D9999", who="two")[1]["errors"][0]["code"] == "area_unknown"
    assert api("GET", "/v1/ambassadors", who="editor")[0] == 403
    for path in ("ambassadors", "invitations"):
        assert api("GET", f"/v1/{path}?area=", who="admin")[0] == 422


def test_a_repeated_appointment_with_a_key_answers_anew_and_keeps_no_name(api: Api, person: str) -> None:
    body = {"influencer_id": person, "area": "D9001"}
    first = api("POST", "/v1/ambassadors", body, who="one", Idempotency_Key="k1")
    again = api("POST", "/v1/ambassadors", body, who="one", Idempotency_Key="k1")
    assert first == again
    assert api("POST", "/v1/ambassadors", body, who="one")[1]["title"] == "stands already"


def test_a_list_goes_on_behind_its_cursor(api: Api, person: str) -> None:
    ids = {appointed(api, person, area)["id"] for area in ("D9001", "D9001-B1", "D9001-A1-P1")}
    found, cursor = set(), ""
    while True:
        status, page = api("GET", f"/v1/ambassadors?area=D9001&limit=2{cursor}", who="one")
        assert status == 200, page
        found |= {one["id"] for one in page["items"]}
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    assert found == ids


def test_anybody_may_see_whether_a_letter_is_real_and_nothing_that_is_nobodys_business(
    api: Api, person: str
) -> None:
    one = appointed(api, person)
    status, letter = api("GET", f"/v1/verify/{one['code'].upper()}")
    assert (status, letter["state"], letter["first_name"], letter["area"]) == (
        200,
        "standing",
        "सुनीता",
        "D9001",
    )
    said = json.dumps(letter, ensure_ascii=False)
    assert person not in said
    assert "देवी" not in said
    assert api("GET", "/v1/verify/abcd-efgh-ijkl-mnop")[0] == 404


def test_the_page_of_a_letter_says_in_hindi_and_english_what_holds(api: Api, person: str) -> None:
    one = appointed(api, person)

    def page(code: str, lang: str) -> tuple[int, str]:
        answer = api.client.http.get(f"/verify/{code}?lang={lang}")
        return answer.status_code, answer.body.decode()

    assert (page(one["code"], "hi")[0], "जनपुर" in page(one["code"], "hi")[1]) == (200, True)
    assert "This letter is real." in page(one["code"], "en")[1]
    assert "यह पत्र असली है।" in page(one["code"], "hi")[1]
    api("POST", f"/v1/ambassadors/{one['id']}/end", {"reason": "a private reason"}, who="one")
    ended = page(one["code"], "en")[1]
    assert "This letter was real, and holds no more." in ended
    assert "This appointment was ended." in ended
    assert "This letter is real." not in ended
    assert "یہ خط اصلی تھا، مگر اب معتبر نہیں ہے۔" in page(one["code"], "ur")[1]
    assert "private" not in page(one["code"], "en")[1]
    status, said = page("abcd-efgh-ijkl-mnop", "en")
    assert (status, "This is no letter of ours." in said) == (404, True)


def test_an_ambassador_sees_their_own_letters(api: Api, creator: str) -> None:
    one = appointed(api, creator)
    status, own = api("GET", "/v1/me/appointments", who="me")
    assert (status, [found["code"] for found in own["items"]]) == (200, [one["code"]])
    assert own["items"][0]["names"]["en"] == "Janpur"


@pytest.fixture
def printed(prepared: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The object of the private bucket to which a letter's address leads."""
    from chalicelib import aws

    place = {"LocationConstraint": REGION}
    aws.client("s3").create_bucket(Bucket="janjan-letters", CreateBucketConfiguration=place)
    printer = Printer(Files("janjan-letters"), "https://janjan.example.test")
    monkeypatch.setattr(wiring, "printer", lambda: printer)
    names = {"usr_one": "Namuna Sharma"}
    known = replace(wiring.ambassadors(), staff_name=lambda user: names.get(user, ""))
    monkeypatch.setattr(wiring, "ambassadors", lambda: known)

    def behind(address: str) -> Any:
        key = urlsplit(address).path.partition("janjan-letters/")[2] or urlsplit(address).path.lstrip("/")
        return aws.client("s3").get_object(Bucket="janjan-letters", Key=key)

    return behind


def test_staff_and_the_ambassador_are_led_to_the_letter_as_a_file_for_five_minutes(
    api: Api, creator: str, printed: Callable[[str], Any]
) -> None:
    one = appointed(api, creator)
    of_staff = f"/v1/ambassadors/{one['id']}/letter.pdf"
    own = f"/v1/me/appointments/{one['id']}/letter.pdf"
    kept = {}
    for path, who in ((of_staff, "one"), (of_staff, "admin"), (own, "me")):
        answer = api.client.http.get(f"{path}?lang=hi", headers={"Authorization": f"Bearer {who}"})
        assert (answer.status_code, answer.body) == (303, b"")
        assert "Expires=300" in answer.headers["Location"]
        found = printed(answer.headers["Location"])
        kept[path, who] = found["Body"].read()
        assert (found["ContentType"], found["ContentDisposition"]) == (
            "application/pdf",
            f'inline; filename="{one["code"]}.pdf"',
        )
    assert len(set(kept.values())) == 1
    assert kept[own, "me"].startswith(b"%PDF")
    said = pypdfium2.PdfDocument(kept[own, "me"])[0].get_textpage().get_text_range()
    for expected in ("सुनीता देवी", "जनपुर", "Namuna Sharma"):
        assert expected in said


def test_an_ambassador_finds_the_letter_among_their_data_as_long_as_it_holds(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate: Any = http._doors[0].gate
    monkeypatch.setattr(gate, "heard", gate.creator)

    def page(lang: str) -> str:
        answer = api.client.http.get(f"/me/data?lang={lang}", headers={"Authorization": "Bearer me"})
        assert answer.status_code == 200
        return str(answer.body.decode())

    assert "letter.pdf" not in page("en")
    one = appointed(api, creator)
    assert f'href="/v1/me/appointments/{one["id"]}/letter.pdf?lang=hi"' in page("hi")
    assert "जनपुर" in page("hi")
    api("POST", f"/v1/ambassadors/{one['id']}/end", {"reason": "x"}, who="one")
    assert "letter.pdf" not in page("ur")


def test_a_letter_of_what_is_over_or_somebody_elses_is_not_made(
    api: Api, creator: str, printed: Callable[[str], Any]
) -> None:
    one = appointed(api, creator)
    path = f"/v1/ambassadors/{one['id']}/letter.pdf"
    assert api("GET", path, who="two")[0] == 404
    assert api("GET", path, who="editor")[0] == 403
    assert api("GET", path)[0] == 401
    assert api("GET", "/v1/me/appointments/amb_other/letter.pdf", who="me")[0] == 404
    api("POST", f"/v1/ambassadors/{one['id']}/end", {"reason": "x"}, who="one")
    assert api("GET", path, who="one")[1]["title"] == "not standing"


# --- invitations

INVITED = {
    "channel": "whatsapp",
    "address": "81234 50000",
    "name": "आशा नमूना",
    "area": "D9001",
    "reason": "met at the fair",
}


def test_staff_invite_somebody_and_see_what_became_of_it_with_the_address_masked(api: Api) -> None:
    status, made = api("POST", "/v1/invitations", INVITED, who="one", Idempotency_Key="k1")
    assert (status, made["status"], made["masked"], made["by"]) == (
        201,
        "waiting",
        "+91******0000",
        "usr_one",
    )
    assert api("POST", "/v1/invitations", INVITED, who="one", Idempotency_Key="k1")[1] == made
    assert api("GET", f"/v1/invitations/{made['id']}", who="one")[1] == made
    assert api("GET", "/v1/invitations?status=waiting", who="one")[1]["items"] == [made]
    assert api("GET", f"/v1/invitations/{made['id']}", who="two")[0] == 404
    assert api("GET", "/v1/invitations", who="two")[1]["items"] == []
    assert api("POST", "/v1/invitations", INVITED, who="editor")[0] == 403
    again = api("POST", "/v1/invitations", INVITED | {"area": "D9002"}, who="two")[1]
    assert again["title"] == "not invitable"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": ""}, "string_too_short"),
        ({"channel": "telegram"}, "literal_error"),
        ({"address": "123"}, "phone"),
        ({"address": ""}, "whom"),
        ({"influencer_id": "inf_x"}, "whom"),
        ({"channel": "email"}, "email"),
        ({"area": "D9002"}, "area_unknown"),
        ({"extra": 1}, "extra_forbidden"),
    ],
)
def test_an_invitation_that_cannot_be_right_is_refused(api: Api, changes: Any, code: str) -> None:
    status, refused = api("POST", "/v1/invitations", INVITED | changes, who="one")
    assert status == 422
    assert refused["errors"][0]["code"].startswith(code), refused


def test_an_unknown_person_of_a_file_is_not_there(api: Api, person: str) -> None:
    body = {"reason": "x"}
    assert api("POST", "/v1/influencers/inf_nobody/invitation", body, who="one")[0] == 404
    assert api("POST", f"/v1/influencers/{person}/invitation", body, who="two")[0] == 404
    assert api("POST", f"/v1/influencers/{person}/invitation", body, who="one")[1]["title"] == "not invitable"


def test_the_link_of_an_invitation_by_email_ends_emails_to_its_address(api: Api) -> None:
    body = INVITED | {"channel": "email", "address": "asha@x.test"}
    status, made = api("POST", "/v1/invitations", body, who="one")
    assert status == 201, made
    path = wiring.unsubscribing().url(made["id"]).removeprefix(wiring.public_url())
    assert api.client.http.get(path).status_code == 200
    assert not wiring._people_store().is_stopped("email", "asha@x.test")
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api.client.http.post(path, headers=sent, body=b"List-Unsubscribe=One-Click").status_code == 200
    assert wiring._people_store().is_stopped("email", "asha@x.test")


# --- who could be one, and where nobody is


def test_the_shortlist_and_the_gaps_of_an_area_over_http(api: Api, person: str) -> None:
    status, page = api("GET", "/v1/ambassadors/shortlist?area=D9001&platform=instagram", who="one")
    assert (status, [one["influencer_id"] for one in page["items"]], page["next"]) == (200, [person], None)
    assert page["items"][0]["figures"] == [{"platform": "instagram", "followers": 1200, "grade": "stated"}]
    status, found = api("GET", "/v1/ambassadors/gaps?area=D9001", who="one")
    assert (status, found["exact"], found["people"], found["gender"]) == (200, True, 1, {"not_said": 1})
    assert [(one["area"], one["no_influencer"], one["no_ambassador"]) for one in found["items"]] == [
        ("D9001-B1", False, True)
    ]
    for path in ("shortlist", "gaps"):
        status, refused = api("GET", f"/v1/ambassadors/{path}?area=D9001", who="two")
        assert (status, refused["errors"][0]["code"]) == (422, "area_unknown")
