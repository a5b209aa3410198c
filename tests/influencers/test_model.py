"""The rules of an influencer: who may sign up, which state follows which, who can be reached."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.influencers.model import (
    ADDRESS_KIND,
    CHANNELS,
    MOVES,
    PLATFORMS,
    PURPOSES,
    STATUSES,
    Account,
    CodeRequest,
    Consent,
    Filter,
    Influencer,
    ReviewRequest,
    SignupRequest,
    StateRefused,
    Status,
    age_problem,
    new_influencer,
)
from chalicelib.influencers.roster import key_of, pack, theme_code, unpack
from chalicelib.lists import prefix_of
from tests.influencers.world import NOON, signup

TODAY = date(2026, 3, 1)
PATH = ("IN", "IN-XN", "D9001", "D9001-B1", "D9001-A1-P1")


def person(**changes: Any) -> Influencer:
    facts: dict[str, Any] = {
        "id": "inf_a",
        "status": "approved",
        "name": "सुनीता देवी",
        "language": "hi",
        "area": PATH[-1],
        "area_path": PATH,
        "channel": "whatsapp",
        "phone": "+918123456789",
        "phone_proof": "proven",
        "consents": [{"purpose": "campaigns", "channel": "whatsapp"}],
        "signed_up_at": "2026-03-01T00:00:00Z",
        "rev": 3,
    }
    return Influencer.model_validate(facts | changes)


def wrong(**changes: object) -> list[tuple[str, str]]:
    """Field and code of everything that is refused in a signup."""
    with pytest.raises(ValidationError) as refused:
        SignupRequest.model_validate(signup(**changes))
    return [(".".join(map(str, e["loc"])), e["type"]) for e in refused.value.errors()]


# --- states


def test_the_states_are_those_of_the_contract() -> None:
    assert STATUSES == (
        "invited",
        "unverified",
        "pending_review",
        "approved",
        "declined",
        "suspended",
        "withdrawn",
    )
    assert set(MOVES) == set(STATUSES)
    assert (CHANNELS, PURPOSES) == (
        ("whatsapp", "telegram", "sms", "email"),
        ("campaigns", "gatherings", "surveys"),
    )
    assert set(PLATFORMS) == {"facebook", "instagram", "x", "youtube", "whatsapp", "telegram"}


ALLOWED = {
    ("invited", "unverified"),
    ("unverified", "pending_review"),
    ("pending_review", "approved"),
    ("pending_review", "declined"),
    ("approved", "pending_review"),
    ("approved", "suspended"),
    ("declined", "approved"),
    ("suspended", "approved"),
    *((status, "withdrawn") for status in STATUSES if status != "withdrawn"),
}


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_only_the_allowed_moves_are_made(before: Status, after: Status) -> None:
    one = person(status=before)
    if (before, after) in ALLOWED:
        moved = one.moved(after, reason="so")
        assert (moved.status, moved.reason, moved.rev) == (after, "so", 4)
        assert (one.status, one.rev) == (before, 3)
    else:
        with pytest.raises(StateRefused) as refused:
            one.moved(after)
        assert refused.value.params == {"status": before}
        assert refused.value.status == 409


@given(st.lists(st.sampled_from(STATUSES), max_size=12))
def test_nobody_is_approved_who_was_not_verified_and_nobody_comes_back(path: list[Status]) -> None:
    one, seen = person(status="unverified"), ["unverified"]
    for to in path:
        try:
            one = one.moved(to)
            seen.append(to)
        except StateRefused:
            continue
    if "approved" in seen:
        assert "pending_review" in seen[: seen.index("approved")]
    if "withdrawn" in seen:
        assert seen.index("withdrawn") == len(seen) - 1
    assert one.rev == 3 + len(seen) - 1


# --- signup


def test_a_good_signup_is_taken_and_made_canonical() -> None:
    request = SignupRequest.model_validate(
        signup(
            name="  सुनीता  देवी ",
            phone="८१२३४ ५६७८९",
            email=" Sunita@Example.ORG ",
            idea="घर-घर\r\nजाएँ",
            gender="female",
            profession="social_worker",
            handles=[{"platform": "x", "handle": "https://twitter.com/Sunita", "followers": "१,२५,०००"}],
        )
    )
    assert request.name == "सुनीता देवी"
    assert request.phone == "+918123456789"
    assert request.email == "Sunita@example.org"
    assert request.idea == "घर-घर\nजाएँ"
    assert [(h.platform, h.handle, h.followers) for h in request.handles] == [("x", "sunita", 125000)]


def test_what_is_optional_may_be_left_out() -> None:
    body = signup()
    for name in ("handles", "themes"):
        del body[name]
    request = SignupRequest.model_validate(body)
    assert (request.handles, request.themes, request.areas_served) == ([], [], [])
    assert (request.email, request.gender, request.profession, request.idea) == (None, None, None, None)


@pytest.mark.parametrize("name", ["name", "phone", "language", "area", "birth_date", "channel", "consents"])
def test_what_is_needed_is_missed_by_name(name: str) -> None:
    body = signup()
    del body[name]
    with pytest.raises(ValidationError) as refused:
        SignupRequest.model_validate(body)
    assert [(e["loc"], e["type"]) for e in refused.value.errors()] == [((name,), "missing")]


HANDLE = {"platform": "x", "handle": "a", "followers": 1}
CONSENT = {"purpose": "surveys", "channel": "whatsapp", "notice_version": "1"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"caste": "x"}, [("caste", "extra_forbidden")]),
        ({"name": "राम 2"}, [("name", "name_characters")]),
        ({"name": "a" * 401}, [("name", "string_too_long")]),
        ({"phone": "123"}, [("phone", "phone_invalid")]),
        ({"phone": "1" * 81}, [("phone", "string_too_long")]),
        ({"language": "fr"}, [("language", "literal_error")]),
        ({"area": "d1"}, [("area", "string_pattern_mismatch")]),
        ({"area": "D"}, [("area", "string_too_short")]),
        ({"area": "D" * 41}, [("area", "string_too_long")]),
        ({"birth_date": "15-08-1995"}, [("birth_date", "date_from_datetime_parsing")]),
        ({"channel": "fax", "consents": []}, [("channel", "literal_error")]),
        ({"gender": "x"}, [("gender", "literal_error")]),
        ({"profession": "Rocket scientist"}, [("profession", "string_pattern_mismatch")]),
        ({"profession": "p" * 25}, [("profession", "string_pattern_mismatch")]),
        ({"themes": ["Health"]}, [("themes.0", "string_pattern_mismatch")]),
        ({"themes": ["h" * 41]}, [("themes.0", "string_pattern_mismatch")]),
        ({"themes": ["health"] * 13}, [("themes", "too_long")]),
        ({"areas_served": ["D1"] * 21}, [("areas_served", "too_long")]),
        ({"idea": "a" * 1001}, [("idea", "string_too_long")]),
        ({"idea": "a\u202eb"}, [("idea", "hidden_characters")]),
        ({"handles": [HANDLE] * 13}, [("handles", "too_long")]),
        ({"handles": [HANDLE, {**HANDLE, "handle": "@A"}]}, [("handles", "handle_twice")]),
        ({"handles": [{**HANDLE, "followers": -1}]}, [("handles.0.followers", "greater_than_equal")]),
        ({"handles": [{**HANDLE, "followers": 10**10 + 1}]}, [("handles.0.followers", "less_than_equal")]),
        ({"handles": [{**HANDLE, "followers": "many"}]}, [("handles.0.followers", "int_parsing")]),
        ({"handles": [{**HANDLE, "handle": "a b"}]}, [("handles.0.handle", "handle_invalid")]),
        ({"handles": [{**HANDLE, "handle": ""}]}, [("handles.0.handle", "string_too_short")]),
        ({"handles": [{**HANDLE, "platform": "orkut"}]}, [("handles.0.platform", "literal_error")]),
        ({"handles": [{**HANDLE, "verified": True}]}, [("handles.0.verified", "extra_forbidden")]),
        ({"consents": [{**CONSENT, "purpose": "ads"}]}, [("consents.0.purpose", "literal_error")]),
        ({"consents": [{**CONSENT, "channel": "fax"}]}, [("consents.0.channel", "literal_error")]),
        (
            {"consents": [{**CONSENT, "notice_version": ""}]},
            [("consents.0.notice_version", "string_pattern_mismatch")],
        ),
        ({"consents": [CONSENT, CONSENT]}, [("consents", "consent_twice")]),
        ({"consents": [CONSENT] * 13}, [("consents", "too_long")]),
    ],
)
def test_what_is_wrong_is_named_by_field_and_code(
    changes: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert wrong(**changes) == expected


def test_the_bounds_themselves_are_taken() -> None:
    consents = [{**CONSENT, "purpose": p, "channel": c} for p in PURPOSES for c in CHANNELS]
    handles = [{**HANDLE, "handle": f"a{i}", "followers": 10**10 if i else 0} for i in range(12)]
    request = SignupRequest.model_validate(
        signup(consents=consents, handles=handles, idea="a" * 1000, profession="p" * 24, area="D1")
    )
    assert len(request.consents) == 12
    assert [h.followers for h in request.handles][:2] == [0, 10**10]
    same_name = [{**HANDLE, "platform": p, "handle": "ravi_kumar"} for p in ("x", "telegram")]
    assert len(SignupRequest.model_validate(signup(handles=same_name)).handles) == 2


@pytest.mark.parametrize(
    "email",
    [
        "nobody",
        "@x.org",
        "a@",
        "a@x",
        "a@x..org",
        "a@.org",
        "a@-x.org",
        "a@x-.org",
        "a b@x.org",
        "a@b@x.org",
        "a@उ.org",
        "a\x01@x.org",
        "a\u00a0b@x.org",
        "x<me@y.org>",
        "me@y.org>",
        "a,b@x.org",
        "a;b@x.org",
        '"a"@x.org',
        "a(b)@x.org",
        "a@[10.0.0.1]",
        "a@x_y.org",
        "a\x7f@x.org",
        "a\x80@x.org",
        "a\x9f@x.org",
        "a\u200b@x.org",
        "a\u202eb@x.org",
        "a\u3164@x.org",
        "a\ufe0f@x.org",
        "सुनीता@x.org",
        "a\uff20b@x.org",
    ],
)
def test_what_is_no_email_is_refused(email: str) -> None:
    assert wrong(email=email) == [("email", "email_invalid")]


def test_an_email_is_at_most_254_long() -> None:
    local = "a" * (254 - len("@x.org"))
    assert SignupRequest.model_validate(signup(email=f"{local}@x.org")).email
    assert wrong(email=f"a{local}@x.org") == [("email", "string_too_long")]


def test_sentences_of_our_own_come_with_their_codes() -> None:
    with pytest.raises(ValidationError) as refused:
        SignupRequest.model_validate(signup(handles=[HANDLE, HANDLE], consents=[CONSENT, CONSENT], email="x"))
    said = {e["type"]: e["ctx"]["sentence"] for e in refused.value.errors()}
    assert said == {
        "handle_twice": "The same account is given twice.",
        "consent_twice": "The same consent is given twice.",
        "email_invalid": "This is not an email address.",
    }


# --- age


@pytest.mark.parametrize(
    ("birth", "today", "code"),
    [
        (date(2008, 3, 1), date(2026, 3, 1), None),
        (date(2008, 3, 2), date(2026, 3, 1), "too_young"),
        (date(2008, 4, 1), date(2026, 3, 1), "too_young"),
        (date(2007, 12, 31), date(2026, 1, 1), None),
        (date(2009, 1, 1), date(2026, 12, 31), "too_young"),
        (date(2008, 2, 29), date(2026, 2, 28), "too_young"),
        (date(2008, 2, 29), date(2026, 3, 1), None),
        (date(2026, 3, 1), date(2026, 3, 1), "too_young"),
        (date(2026, 3, 2), date(2026, 3, 1), "birth_date_unlikely"),
        (date(1906, 1, 1), date(2026, 3, 1), None),
        (date(1905, 12, 31), date(2026, 3, 1), "birth_date_unlikely"),
    ],
)
def test_of_age_is_who_is_18_on_the_day(birth: date, today: date, code: str | None) -> None:
    problem = age_problem(birth, today)
    assert (problem.code if problem else None) == code
    assert problem is None or problem.field == "birth_date"


def test_the_sentences_about_age_say_what_to_do() -> None:
    assert age_problem(date(2020, 1, 1), TODAY).message == "You can join when you are 18 years old."  # type: ignore[union-attr]
    assert age_problem(date(2030, 1, 1), TODAY).message == "Please check the year of birth."  # type: ignore[union-attr]


# --- the person that a signup makes


def test_a_signup_leaves_no_birth_date_and_claims_nothing() -> None:
    request = SignupRequest.model_validate(
        signup(
            email="a@x.org",
            gender="female",
            profession="poet",
            idea="घर-घर",
            themes=["health", "health", "education"],
            areas_served=["D9001", "D9002", "D9001"],
            terms_version="1",
        )
    )
    made = new_influencer(
        request, influencer_id="inf_n", area_path=PATH, today=TODAY, at="2026-03-01T06:30:00Z"
    )
    assert made == Influencer(
        id="inf_n",
        status="unverified",
        name="सुनीता देवी",
        language="hi",
        area="D9001-A1-P1",
        area_path=PATH,
        channel="whatsapp",
        phone="+918123456789",
        email="a@x.org",
        gender="female",
        profession="poet",
        idea="घर-घर",
        areas_served=("D9001", "D9002"),
        themes=("health", "education"),
        handles=(Account(id="hnd_n0", platform="instagram", handle="sunita.devi", followers=1200),),
        consents=(Consent(purpose="campaigns", channel="whatsapp", notice_version="1"),),
        adult_on="2026-03-01",
        terms_version="1",
        signed_up_at="2026-03-01T06:30:00Z",
        rev=1,
    )
    assert "1995" not in made.model_dump_json()
    assert made.addresses == {}
    plain = new_influencer(
        SignupRequest.model_validate(signup()), influencer_id="i", area_path=PATH, today=TODAY, at=""
    )
    assert (plain.email, plain.gender, plain.profession, plain.idea) == ("", "", "", "")


# --- who can be reached


BY_PHONE = {"whatsapp": "+918123456789", "sms": "+918123456789"}
MAIL = {"email": "devi@x.test"}


def test_only_what_is_proven_is_an_address() -> None:
    assert person().addresses == BY_PHONE
    assert person(phone_proof="stated").addresses == {}
    assert person(phone_proof="none", chat="7").addresses == {"telegram": "7"}
    assert person(chat="7").addresses == BY_PHONE | {"telegram": "7"}
    assert person(**MAIL).addresses == BY_PHONE
    assert person(**MAIL, email_proven=True).addresses == BY_PHONE | MAIL
    assert person(phone_proof="stated", email_proven=True).addresses == {}


def test_campaigns_go_where_there_is_an_address_a_consent_and_no_stop() -> None:
    everywhere = [{"purpose": "campaigns", "channel": c} for c in CHANNELS]
    phone_only = person(consents=everywhere)
    assert person().reachable == ("whatsapp",)
    assert person(consents=[{"purpose": "surveys", "channel": "whatsapp"}]).reachable == ()
    assert phone_only.reachable == ("whatsapp", "sms")
    assert person(consents=everywhere, **MAIL).reachable == ("whatsapp", "sms")
    assert person(consents=everywhere, chat="7", **MAIL, email_proven=True).reachable == CHANNELS
    assert person(consents=everywhere, chat="7", channel="telegram").reachable == (
        "telegram",
        "whatsapp",
        "sms",
    )
    assert person(consents=everywhere, chat="7", suppressed=["phone"]).reachable == ("telegram",)
    assert person(consents=everywhere, chat="7", suppressed=["telegram"]).reachable == ("whatsapp", "sms")
    stopped = person(consents=everywhere, **MAIL, email_proven=True, suppressed=["email"])
    assert stopped.reachable == ("whatsapp", "sms")


def test_a_stop_is_about_the_kind_of_address() -> None:
    assert person(suppressed=["phone"]).suppressed_channels == {"whatsapp", "sms"}
    assert person(suppressed=["email", "telegram"]).suppressed_channels == {"email", "telegram"}
    assert set(ADDRESS_KIND) == set(CHANNELS)


def test_an_email_is_to_be_confirmed_where_messages_were_asked_for_and_nothing_stands_against_it() -> None:
    wanted = {"consents": [{"purpose": "campaigns", "channel": "email"}], **MAIL}
    assert person(**wanted).email_to_confirm == "devi@x.test"
    assert person(**MAIL).email_to_confirm == ""
    assert person(consents=wanted["consents"]).email_to_confirm == ""
    assert person(**wanted, email_proven=True).email_to_confirm == ""
    assert person(**wanted, suppressed=["email"]).email_to_confirm == ""


def test_the_sender_gets_what_it_needs_and_no_more() -> None:
    contact = person(chat="7", suppressed=["telegram"]).contact()
    assert (contact.id, contact.status, contact.name, contact.language) == (
        "inf_a",
        "approved",
        "सुनीता देवी",
        "hi",
    )
    assert contact.area_path == PATH
    assert contact.addresses == BY_PHONE | {"telegram": "7"}
    assert contact.consents == {("campaigns", "whatsapp")}
    assert contact.suppressed == {"telegram"}


def test_the_largest_following_of_a_platform_counts() -> None:
    handles = [
        {"platform": "x", "handle": "a", "followers": 5},
        {"platform": "x", "handle": "b", "followers": 9},
        {"platform": "x", "handle": "c", "followers": 7},
        {"platform": "youtube", "handle": "d"},
    ]
    assert person(handles=handles).followers == {"x": 9, "youtube": 0}


def test_places_and_masks() -> None:
    assert person().area_key == "IN/IN-XN/D9001/D9001-B1/D9001-A1-P1/inf_a"
    assert prefix_of(("IN", "IN-XN")) == "IN/IN-XN/"
    assert prefix_of(()) == ""
    assert person().masked_phone == "+91******6789"


# --- review


def test_a_decision_leads_to_its_state() -> None:
    assert ReviewRequest(decision="approve").status == "approved"
    assert ReviewRequest(decision="decline", reason="no").status == "declined"
    assert ReviewRequest(decision="suspend", reason="no").status == "suspended"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"decision": "decline"}, "reason_missing"),
        ({"decision": "suspend", "reason": "  "}, "reason_missing"),
        ({"decision": "decline", "reason": "no", "ambassador_of": "D1"}, "not_ambassador"),
        ({"decision": "promote"}, "literal_error"),
        ({"decision": "approve", "reason": "a" * 501}, "string_too_long"),
        ({"decision": "approve", "note": "x"}, "extra_forbidden"),
    ],
)
def test_an_incomplete_decision_is_refused(body: dict[str, str], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ReviewRequest.model_validate(body)
    assert [e["type"] for e in refused.value.errors()] == [code]


def test_an_ambassador_is_appointed_with_the_approval() -> None:
    assert ReviewRequest(decision="approve", ambassador_of="D1", reason="a" * 500).ambassador_of == "D1"
    with pytest.raises(ValidationError, match="Please give a reason"):
        ReviewRequest(decision="decline")
    with pytest.raises(ValidationError, match="Only a person who is approved can be appointed"):
        ReviewRequest(decision="suspend", reason="x", ambassador_of="D1")


def test_a_code_is_six_digits_of_any_script() -> None:
    assert CodeRequest.model_validate({"code": " १२३ 456 "}).code == "123456"
    for code in ("12345", "1234567", "12345a", "12345²", ""):
        with pytest.raises(ValidationError) as refused:
            CodeRequest.model_validate({"code": code})
        [error] = refused.value.errors()
        assert (error["type"], error["msg"]) == ("code_form", "Please write the six digits of the code.")
    with pytest.raises(ValidationError):
        CodeRequest.model_validate({"code": 123456})


# --- the list's filter


def known() -> Influencer:
    handles = [
        {"platform": "x", "handle": "sunita_d", "followers": 100},
        {"platform": "youtube", "handle": "sunita", "followers": 900},
    ]
    return person(handles=handles, themes=["health"])


@pytest.mark.parametrize(
    ("pick", "picked"),
    [
        ({}, True),
        ({"platform": "x"}, True),
        ({"platform": "instagram"}, False),
        ({"min_followers": 900}, True),
        ({"min_followers": 901}, False),
        ({"platform": "x", "min_followers": 100}, True),
        ({"platform": "x", "min_followers": 101}, False),
        ({"theme": "health"}, True),
        ({"theme": "education"}, False),
        ({"theme": "health", "q": "nobody"}, False),
        ({"q": "देवी"}, True),
        ({"q": "@SUNITA_D"}, True),
        ({"q": "sunita"}, True),
        ({"q": "inf_a"}, True),
        ({"q": "inf_"}, False),
        ({"q": "राम"}, False),
    ],
)
def test_the_list_shows_who_fits_all_of_its_filters(pick: dict[str, Any], picked: bool) -> None:
    assert Filter(**pick).picks(known()) is picked


def test_who_has_no_account_has_no_followers() -> None:
    assert Filter().picks(person())
    assert not Filter(min_followers=1).picks(person())


# --- the roster's row


def test_a_row_is_packed_and_read_back() -> None:
    one = person(
        handles=[
            {"platform": "youtube", "handle": "a", "followers": 20},
            {"platform": "x", "handle": "b", "followers": 3},
        ],
        themes=["health", "education"],
        profession="poet",
        gender="other",
        chat="7",
        email="devi@x.test",
        email_proven=True,
        consents=[{"purpose": "campaigns", "channel": c} for c in CHANNELS],
    )
    packed = pack(one)
    assert {name: packed[name] for name in "lfpgc"} == {
        "l": "hi",
        "f": "x3y20",
        "p": "poet",
        "g": "o",
        "c": "wtse",
    }
    assert packed["t"] == "".join(sorted([theme_code("health"), theme_code("education")]))
    themes = {theme_code(theme): theme for theme in ("health", "education", "youth")}
    row = unpack("D9001", "D9001-B1#inf_a", packed, themes, NOON)
    assert (row.id, row.partition, row.area_key, row.language) == ("inf_a", "D9001", "D9001-B1#inf_a", "hi")
    assert row.themes == {"health", "education"}
    assert row.followers == {"x": 3, "youtube": 20}
    assert (row.professions, row.gender, row.channels) == ({"poet"}, "other", CHANNELS)
    assert unpack("D9001", "#inf_a", packed, {}, NOON).themes == frozenset()


def test_an_empty_row_holds_the_language_only() -> None:
    packed = pack(person(consents=[]))
    assert packed == {"l": "hi"}
    row = unpack("IN", "#inf_a", packed, {}, NOON)
    assert (row.themes, row.followers, row.professions, row.gender, row.channels) == (
        set(),
        {},
        set(),
        "",
        (),
    )


@pytest.mark.parametrize("gender", ["female", "male", "other"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_gender_and_platform_comes_back(gender: str, platform: str) -> None:
    one = person(gender=gender, handles=[{"platform": platform, "handle": "h", "followers": 7}])
    row = unpack("IN", "#inf_a", pack(one), {}, NOON)
    assert (row.gender, row.followers) == (gender, {platform: 7})


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("IN",), ("IN", "#i")),
        (("IN", "IN-XN"), ("ST#IN-XN", "#i")),
        (("IN", "IN-XN", "D1"), ("D1", "#i")),
        (("IN", "IN-XN", "D1", "D1-B1"), ("D1", "D1-B1#i")),
        (("IN", "IN-XN", "D1", "D1-B1", "D1-A1-P1"), ("D1", "D1-B1/D1-A1-P1#i")),
    ],
)
def test_people_lie_in_the_roster_where_audiences_look(path: tuple[str, ...], key: tuple[str, str]) -> None:
    assert key_of(path, "i") == key


def test_theme_codes_are_four_letters_and_differ() -> None:
    codes = {theme_code(f"theme-{i}") for i in range(500)}
    assert len(codes) == 500
    assert {len(code) for code in codes} == {4}


# --- accounts that are somebody's


TWO = [{"platform": "x", "handle": "one"}, {"id": "hnd_b", "platform": "x", "handle": "two"}]


def test_accounts_get_ids_after_their_place_and_keep_those_that_they_have() -> None:
    named = person(handles=TWO, contested=[{"platform": "x", "handle": "three"}]).identified()
    own = named.id.partition("_")[2]
    assert [one.id for one in named.handles] == [f"hnd_{own}0", "hnd_b"]
    assert [one.id for one in named.contested] == [f"hnd_{own}c0"]
    assert named.identified() == named
    assert named.rev == person().rev
    found = named.account_named(f"hnd_{own}c0")
    assert found is not None
    assert found.handle == "three"
    assert named.account_named("hnd_other") is None


def test_a_proven_account_stands_in_its_old_place_or_comes_out_of_those_contested() -> None:
    before = person(handles=TWO, contested=[{"id": "hnd_c", "platform": "x", "handle": "three"}]).identified()
    first = before.handles[0].model_copy(update={"proof": "verified"})
    after = before.with_proven(first)
    assert (after.handles, after.contested, after.rev) == (
        (first, before.handles[1]),
        before.contested,
        before.rev + 1,
    )
    third = before.contested[0].model_copy(update={"proof": "verified"})
    assert before.with_proven(third).handles == (*before.handles, third)
    assert before.with_proven(third).contested == ()
    assert (before.proven_on, before.with_proven(third).proven_on) == (frozenset(), {"x"})


def test_a_lost_name_is_contested_and_no_longer_verified() -> None:
    mine = {"id": "hnd_a", "platform": "x", "handle": "one", "proof": "verified", "account": "7"}
    same_name = {"id": "hnd_b", "platform": "youtube", "handle": "one"}
    after = person(handles=[{**mine, "proven_at": "2026-03-01T06:30:00Z"}, same_name]).without("x", "one")
    assert [one.id for one in after.handles] == ["hnd_b"]
    assert after.contested == (Account(id="hnd_a", platform="x", handle="one", account="7"),)
    assert after.rev == person().rev + 1


def test_an_account_is_another_one_only_where_both_ids_are_known_and_differ() -> None:
    known, unknown = (Account(platform="x", handle="one", account=one) for one in ("7", ""))
    assert [known.may_be(one) for one in ("7", "8", "")] == [True, False, True]
    assert [unknown.may_be(one) for one in ("7", "")] == [True, True]


def test_each_suspension_and_withdrawal_changes_the_standing() -> None:
    approved = person(status="approved")
    assert approved.standing == 0
    suspended = approved.moved("suspended")
    assert (suspended.standing, suspended.moved("approved").standing) == (None, 1)
    assert (approved.moved("withdrawn").standing, approved.moved("withdrawn").barred) == (None, 1)
    may = {status for status in STATUSES if person(status=status).standing is not None}
    assert may == {"pending_review", "approved", "declined"}


def test_start_lifts_a_stop_over_the_own_channel_but_not_over_email() -> None:
    assert not person().may_restart
    assert person(suppressed=["phone"]).may_restart
    assert not person(suppressed=["telegram"]).may_restart
    assert not person(channel="email", suppressed=["email"]).may_restart
