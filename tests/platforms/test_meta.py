"""What Meta's platforms share, on Instagram and on a Page."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from chalicelib.errors import Rejected
from chalicelib.platforms.base import Call, Greeting, OutcomeUnknown, SendRefused, Throttled
from chalicelib.platforms.meta import counted, named, refusal, when
from chalicelib.platforms.registry import ADAPTERS, MEASURERS
from tests.platforms.contract import PlatformContract

HALF_PAST = datetime(2026, 1, 1, 6, 46, 40, tzinfo=UTC)
BOTH = pytest.mark.parametrize("platform", ["instagram", "facebook"])


class MetaContract(PlatformContract):
    """How all of them sign."""

    secret_field = "app_secret"

    def sign(self, body, secret="current"):
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return {"x-hub-signature-256": f"sha256={digest}"}

    def test_a_handshake_with_our_token_gives_the_challenge_and_any_other_nothing(self):
        query = {"hub.mode": "subscribe", "hub.verify_token": "tok", "hub.challenge": "11"}
        greet = self.adapter.handshake
        assert greet({"verify_token": ["new", "tok"]}, Call(query=query)) == Greeting("11")
        assert greet({"verify_token": "other"}, Call(query=query)) is None
        assert greet({}, Call(query=query | {"hub.verify_token": ""})) is None
        assert greet({"verify_token": "tok"}, Call(query=query | {"hub.mode": "unsubscribe"})) is None
        for missing in query:
            left = {name: value for name, value in query.items() if name != missing}
            assert greet({"verify_token": "tok"}, Call(query=left)) is None

    def test_a_garbled_token_is_refused_and_does_not_crash(self):
        query = {"hub.mode": "subscribe", "hub.verify_token": "\ud800", "hub.challenge": "11"}
        assert self.adapter.handshake({"verify_token": "tok"}, Call(query=query)) is None

    def test_nobody_is_written_to_over_it(self):
        assert self.adapter.capabilities.mediums == ()
        assert self.adapter.capabilities.replies

    def test_the_signature_is_over_the_bytes_as_they_came(self):
        signed = self.sign(b'{"a":1}')
        with pytest.raises(Rejected):
            self.adapter.verify(self.secrets(), Call(signed, b'{"a": 1}'))


def shown(told, fields):
    """Of a node, or of each node of an edge, its id and what was asked for; of an error all."""
    if not isinstance(told, dict) or "error" in told:
        return told
    if isinstance(told.get("data"), list):
        return told | {"data": [shown(one, fields) for one in told["data"]]}
    names = {field.partition(".")[0] for field in fields.split(",")} | {"id"}
    return {key: value for key, value in told.items() if key in names}


class GraphAnswers:
    """A Graph API: answers by path, in order, and what was asked. An answer is `(status, body)` or a body; it
    holds only the fields that were asked for."""

    def __init__(self, answers=None, headers=None):
        self.answers, self.headers, self.asked = answers or {}, headers or {}, []

    def get_json(self, url, headers):
        assert headers == {"Authorization": "Bearer tok"}
        assert url.startswith("https://graph.test/v23.0/")
        path = url.removeprefix("https://graph.test/v23.0/")
        self.asked.append(path)
        found = [key for key in self.answers if path.startswith(key)]
        answer = self.answers[max(found, key=len)] if found else failed(100, 33)
        if isinstance(answer, list):
            answer = answer.pop(0)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        fields = dict(parse_qsl(path.partition("?")[2])).get("fields", "")
        return status, self.headers, body if "/insights?" in path else shown(body, fields)


def failed(code, subcode=0, message="No", status=400):
    return status, {"error": {"code": code, "error_subcode": subcode, "message": message}}


def insight(name, value):
    return {"data": [{"name": name, "period": "lifetime", "values": [{"value": value}]}]}


def read(platform, http, *ids, **secrets):
    known = {"access_token": "tok", "account_id": "17841400000000001", "page_id": "1001"} | secrets
    return MEASURERS[platform].read_posts(http, "https://graph.test", known, ids)


def account(platform, http, handle, **secrets):
    known = {"access_token": "tok", "account_id": "17841400000000001", "page_id": "1001"} | secrets
    return MEASURERS[platform].read_account(http, "https://graph.test", known, handle)


@pytest.mark.parametrize(
    "value",
    [1767250000, 1767250000000, "1767250000", "1767250000000", "2026-01-01T06:46:40+0000"]
    + ["2026-01-01T12:16:40+05:30", "2026-01-01T06:46:40Z", "2026-01-01T06:46:40"],
)
def test_a_time_is_read_in_each_of_the_platforms_spellings(value):
    assert when(value) == HALF_PAST


@pytest.mark.parametrize(
    "value", [None, "", "soon", True, 0, -5, 1.5, [], {}, "9" * 40, "0001-01-01T00:00+14:00"]
)
def test_what_is_no_time_is_none(value):
    assert when(value) is None


def test_a_figure_is_a_number_or_its_text_and_minus_one_is_no_data():
    told = {
        "a": 5,
        "b": "6",
        "c": -1,
        "d": None,
        "e": 1.5,
        "f": True,
        "g": {"value": 1},
        "h": 0,
        "i": "9" * 30,
    }
    assert counted(told, {name: name for name in "abcdefghij"}) == {"a": 5, "b": 6, "h": 0}


@BOTH
def test_all_three_shapes_of_a_webhook_tell_the_same(platform):
    value = {"id": "5", "media": {"id": "7"}, "text": "x", "from": {"id": "9"}}
    if platform == "facebook":
        value = {"item": "comment", "verb": "add", "comment_id": "5", "post_id": "7", "message": "x"}
    change = {"field": "comments" if platform == "instagram" else "feed", "value": value}
    shapes = [
        {"entry": [{"id": "1", "time": 1767250000, "changes": [change]}]},
        {"entry": [{"id": "1", "time": "1767250000000", **change}]},
        [{"entry": [{"id": "1", "time": "2026-01-01T06:46:40+0000", "changes": [change]}]}],
        {"id": "1", "time": 1767250000, **change},
    ]
    told = [ADAPTERS[platform].parse(json.dumps(shape).encode()) for shape in shapes]
    assert told == [told[0]] * 4
    assert [(one.kind, one.post_id, one.text, one.at) for one in told[0]] == [
        ("comment", "7", "x", HALF_PAST)
    ]


@BOTH
def test_a_thousand_updates_are_a_thousand_updates(platform):
    events = [
        {"sender": {"id": "9"}, "timestamp": 1767250000000 + n, "message": {"mid": f"m{n}", "text": "x"}}
        for n in range(1000)
    ]
    body = json.dumps({"entry": [{"id": "1", "messaging": events}]}).encode()
    assert len({update.dedupe_id for update in ADAPTERS[platform].parse(body)}) == 1000


def test_one_like_that_comes_twice_has_one_id_and_its_end_another():
    like = {"item": "like", "sender_id": "9", "post_id": "1_2", "verb": "add", "created_time": 1767250000}
    reaction = {"item": "reaction", "reaction_type": "like", "from": {"id": "9"}} | {
        key: like[key] for key in ("post_id", "verb", "created_time")
    }
    ended = reaction | {"verb": "remove", "created_time": 1767250009}
    changes = [{"field": "feed", "value": value} for value in (like, reaction, ended)]
    body = json.dumps({"entry": [{"id": "1", "changes": changes}]}).encode()
    one, same, other = ADAPTERS["facebook"].parse(body)
    assert one == same
    assert other.dedupe_id != one.dedupe_id
    assert (one.verb, other.verb) == ("added", "removed")


@BOTH
def test_a_message_counts_from_when_it_was_written_and_not_from_when_it_was_posted(platform):
    for what in (
        {"message": {"mid": "m", "text": "x"}},
        {"read": {"mid": "m"}},
        {"delivery": {"mids": ["m"]}},
    ):
        event = {"sender": {"id": "9"}, "timestamp": 1767250000000} | what
        body = json.dumps({"entry": [{"id": "1", "time": 1767259999, "messaging": [event]}]}).encode()
        [told] = ADAPTERS[platform].parse(body)
        assert told.at == HALF_PAST


def told_by(platform, event):
    """What one element of `messaging` tells."""
    body = json.dumps({"entry": [{"id": "1", "messaging": [event]}]}).encode()
    [told] = ADAPTERS[platform].parse(body)
    return told


def changed(platform, field, value):
    """What one change of an account tells."""
    body = json.dumps({"entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}).encode()
    [told] = ADAPTERS[platform].parse(body)
    return told


@BOTH
def test_a_message_that_the_platform_does_not_tell_is_kept_raw(platform):
    message = {"mid": "m", "is_unsupported": True, "attachments": [{"type": "fallback"}]}
    event = {"sender": {"id": "9"}, "timestamp": 1767250000000, "message": message}
    told = told_by(platform, event)
    assert (type(told).__name__, told.raw) == ("Unknown", event)


@BOTH
@pytest.mark.parametrize(
    "event",
    [
        {"sender": {}, "message": {"mid": "m", "text": "x"}},
        {"sender": {}, "postback": {"mid": "m", "title": "x"}},
        {"sender": {"id": "9"}, "message_edit": {"text": "x"}},
        {"sender": {"id": "9"}, "message": {"mid": "m"}},
    ],
)
def test_what_nobody_wrote_and_what_changes_no_known_message_is_kept_raw(platform, event):
    told = told_by(platform, event)
    assert (type(told).__name__, told.raw) == ("Unknown", event)


@BOTH
def test_a_message_with_something_of_no_kind_is_an_attachment(platform):
    told = told_by(platform, {"sender": {"id": "9"}, "message": {"mid": "m", "attachments": [{}]}})
    assert (told.kind, told.text) == ("attachment", "")


@pytest.mark.parametrize(
    ("word", "verb"),
    [("add", "added"), ("edited", "changed"), ("edit", "changed"), ("update", "changed")]
    + [("hide", "changed"), ("unhide", "changed"), ("remove", "removed"), ("delete", "removed")],
)
def test_every_verb_of_the_feed_is_known(word, verb):
    value = {"item": "comment", "verb": word, "comment_id": "5", "post_id": "7"}
    assert changed("facebook", "feed", value).verb == verb


# --- the Graph API -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["4", "17", "32", "613", "80001", "80002"])
def test_used_up_calls_are_throttling_for_as_long_as_the_header_says(code):
    usage = {"17841400000000001": [{"call_count": 100, "estimated_time_to_regain_access": 19}]}
    told = refusal(*(400, {"x-business-use-case-usage": json.dumps(usage)}), failed(int(code))[1])
    assert isinstance(told, Throttled)
    assert (told.retry_after_s, told.platform_code) == (19 * 60, code)
    for header in ("", "{", "[]", '{"1": 7}', '{"1": [{"estimated_time_to_regain_access": -4}]}'):
        headers = {"x-business-use-case-usage": header}
        assert refusal(400, headers, failed(int(code))[1]).retry_after_s == 600


@pytest.mark.parametrize("code", ["3", "10", "102", "190", "200", "299", "368"])
def test_a_token_that_is_over_or_may_not_is_about_our_key(code):
    told = refusal(400, {}, failed(int(code))[1])
    assert isinstance(told, SendRefused)
    assert (told.scope, told.platform_code) == ("channel", code)


@pytest.mark.parametrize("code", ["21", "24", "100", "110", "803"])
def test_what_does_not_exist_for_us_is_about_what_was_asked_for(code):
    told = refusal(400, {}, failed(int(code), message="No such field")[1])
    assert (told.scope, told.platform_code) == ("content", code)
    assert "No such field" in str(told)
    assert refusal(400, {}, failed(int(code), 33)[1]).platform_code == f"{code}.33"


@pytest.mark.parametrize(("status", "kind"), [(500, OutcomeUnknown), (429, Throttled), (403, SendRefused)])
def test_an_answer_without_a_known_code_means_what_its_status_means(status, kind):
    assert isinstance(refusal(status, {}, None), kind)
    told = refusal(status, {}, failed(12, message="Deprecated")[1])
    assert isinstance(told, kind)
    assert getattr(told, "platform_code", "12") == "12"
    assert "Deprecated" in str(told) or kind is not SendRefused


@BOTH
def test_a_word_to_wait_ends_the_reading_and_what_was_read_is_given(platform):
    ids = {"instagram": ("11", "12", "13"), "facebook": ("1001_1", "1001_2", "1001_3")}[platform]
    post = {"like_count": 3, "reactions": {"summary": {"total_count": 3}}}
    waits = failed(4, status=403)
    http = GraphAnswers({ids[0]: post, ids[1]: [post, waits], ids[1] + "/insights": waits, ids[2]: post})
    http.answers[ids[0] + "/insights"] = {"data": []}
    found = read(platform, http, *ids)
    assert set(found) == {ids[0]}
    assert found[ids[0]].figures == {"likes": 3}


@BOTH
def test_a_word_to_wait_at_once_is_raised(platform):
    http = GraphAnswers({"": failed(4, status=403)})
    with pytest.raises(Throttled):
        read(platform, http, "1001_1" if platform == "facebook" else "11")
    assert len(http.asked) == 1


@BOTH
def test_no_more_is_asked_than_the_quota_says_and_what_is_left_is_absent(platform):
    quota = MEASURERS[platform].quota
    ids = [f"{1001}_{n}" if platform == "facebook" else str(n) for n in range(100, 100 + quota.batch)]
    http = GraphAnswers({"": {"data": []}})
    found = read(platform, http, *ids)
    assert len(http.asked) <= quota.units
    assert set(found) == set(ids[: len(found)])
    assert 0 < len(found) < len(ids)


@BOTH
@pytest.mark.parametrize("code", [190, 102])
def test_a_token_that_is_over_is_raised_for_whatever_was_asked(platform, code):
    http = GraphAnswers({"": failed(code, status=401)})
    for ask in (
        lambda: read(platform, http, "1001_1" if platform == "facebook" else "11"),
        lambda: read(platform, http, "asha/Abc" if platform == "instagram" else "2002_7"),
        lambda: account(platform, http, "asha"),
    ):
        with pytest.raises(SendRefused) as refused:
            ask()
        assert refused.value.scope == "channel"


@BOTH
def test_without_a_token_nothing_is_asked_and_the_key_is_refused(platform):
    http = GraphAnswers()
    with pytest.raises(SendRefused, match="The secret has no access_token") as refused:
        account(platform, http, "asha", access_token="")
    assert (refused.value.scope, refused.value.platform_code, http.asked) == (
        "channel",
        "no_access_token",
        [],
    )


def test_a_secret_without_our_own_id_is_said_to_lack_it():
    for platform, field in (("instagram", "account_id"), ("facebook", "page_id")):
        with pytest.raises(SendRefused, match=f"The secret has no {field}") as refused:
            read(platform, GraphAnswers(), "11", **{field: ""})
        assert (refused.value.scope, refused.value.platform_code) == ("channel", f"no_{field}")
    assert named({"page_id": 7}, "page_id") == "7"


@BOTH
def test_an_answer_that_proves_nothing_is_raised(platform):
    with pytest.raises(OutcomeUnknown):
        read(platform, GraphAnswers({"": (502, None)}), "1001_1" if platform == "facebook" else "11")


@BOTH
def test_of_several_values_the_last_counts(platform):
    one = "1001_1" if platform == "facebook" else "11"
    http = GraphAnswers(
        {one + "?": {}, one + "/insights": {"data": [{"values": [{"value": 3}, {"value": 8}]}]}}
    )
    assert read(platform, http, one)[one].figures["views"] == 8


@BOTH
def test_more_than_a_batch_is_not_looked_at(platform):
    ids = [f"code-{n}" for n in range(30)]
    assert set(read(platform, GraphAnswers(), *ids)) == set(ids[: MEASURERS[platform].quota.batch])


@BOTH
def test_an_insight_that_a_post_does_not_have_hides_no_other(platform):
    one, first, second = {
        "facebook": ("1001_1", "post_media_view", "post_total_media_view_unique"),
        "instagram": ("11", "views", "reach"),
    }[platform]
    path = f"{one}/insights?metric="
    http = GraphAnswers({f"{one}?": {}, path + first: failed(100), path + second: insight(second, 5)})
    assert read(platform, http, one)[one].figures == {"reach": 5}
