import re
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from chalicelib.platforms.base import AccountReading, PostReading, SendRefused
from chalicelib.platforms.registry import INTRODUCERS
from tests.platforms.test_meta import (
    GraphAnswers,
    MetaContract,
    account,
    changed,
    failed,
    insight,
    read,
    shown,
)

OURS = "17841400000000001"
AT = datetime(2026, 1, 1, 6, 46, 40, tzinfo=UTC)


class TestInstagram(MetaContract):
    name = "instagram"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("comments", {"media": {"id": "7"}, "text": "x", "from": {"id": "9"}}),
        ("comments", {"id": "5", "verb": "pondered", "media": {"id": "7"}, "text": "x"}),
        ("mentions", {"comment_id": "5"}),
    ],
)
def test_what_does_not_say_which_comment_or_post_it_is_about_is_kept_raw(field, value):
    told = changed("instagram", field, value)
    assert (type(told).__name__, told.kind, told.raw["value"]) == ("Unknown", field, value)


class Discovery(GraphAnswers):
    """Business Discovery over accounts that list their posts, newest first; everything else as given."""

    def __init__(self, accounts, answers=None):
        super().__init__(answers)
        self.accounts = accounts

    def get_json(self, url, headers):
        query = unquote(url.partition("?fields=")[2])
        asked = re.fullmatch(r"business_discovery\.username\(([a-z0-9._]+)\)\{(.*)\}", query)
        if asked is None:
            return super().get_json(url, headers)
        assert url.startswith(f"https://graph.test/v23.0/{OURS}?")
        self.asked.append(query)
        name, fields = asked[1], asked[2]
        if name not in self.accounts:
            status, body = failed(110, 2207013, "Invalid user id")
            return status, {}, body
        known = dict(self.accounts[name])
        media = known.pop("media", [])
        page = re.fullmatch(r"id,media\.limit\((\d+)\)(?:\.after\((\d+)\))?\{(.*)\}", fields)
        if page is None:
            return 200, {}, {"business_discovery": shown(known, fields), "id": OURS}
        start, most = int(page[2] or 0), int(page[1])
        cursors = {"after": str(start + most)} if start + most < len(media) else {}
        posts = [shown(one, page[3]) for one in media[start : start + most]]
        known = {"id": known["id"], "media": {"data": posts, "paging": {"cursors": cursors}}}
        return 200, {}, {"business_discovery": known, "id": OURS}


def post(code, **more):
    return {"id": "9" + code[-1], "permalink": f"https://www.instagram.com/reel/{code}/"} | more


def test_a_post_of_ours_is_read_metric_by_metric():
    http = GraphAnswers(
        {
            "11?": {
                "username": "Namuna.Vibhag",
                "caption": "नमूना #ad",
                "timestamp": "2026-01-01T06:46:40+0000",
                "like_count": 5,
                "comments_count": 0,
            },
            "11/insights?metric=views": insight("views", 900),
            "11/insights?metric=reach": insight("reach", 400),
            "11/insights?metric=saved": insight("saved", 7),
            "11/insights?metric=shares": failed(100, message="(#100) The metric shares is not supported"),
        }
    )
    assert read("instagram", http, "11") == {
        "11": PostReading(
            {"likes": 5, "comments": 0, "views": 900, "reach": 400, "saves": 7},
            handle="namuna.vibhag",
            text="नमूना #ad",
            published_at=AT,
        )
    }
    assert [path.partition("metric=")[2] for path in http.asked[1:]] == ["views", "reach", "saved", "shares"]


@pytest.mark.parametrize(
    "answer",
    [{"data": []}, {"data": [{"values": []}]}, {"data": "x"}, {"data": [{"values": [{"value": -1}]}]}]
    + [failed(100), failed(10, message="(#10) Not enough viewers for the media to show insights")],
)
def test_an_insight_that_is_not_told_is_no_data_and_never_nought(answer):
    http = GraphAnswers({"11?": {"like_count": 2}, "11/insights": answer})
    assert read("instagram", http, "11")["11"].figures == {"likes": 2}


