import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import (
    AccountReading,
    Call,
    OutcomeUnknown,
    PostReading,
    SendRefused,
    Throttled,
)
from chalicelib.platforms.x import X
from tests.platforms.contract import BODY, PlatformContract
from tests.platforms.test_youtube import Api

SECRETS = {"consumer_secret": "current", "bearer_token": "token"}
US = "700000000000000001"


def signature(content, secret="current"):
    return "sha256=" + base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()


class TestX(PlatformContract):
    name = "x"
    secret_field = "consumer_secret"

    def sign(self, body, secret="current"):
        return {"x-twitter-webhooks-signature": signature(body, secret)}

    def test_a_signature_in_hexadecimal_is_refused(self):
        made = "sha256=" + hmac.new(b"current", BODY, hashlib.sha256).hexdigest()
        with pytest.raises(SignatureInvalid):
            self.adapter.verify(self.secrets(), Call({"x-twitter-webhooks-signature": made}, BODY))

    def test_nobody_is_reached_over_it_but_people_write(self):
        assert (self.adapter.capabilities.mediums, self.adapter.capabilities.replies) == ((), True)


# --- the challenge -----------------------------------------------------------------------------------------


def answered(token, secret="current"):
    query = {} if token is None else {"crc_token": token, "nonce": "n"}
    return X().handshake({"consumer_secret": secret}, Call(query=query))


def test_the_challenge_is_answered_in_json_with_its_signature():
    greeting = answered("MjY0YjY5OTAt/+_=")
    assert greeting.content_type == "application/json"
    assert json.loads(greeting.answer) == {"response_token": signature(b"MjY0YjY5OTAt/+_=")}
    assert greeting.news == b""


def test_in_a_rotation_the_current_secret_answers():
    assert json.loads(answered("t", ["new", "current"]).answer) == {"response_token": signature(b"t", "new")}


def test_a_challenge_with_half_a_character_is_answered_all_the_same():
    assert json.loads(answered("a\ud800").answer) == {"response_token": signature(b"a?")}


@pytest.mark.parametrize(("token", "secret"), [(None, "current"), ("", "current"), ("t", None), ("t", [])])
def test_without_a_challenge_or_a_secret_there_is_no_answer(token, secret):
    assert answered(token, secret) is None


@pytest.mark.parametrize("body", [b'{"a": 1}', b"1", b"null", b"[]", b'"x"', b" {} ", b"[{}]"])
def test_nobody_can_have_a_body_signed_as_if_it_were_a_challenge(body):
    greeting = answered(body.decode())
    if greeting is None:
        return
    forged = json.loads(greeting.answer)["response_token"]
    with pytest.raises(SignatureInvalid):
        X().verify(SECRETS, Call({"x-twitter-webhooks-signature": forged}, body))


# --- events ------------------------------------------------------------------------------------------------


def parse(payload):
    return X().parse(json.dumps(payload).encode())


def activity(uuid, **payload):
    filled = {"id": "1", "author_id": US, "text": "नमूना"} | payload
    return {
        "data": {
            "event_uuid": uuid,
            "filter": {"user_id": US},
            "event_type": "post.create",
            "payload": filled,
        }
    }


def test_events_are_told_apart_by_their_uuid_negative_ones_too():
    ids = [parse(activity(uuid))[0].dedupe_id for uuid in (5, -5, "7", None)]
    assert len(set(ids)) == 4
    assert parse(activity("-5"))[0].dedupe_id == ids[1]


def test_two_messages_in_one_event_are_two():
    message = {"type": "message_create", "message_create": {"sender_id": "2", "message_data": {"text": "a"}}}
    both = [message | {"id": "1"}, message | {"id": "2"}]
    first, second = parse(activity("5", direct_message_events=both))
    assert first.dedupe_id != second.dedupe_id


def test_what_one_account_does_to_another_of_ours_is_told_for_each():
    tweet = {"id_str": "1", "user": {"id_str": "2"}, "text": "@a @b"}
    one, other = (parse({"for_user_id": us, "tweet_create_events": [tweet]})[0] for us in ("2", "3"))
    assert (one.kind, other.kind) == ("published", "mentions")
    assert one.dedupe_id != other.dedupe_id


