"""What a group's link may look like, and which figures count."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from chalicelib.groups.model import Admin, Figures, Group, LinkWord, MonthsFigures, invite

AT = datetime(2026, 3, 1, tzinfo=UTC)
WHATSAPP = "https://chat.whatsapp.com/IqBv2Qk0aZfAxNAMUNA001"


@pytest.mark.parametrize(
    ("given", "platform", "link"),
    [
        (WHATSAPP, "whatsapp", WHATSAPP),
        ("chat.whatsapp.com/IqBv2Qk0aZfAxNAMUNA001?mode=ems_copy_t", "whatsapp", WHATSAPP),
        (" http://chat.whatsapp.com/invite/IqBv2Qk0aZfAxNAMUNA001/ ", "whatsapp", WHATSAPP),
        ("https://t.me/+NaMuNa_abc-DEF12", "telegram", "https://t.me/+NaMuNa_abc-DEF12"),
        ("https://telegram.me/joinchat/NaMuNa_abc-DEF12", "telegram", "https://t.me/+NaMuNa_abc-DEF12"),
        ("https://t.me/Namuna_Gaon", "telegram", "https://t.me/namuna_gaon"),
    ],
)
def test_an_invite_link_has_one_spelling(given: str, platform: str, link: str) -> None:
    assert invite(given) == (platform, link)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "hello",
        "https://wa.me/918123456789",
        "https://chat.whatsapp.com/",
        "https://chat.whatsapp.com.evil.test/IqBv2Qk0aZfAxNAMUNA001",
        "https://t.me/namuna/15",
        "javascript://t.me/+NaMuNa_abc-DEF12",
        "https://[t.me/+NaMuNa_abc-DEF12",
        "https://example.test/+NaMuNa_abc-DEF12",
    ],
)
def test_what_is_no_invite_link_is_refused(given: str) -> None:
    with pytest.raises(PydanticCustomError):
        invite(given)


def group(**more: object) -> Group:
    facts = {"id": "grp_x", "platform": "whatsapp", "kind": "area", "name": "x", "link": WHATSAPP}
    facts |= {"area": "D9001", "path": ("IN", "IN-XN", "D9001"), "seen_at": AT, "created_at": AT}
    return Group.model_validate(facts | {"created_by": "usr_1"} | more)


def month(name: str, members: int) -> MonthsFigures:
    return MonthsFigures(month=name, members=members, at=AT)


def test_the_latest_month_counts_in_whatever_order_months_come() -> None:
    one, two = month("2026-01", 10), month("2026-02", 20)
    assert group().with_figures(one).with_figures(two).figures == two
    assert group().with_figures(two).with_figures(one).figures == two


def test_a_correction_of_the_same_month_counts() -> None:
    assert group().with_figures(month("2026-01", 10)).with_figures(month("2026-01", 11)).figures.members == 11


def test_there_are_never_more_women_than_members_and_none_is_not_unknown() -> None:
    with pytest.raises(ValidationError, match="more women"):
        Figures(month="2026-01", members=5, women=6)
    assert Figures(month="2026-01", members=5).women is None
    assert Figures(month="2026-01", members=5, women=0).women == 0


@pytest.mark.parametrize("name", ["2026-13", "2026-1", "01-2026", "26-01"])
def test_a_month_is_a_month(name: str) -> None:
    with pytest.raises(ValidationError):
        Figures(month=name, members=5)


def test_an_admin_is_somebody_and_masked_in_lists() -> None:
    with pytest.raises(ValidationError):
        Admin()
    admin = Admin(name="Namuna Devi", phone="81234 56789")
    assert (admin.phone, admin.masked().phone) == ("+918123456789", "+91******6789")


def test_a_new_link_leads_to_the_same_platform() -> None:
    from chalicelib.errors import InvalidInput

    word = LinkWord(state="alive", seen="checked", link="https://t.me/+NaMuNa_abc-DEF12")
    with pytest.raises(InvalidInput):
        group().with_link(word, "usr_1", AT)