def test_a_total_value_is_read_as_well():
    http = GraphAnswers({"11?": {}, "11/insights": {"data": [{"total_value": {"value": 3}}]}})
    assert read("instagram", http, "11")["11"].figures == dict.fromkeys(
        ("views", "reach", "saves", "shares"), 3
    )


def test_a_permission_that_is_missing_for_insights_is_about_our_key():
    http = GraphAnswers(
        {"11?": {}, "11/insights": failed(10, message="Application does not have permission")}
    )
    with pytest.raises(SendRefused):
        read("instagram", http, "11")


def test_a_post_by_the_id_that_is_not_shown_to_us_is_hidden():
    assert read("instagram", GraphAnswers(), "999") == {"999": PostReading(hidden=True)}


def test_a_post_of_another_professional_account_is_found_by_the_code_of_its_link():
    shown = post(
        "Cx_y-1", username="asha", caption="देखिए", like_count=31, comments_count="4", view_count=1200
    )
    http = Discovery(
        {"asha": {"id": "77", "media": [post("Other"), shown | {"timestamp": "2026-01-01T06:46:40+0000"}]}}
    )
    assert read("instagram", http, "asha/Cx_y-1") == {
        "asha/Cx_y-1": PostReading(
            {"likes": 31, "comments": 4, "views": 1200}, False, "77", "asha", "देखिए", AT
        )
    }
    assert len(http.asked) == 1


def test_hidden_likes_are_no_data():
    http = Discovery({"asha": {"id": "77", "media": [post("A", comments_count=2)]}})
    assert read("instagram", http, "asha/A")["asha/A"].figures == {"comments": 2}


def test_posts_of_one_account_are_found_together_and_further_back():
    media = [post(f"A{n}", like_count=n) for n in range(120)]
    http = Discovery({"asha": {"id": "77", "media": media}})
    found = read("instagram", http, "asha/A3", "asha/A119", "asha/A60")
    assert {key: reading.figures["likes"] for key, reading in found.items()} == {
        "asha/A3": 3,
        "asha/A60": 60,
        "asha/A119": 119,
    }
    assert len(http.asked) == 3


def test_no_more_of_the_list_is_asked_for_than_it_takes():
    http = Discovery({"asha": {"id": "77", "media": [post(f"A{n}") for n in range(120)]}})
    read("instagram", http, "asha/A3", "asha/A7")
    assert len(http.asked) == 1


def test_a_post_that_the_whole_list_does_not_hold_is_gone_and_one_too_far_back_is_hidden():
    few = Discovery({"asha": {"id": "77", "media": [post("A")]}})
    assert read("instagram", few, "asha/B") == {"asha/B": PostReading(gone=True)}
    many = Discovery({"asha": {"id": "77", "media": [post(f"A{n}") for n in range(500)]}})
    assert read("instagram", many, "asha/A450") == {"asha/A450": PostReading(hidden=True)}
    assert len(many.asked) == 4


def test_an_account_that_tells_no_list_of_its_posts_proves_nothing_of_them():
    answer = {"business_discovery": {"id": "77", "username": "asha"}, "id": OURS}
    http = GraphAnswers({f"{OURS}?fields=": answer})
    assert read("instagram", http, "asha/B") == {"asha/B": PostReading(hidden=True)}


def test_the_code_of_a_link_keeps_its_case():
    http = Discovery({"asha": {"id": "77", "media": [post("abc", like_count=1)]}})
    assert read("instagram", http, "asha/ABC")["asha/ABC"].gone


def listed(*codes, after=""):
    return {"data": [post(code) for code in codes], "paging": {"cursors": {"after": after} if after else {}}}