def test_many_events_of_many_kinds_in_one_body_are_all_told():
    tweets = [{"id_str": str(n), "user": {"id_str": US}, "text": "x"} for n in range(1, 1001)]
    gone = [{"status": {"id": "5", "user_id": US}}]
    told = parse({"for_user_id": US, "tweet_create_events": tweets, "tweet_delete_events": gone})
    assert len({one.dedupe_id for one in told}) == len(told) == 1001


@pytest.mark.parametrize("at", [{}, {"created_at": "Thu Jan 99 10:00:14 +0000 2026"}, {"created_at": 7}])
def test_a_post_without_a_time_has_none(at):
    tweet = {"id_str": "1", "user": {"id_str": US}, "text": "x"} | at
    assert parse({"for_user_id": US, "tweet_create_events": [tweet]})[0].at is None


@pytest.mark.parametrize("held", [7, "x", None, {"a": 1}])
def test_a_kind_whose_list_is_none_is_kept(held):
    (kept,) = parse({"for_user_id": US, "favorite_events": held})
    assert (type(kept).__name__, kept.kind, kept.raw) == ("Unknown", "favorite_events", held)


def test_a_post_that_was_removed_is_its_authors_or_else_of_the_account_that_is_told():
    def removed(**status):
        (told,) = parse({"for_user_id": US, "tweet_delete_events": [{"status": {"id": "5"} | status}]})
        return told.account

    assert [removed(user_id="7"), removed(author_id="8"), removed()] == ["7", "8", US]


def test_a_like_counts_when_the_post_is_ours_or_nobodys():
    def like(author, who="9"):
        event = {
            "id": "1",
            "favorited_status": {"id_str": "5", "user": {"id_str": author}},
            "user": {"id_str": who},
        }
        return type(parse({"for_user_id": US, "favorite_events": [event]})[0]).__name__

    assert [like(US), like(""), like("8"), like(US, US), like("8", US)] == [
        "Engaged",
        "Engaged",
        "Notice",
        "Notice",
        "Notice",
    ]


def test_an_empty_list_is_kept_as_a_body_without_news():
    (kept,) = parse({"for_user_id": US, "favorite_events": []})
    assert (type(kept).__name__, kept.kind) == ("Unknown", "favorite_events")


# --- figures -----------------------------------------------------------------------------------------------


def read(api, ids=("1",), secrets=SECRETS):
    return X().read_posts(api, "https://api.test", secrets, ids)


METRICS = {
    "impression_count": 1204,
    "like_count": 7,
    "reply_count": "2",
    "retweet_count": 3,
    "quote_count": 1,
    "bookmark_count": 0,
}


def problem(kind, one):
    return {"type": f"https://api.twitter.com/2/problems/{kind}", "resource_id": one, "value": one}


def test_figures_are_read_in_our_words():
    answer = {
        "data": [
            {
                "id": "1",
                "author_id": US,
                "text": "पहले शब्द…",
                "note_tweet": {"text": "पहले शब्द और सब"},
                "created_at": "2026-01-01T10:00:14.000Z",
                "public_metrics": METRICS,
            },
            {"id": "2", "public_metrics": {"retweet_count": 3, "like_count": None, "reply_count": -1}},
        ],
        "includes": {"users": [{"id": US, "username": "Namuna_Vibhag"}]},
        "errors": [
            problem("resource-not-found", "3"),
            problem("not-authorized-for-resource", "4"),
            problem("client-disconnected", "5"),
            problem("resource-not-found", "1"),
        ],
    }
    api = Api(answer=answer)
    assert read(api, ("1", "2", "3", "4", "5", "6")) == {
        "1": PostReading(
            {"views": 1204, "likes": 7, "comments": 2, "shares": 4, "saves": 0},
            account=US,
            handle="namuna_vibhag",
            text="पहले शब्द और सब",
            published_at=datetime(2026, 1, 1, 10, 0, 14, tzinfo=UTC),
        ),
        "2": PostReading(),
        "3": PostReading(gone=True),
        "4": PostReading(hidden=True),
    }
    ((url, headers),) = api.asked
    assert headers == {"Authorization": "Bearer token"}
    assert urlsplit(url).path == "/2/tweets"
    query = parse_qs(urlsplit(url).query)
    assert query == {
        "ids": ["1,2,3,4,5,6"],
        "tweet.fields": ["author_id,created_at,note_tweet,public_metrics"],
        "expansions": ["author_id"],
        "user.fields": ["username"],
    }


