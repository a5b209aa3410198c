"""Creators sign in and show whose account it is, on the deployed system with its platforms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.acting import Caller, CallFailed, Creators, Staff, enrol, wait_for
from local.laptop import Laptop
from local.programme import load_ground
from local.sample import creators


@pytest.fixture
def phones(stack: Laptop) -> Creators:
    return Creators(Caller(stack.url), Caller(stack.sandbox_url))


def handles(phones: Creators, token: str) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = phones.api("GET", "/v1/me", token=token)["handles"]
    return kept


def test_who_shows_the_code_in_the_bio_wins_the_account_from_who_only_stated_it(
    stack: Laptop, phones: Creators
) -> None:
    staff = Staff.signed_in(phones.api, stack.env)
    staff.register_templates(phones.sandbox)
    areas = load_ground(stack)
    same = (("instagram", "namuna7600", 4000),)
    squatter, owner = (replace(one, handles=same) for one in creators(2, areas, first=760, telegram=0))
    for person in (squatter, owner):
        enrol([person], phones, staff)
    theirs = phones.sign_in(squatter)
    link = {"url": "https://www.instagram.com/namuna7600/p/CwZz7600aaa/"}
    post = phones.api("POST", "/v1/me/posts", link, token=theirs)
    assert (post["matched"], post["matched_by"], post["matched_grade"]) == ("yes", "link", "stated")

    token = phones.sign_in(owner)
    [contested] = phones.api("GET", "/v1/me", token=token)["contested"]
    path = f"/v1/handles/{contested['id']}/proof"
    asked = phones.api("POST", path, {}, token=token)
    with pytest.raises(CallFailed, match="code_not_shown"):
        phones.api("POST", f"{path}/check", {}, token=token)
    shown = {"platform": "instagram", "kind": "bio", "from": "namuna7600", "text": f"नमूना {asked['code']}"}
    phones.sandbox("POST", "/inbound", shown)
    verified = phones.api("POST", f"{path}/check", {}, token=token)

    assert (verified["handle"], verified["proof"]) == ("namuna7600", "verified")
    assert verified["account"].isdigit()
    assert handles(phones, token) == [verified]
    assert handles(phones, theirs) == []

    def lost() -> bool:
        [seen] = phones.api("GET", "/v1/me/posts", token=theirs)["items"]
        return (seen["matched"], seen["matched_by"]) == ("no", "proof")

    assert wait_for(lost, "the post's loss")
    listed = phones.api("GET", "/v1/influencers?contested=true&limit=100", token=staff.tokens["admin"])
    assert squatter.name in [person["name"] for person in listed["items"]]


def test_a_message_from_the_account_proves_it(stack: Laptop, phones: Creators) -> None:
    staff = Staff.signed_in(phones.api, stack.env)
    staff.register_templates(phones.sandbox)
    [person] = creators(1, load_ground(stack), first=770, telegram=0)
    named = (("whatsapp", person.phone), ("instagram", "namuna770"), ("x", "namuna770"))
    person = replace(person, handles=tuple((*one, 9) for one in named))
    enrol([person], phones, staff)
    token = phones.sign_in(person)
    account, *others = handles(phones, token)
    asked = phones.api("POST", f"/v1/handles/{account['id']}/proof", {}, token=token)
    assert [way["way"] for way in asked["ways"]] == ["message"]

    wrote = {"platform": "whatsapp", "from": person.phone, "text": asked["code"], "kind": "text"}
    phones.sandbox("POST", "/inbound", wrote)

    wait_for(lambda: handles(phones, token)[0]["proof"] == "verified", "the proof")
    wait_for(lambda: person.phone in phones.inbox(person)[-1]["text"], "the answer")

    for place, other in enumerate(others, start=1):
        asked = phones.api("POST", f"/v1/handles/{other['id']}/proof", {}, token=token)
        assert [way["way"] for way in asked["ways"]] == ["bio", "message"]
        wrote = {"platform": other["platform"], "from": other["handle"], "text": asked["code"]}
        phones.sandbox("POST", "/inbound", wrote | {"kind": "message"})
        wait_for(
            lambda place=place: handles(phones, token)[place]["proof"] == "verified",
            f"the proof on {other['platform']}",
        )

    phones.api("DELETE", "/v1/me/session", token=token)
    with pytest.raises(CallFailed) as refused:
        phones.api("GET", "/v1/me", token=token)
    assert refused.value.status == 401