def test_a_code_alone_is_looked_for_among_our_own_posts():
    pages = {f"{OURS}/media?": [listed("A", after="next"), listed("B7")]}
    http = GraphAnswers(pages | {"97?": {"like_count": 3}, "97/insights": {"data": []}})
    found = read("instagram", http, "B7", "Foreign")
    assert (found["B7"].figures, found["Foreign"]) == ({"likes": 3}, PostReading(hidden=True))
    first, second = [path for path in http.asked if "/media" in path]
    assert "after" not in first
    assert second.endswith("limit=50&after=next")


def test_codes_alone_are_looked_for_no_further_than_it_takes():
    http = GraphAnswers({f"{OURS}/media?": listed("B7", after="next"), "97": {}})
    read("instagram", http, "B7")
    assert len([path for path in http.asked if "/media" in path]) == 1
    http = GraphAnswers({f"{OURS}/media?": listed(after="next")})
    assert read("instagram", http, "B7") == {"B7": PostReading(hidden=True)}
    assert len(http.asked) == 4


@pytest.mark.parametrize("named", [False, True])
def test_of_many_posts_of_ours_those_that_the_requests_reach_are_read_and_the_others_left(named):
    codes = [f"C{n}" for n in range(8)]
    figures = {f"9{n}?": {"like_count": n} for n in range(8)} | {
        f"9{n}/insights": {"data": []} for n in range(8)
    }
    media = [post(code) for code in codes]
    http = Discovery({"namuna": {"id": OURS, "media": media}}, figures | {f"{OURS}/media?": {"data": media}})
    found = read("instagram", http, *[f"namuna/{code}" if named else code for code in codes])
    assert len(http.asked) <= 20
    assert [reading.figures["likes"] for reading in found.values()] == [0, 1, 2]


def test_a_list_of_our_posts_that_our_key_may_not_see_is_about_the_key():
    with pytest.raises(SendRefused):
        read("instagram", GraphAnswers({OURS: failed(10)}), "B7")


@pytest.mark.parametrize("one", ["Cx_y-1", "ravi/Cx", "a){id}/Cx", "आशा/Cx", "/Cx"])
def test_what_cannot_be_asked_for_is_hidden(one):
    """A code alone, a personal account, a name that is none."""
    http = Discovery({"asha": {"id": "77"}})
    assert read("instagram", http, one) == {one: PostReading(hidden=True)}


def test_our_own_post_by_its_link_has_its_insights():
    http = Discovery(
        {"namuna": {"id": OURS, "media": [post("Z5", like_count=1)]}},
        {"95?": {"username": "namuna", "like_count": 8}, "95/insights": insight("x", 4)},
    )
    assert read("instagram", http, "namuna/Z5")["namuna/Z5"].figures["reach"] == 4


def test_a_professional_account_tells_its_followers_and_its_words():
    known = {"id": "77", "username": "Asha", "followers_count": 5200, "biography": "नमूना JJ-1234"}
    assert account("instagram", Discovery({"asha": known}), "asha") == AccountReading(
        "77", "asha", 5200, "नमूना JJ-1234"
    )


def test_a_personal_account_or_none_is_not_told_apart():
    http = Discovery({})
    assert account("instagram", http, "ravi") is None
    assert account("instagram", http, "ravi),id") is None
    assert len(http.asked) == 1


def test_what_an_account_does_not_tell_is_none_or_empty():
    assert account("instagram", Discovery({"asha": {"id": "77"}}), "asha") == AccountReading(
        "77", "", None, ""
    )


def test_who_wrote_to_us_has_a_name_for_us():
    http = GraphAnswers({"5001?": {"id": "5001", "username": "Asha"}})
    assert name_of(http, "5001") == "asha"
    assert http.asked == ["5001?fields=username"]
    assert name_of(GraphAnswers({"5001?": {"id": "5001"}}), "5001") == ""
    assert name_of(GraphAnswers(), "5002") == ""
    with pytest.raises(SendRefused):
        name_of(GraphAnswers({"5001?": failed(190)}), "5001")


def name_of(http, sender):
    return INTRODUCERS["instagram"].name_of(http, "https://graph.test", {"access_token": "tok"}, sender)