def test_a_post_is_gone_by_whichever_name_the_problem_has():
    def gone(**names):
        return read(Api(answer={"errors": [problem("resource-not-found", None) | names]}), ("1", "2"))

    assert gone(resource_id="1", value="2") == {"1": PostReading(gone=True)}
    assert gone(value="2") == {"2": PostReading(gone=True)}
    assert gone() == {}


@pytest.mark.parametrize("answer", [None, [], {}, {"meta": {}}])
def test_an_answer_that_is_not_whole_tells_nothing(answer):
    with pytest.raises(OutcomeUnknown):
        read(Api(answer=answer))


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"x-rate-limit-reset": "1767261600", "date": "Thu, 01 Jan 2026 09:55:00 GMT"}, 300),
        ({"x-rate-limit-reset": "1767261600", "date": "Thu, 01 Jan 2026 10:05:00 GMT"}, 1),
        ({"x-rate-limit-reset": "1867261600", "date": "Thu, 01 Jan 2026 10:05:00 GMT"}, 86_400),
        ({"x-rate-limit-reset": "1767261600"}, 900),
        ({"x-rate-limit-reset": "1767261600", "date": "Thu, 01 Jan 2026 09:55:00"}, 900),
        ({"x-rate-limit-reset": "soon", "date": "Thu, 01 Jan 2026 09:55:00 GMT"}, 900),
        ({}, 900),
    ],
)
def test_throttling_ends_with_the_window_by_the_platforms_own_clock(headers, wait_s):
    with pytest.raises(Throttled) as caught:
        read(Api(429, {"title": "Too Many Requests"}, headers))
    assert (caught.value.retry_after_s, caught.value.scope) == (wait_s, "channel")
    assert caught.value.platform_code == "429"


@pytest.mark.parametrize(
    ("status", "kind", "code", "scope"),
    [
        (401, "", "401", "channel"),
        (402, "https://api.x.com/2/problems/credits", "credits", "channel"),
        (403, "https://api.twitter.com/2/problems/client-forbidden", "client-forbidden", "channel"),
        (400, "https://api.twitter.com/2/problems/invalid-request", "invalid-request", "content"),
        (404, "", "404", "person"),
    ],
)
def test_a_refusal_says_whom_it_holds_for(status, kind, code, scope):
    with pytest.raises(SendRefused) as caught:
        read(Api(status, {"type": kind, "detail": "x" * 5000}))
    assert (caught.value.platform_code, caught.value.scope) == (code, scope)
    assert caught.value.params["detail"] == "x" * 200


@pytest.mark.parametrize("status", [500, 503, 302])
def test_what_proves_nothing_is_unknown(status):
    with pytest.raises(OutcomeUnknown):
        read(Api(status))


@pytest.mark.parametrize("token", [None, "", 7])
def test_without_a_bearer_token_nothing_is_asked(token):
    api = Api()
    with pytest.raises(SendRefused, match=r"There is no bearer_token\.") as caught:
        read(api, secrets={"bearer_token": token})
    assert (caught.value.platform_code, caught.value.scope, api.asked) == ("no_bearer_token", "channel", [])


def test_an_account_is_read_by_its_name():
    user = {
        "id": US,
        "username": "Namuna_Vibhag",
        "description": "कोड 482913",
        "public_metrics": {"followers_count": 1234},
    }
    api = Api(answer={"data": user})
    told = X().read_account(api, "https://api.test", SECRETS, "namuna_vibhag")
    assert told == AccountReading(US, "namuna_vibhag", 1234, "कोड 482913")
    url = urlsplit(api.asked[0][0])
    assert url.path == "/2/users/by/username/namuna_vibhag"
    assert parse_qs(url.query) == {"user.fields": ["description,public_metrics"]}


def test_there_is_no_account_where_x_finds_none():
    api = Api(answer={"errors": [problem("resource-not-found", "nobody")]})
    assert X().read_account(api, "https://api.test", SECRETS, "nobody") is None


def test_what_an_account_does_not_tell_is_absent():
    api = Api(answer={"data": {"id": US}})
    assert X().read_account(api, "https://api.test", SECRETS, "a/b") == AccountReading(US)
    assert urlsplit(api.asked[0][0]).path.endswith("/a%2Fb")
