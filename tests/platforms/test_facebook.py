import json
from datetime import UTC, datetime

import pytest

from chalicelib.platforms.base import AccountReading, PostReading, SendRefused
from chalicelib.platforms.registry import ADAPTERS
from tests.platforms.test_meta import GraphAnswers, MetaContract, account, changed, failed, insight, read

AT = datetime(2026, 1, 1, 6, 46, 40, tzinfo=UTC)


class TestFacebook(MetaContract):
    name = "facebook"


def test_a_comment_without_its_id_is_kept_raw():
    value = {"item": "comment", "verb": "add", "post_id": "1_7", "message": "x"}
    assert type(changed("facebook", "feed", value)).__name__ == "Unknown"


MENTION = {"item": "post", "verb": "add", "post_id": "2002_7", "created_time": 1767250000}


def test_a_mention_in_a_post_is_its_authors_and_one_in_a_comment_is_under_its_pages_post():
    by = MENTION | {"from": {"id": "9"}, "sender_id": "8"}
    assert changed("facebook", "mention", by).account == "9"
    assert changed("facebook", "mention", by | {"comment_id": "7_1"}).account == "2002"
    del by["from"]
    assert changed("facebook", "mention", by).account == "8"


def test_a_mention_counts_from_when_it_was_written_and_not_from_when_it_was_posted():
    change = {"field": "mention", "value": MENTION}
    body = json.dumps({"entry": [{"id": "1", "time": 1767259999, "changes": [change]}]}).encode()
    assert [one.at for one in ADAPTERS["facebook"].parse(body)] == [AT]


def told(**more):
    return {
        "id": "x",
        "message": "शिविर #ad",
        "created_time": "2026-01-01T06:46:40+0000",
        "from": {"id": "1001", "name": "नमूना"},
        "reactions": {"data": [], "summary": {"total_count": 12}},
        "comments": {"data": [], "summary": {"total_count": 3}},
        "shares": {"count": 4},
    } | more


def test_a_post_of_our_page_has_its_insights_metric_by_metric():
    http = GraphAnswers(
        {
            "1001_5?": told(),
            "1001_5/insights?metric=post_media_view": insight("post_media_view", 800),
            "1001_5/insights?metric=post_total_media_view_unique": failed(100),
        }
    )
    figures = {"likes": 12, "comments": 3, "shares": 4, "views": 800}
    assert read("facebook", http, "1001_5") == {
        "1001_5": PostReading(figures, False, "1001", "", "शिविर #ad", AT)
    }
    assert len(http.asked) == 3


def test_shares_that_are_not_told_are_no_data():
    post = told()
    del post["shares"]
    http = GraphAnswers({"2002_5?": post})
    assert read("facebook", http, "2002_5")["2002_5"].figures == {"likes": 12, "comments": 3}


def test_a_post_of_another_page_is_read_without_insights():
    http = GraphAnswers({"2002_5?": told(**{"from": {"id": "2002"}})})
    assert read("facebook", http, "2002_5")["2002_5"].account == "2002"
    assert len(http.asked) == 1


@pytest.mark.parametrize("code", [10, 200, 100, 803, 3])
def test_a_post_of_another_page_that_is_not_shown_to_us_is_hidden(code):
    http = GraphAnswers({"": failed(code)})
    assert read("facebook", http, "2002_5") == {"2002_5": PostReading(hidden=True)}


def test_a_post_of_our_page_that_does_not_exist_is_gone_and_a_missing_permission_is_about_our_key():
    assert read("facebook", GraphAnswers(), "1001_5") == {"1001_5": PostReading(gone=True)}
    with pytest.raises(SendRefused):
        read("facebook", GraphAnswers({"": failed(200)}), "1001_5")


@pytest.mark.parametrize("answer", [failed(100), failed(12), failed(2500), failed(803), (404, None)])
def test_a_refusal_that_does_not_say_that_a_post_of_our_page_is_missing_proves_no_removal(answer):
    assert read("facebook", GraphAnswers({"": answer}), "1001_5") == {"1001_5": PostReading(hidden=True)}


def test_the_name_of_a_page_in_a_link_is_asked_for_its_id():
    http = GraphAnswers(
        {"Namuna.Vibhag?": {"id": "1001"}, "1001_5?": told(), "1001_5/insights": {"data": []}}
    )
    reading = read("facebook", http, "Namuna.Vibhag/5")["Namuna.Vibhag/5"]
    assert (reading.handle, reading.account, reading.figures["likes"]) == ("namuna.vibhag", "1001", 12)


def test_a_post_of_a_visitor_on_our_page_is_the_visitors():
    http = GraphAnswers({"1001_5?": told(**{"from": {"id": "9"}}), "1001_5/insights": {"data": []}})
    assert read("facebook", http, "1001_5")["1001_5"].account == "9"


def test_the_id_of_a_page_in_a_link_is_used_as_it_is():
    http = GraphAnswers({"2002_5?": told(**{"from": {}})})
    reading = read("facebook", http, "2002/5")["2002/5"]
    assert (reading.handle, reading.account) == ("", "2002")


def test_a_number_alone_is_tried_as_a_post_of_our_page():
    http = GraphAnswers({"1001_5?": told(), "1001_5/insights": {"data": []}})
    assert read("facebook", http, "5")["5"].figures["likes"] == 12
    assert read("facebook", http, "6") == {"6": PostReading(hidden=True)}


@pytest.mark.parametrize("one", ["pfbid02abc", "namuna/pfbid02abc", "a/b/5", "", "5_6_7", "नमूना/5"])
def test_a_code_that_the_api_does_not_take_is_hidden_without_asking(one):
    http = GraphAnswers()
    assert read("facebook", http, one) == {one: PostReading(hidden=True)}
    assert http.asked == []


def test_a_page_tells_its_followers_and_its_words():
    http = GraphAnswers(
        {"namuna?": {"id": "1001", "username": "Namuna", "followers_count": "77", "about": "JJ-1234"}}
    )
    assert account("facebook", http, "namuna") == AccountReading("1001", "namuna", 77, "JJ-1234")


@pytest.mark.parametrize("code", [10, 100, 803, 200])
def test_a_profile_or_a_page_that_is_not_shown_to_us_is_none(code):
    assert account("facebook", GraphAnswers({"": failed(code)}), "ravi") is None


def test_a_name_is_no_path():
    http = GraphAnswers()
    assert account("facebook", http, "a/b?c") is None
    assert http.asked == ["a%2Fb%3Fc?fields=id%2Cusername%2Cfollowers_count%2Cabout"]
