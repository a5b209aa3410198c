import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit
from xml.etree.ElementTree import fromstring, tostring

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
from chalicelib.platforms.youtube import YouTube
from tests.platforms.contract import BODY, PlatformContract

ACCOUNT = "UCnamunaNamunaNamuna0001"
TOPIC = f"https://www.youtube.com/feeds/videos.xml?channel_id={ACCOUNT}"
WEBHOOK = "https://janjan.test/webhooks/youtube"
SECRETS = {"websub_secret": "current", "api_key": "key"}


class Api:
    """An Http that gives one answer and remembers what it was asked."""

    def __init__(self, status=200, answer=None, headers=None):
        self.status, self.answer, self.headers, self.asked = status, answer, headers or {}, []

    def get_json(self, url, headers):
        self.asked.append((url, headers))
        return self.status, self.headers, self.answer

    def post_form(self, url, body, headers):
        self.asked.append((url, body))
        return self.status, self.headers, self.answer


class TestYouTube(PlatformContract):
    name = "youtube"
    secret_field = "websub_secret"
    method = "sha1"

    def sign(self, body, secret="current"):
        return {
            "x-hub-signature": f"{self.method}={hmac.new(secret.encode(), body, self.method).hexdigest()}"
        }

    def respelled(self, body):
        """XML in another encoding, with other prefixes."""
        try:
            return super().respelled(body)
        except ValueError:
            pass
        if b"<!DOCTYPE" in body:
            return body
        return tostring(fromstring(body), encoding="utf-16")

    @pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
    def test_a_hub_may_sign_with_each_method_of_the_standard(self, method):
        self.method = method
        self.adapter.verify(self.secrets(), self.signed(BODY))

    @pytest.mark.parametrize("method", ["md5", "sha224", "SHA1", "", "sha3_256", "blake2b"])
    def test_any_other_method_is_refused(self, method):
        made = hmac.new(b"current", BODY, "sha1" if method.lower() in ("", "sha1") else method).hexdigest()
        with pytest.raises(SignatureInvalid):
            self.adapter.verify(self.secrets(), Call({"x-hub-signature": f"{method}={made}"}, BODY))

    def test_nobody_is_reached_over_it(self):
        assert self.adapter.capabilities.mediums == ()


def parse(body):
    return YouTube().parse(body)


def feed(entry, head=""):
    return f"""<?xml version="1.0"?>{head}<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015"
        xmlns="http://www.w3.org/2005/Atom">{entry}</feed>""".encode()


def video(published="2026-01-01T10:00:00+00:00", updated="2026-01-01T10:00:07+00:00", title="नमूना"):
    return f"""<entry><yt:videoId>namuna00001</yt:videoId><yt:channelId>{ACCOUNT}</yt:channelId>
        <title>{title}</title><published>{published}</published><updated>{updated}</updated></entry>"""


# --- news --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("updated", "kind"),
    [
        ("2026-01-01T10:00:00+00:00", "published"),
        ("2026-01-01T11:00:00+00:00", "published"),
        ("2026-01-01T11:00:00.000001+00:00", "changed"),
        ("2026-01-01T09:00:00+00:00", "published"),
        ("2026-01-01T15:31:00+05:30", "published"),
    ],
)
def test_what_was_updated_long_after_it_was_published_has_been_changed(updated, kind):
    (told,) = parse(feed(video(updated=updated)))
    assert told.kind == kind
    if kind == "published":
        assert told.at == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_the_same_video_is_known_again_whatever_else_the_feed_says():
    first, second = parse(feed(video())), parse(feed(video(title="other words")))
    assert first[0].dedupe_id == second[0].dedupe_id
    assert parse(feed(video(updated="2026-01-02T10:00:00.000000001Z")))[0].dedupe_id != first[0].dedupe_id


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE feed>",
        '<!DOCTYPE feed SYSTEM "http://127.0.0.1/evil.dtd">',
        '<!DOCTYPE feed [<!ENTITY x "y">]>',
        '<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE feed [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
    ],
)
def test_a_document_type_is_refused_before_anything_is_expanded_and_kept_with_its_bytes(head):
    body = feed(video(), head)
    (kept,) = parse(body)
    assert (type(kept).__name__, kept.kind, kept.raw) == ("Unknown", "unreadable", body.decode())


@pytest.mark.parametrize(
    "body",
    [
        feed(video())[:-3],
        feed(video()).replace("नमूना".encode(), b"\xff\xfe\x80"),
        feed(video(title="&nbsp;")),
        feed(video()).replace(b'version="1.0"', b'version="1.0" encoding="klingon"'),
        feed("<a>" * 70 + "</a>" * 70),
        feed("<a>" * 100_000 + "</a>" * 100_000),
        b"<" * 10_000,
    ],
)
def test_what_cannot_be_read_is_kept_with_its_bytes(body):
    (kept,) = parse(body)
    assert (type(kept).__name__, kept.kind) == ("Unknown", "unreadable")
    assert kept.raw == body.decode("utf-8", "backslashreplace")


def test_a_thousand_videos_in_one_push_are_all_told():
    entries = "".join(video().replace("namuna00001", f"namuna{n:05}") for n in range(1000))
    assert len({told.post_id for told in parse(feed(entries))}) == 1000


def test_a_title_alone_is_not_told_as_the_words_of_a_post():
    """A disclosure in the description would be missed."""
    (told,) = parse(feed(video(title="शपथ #ad")))
    assert told.text == ""


# --- the hub -----------------------------------------------------------------------------------------------


def asked(wanted=True, secrets=SECRETS, status=202):
    """The form that the hub gets."""
    hub = Api(status)
    YouTube().follow(hub, "https://hub.test", secrets, WEBHOOK, ACCOUNT, wanted=wanted)
    ((url, form),) = hub.asked
    assert url == "https://hub.test/subscribe"
    return form


def greeted(secrets=SECRETS, form=None, **changed):
    """The answer to the hub's handshake at the address that it was given."""
    query = dict(parse_qsl(urlsplit((form or asked())["hub.callback"]).query))
    query |= {
        "hub.mode": "subscribe",
        "hub.topic": TOPIC,
        "hub.challenge": "c-1",
        "hub.lease_seconds": "432000",
    }
    query |= {f"hub.{name}" if name != "proof" else name: value for name, value in changed.items()}
    return YouTube().handshake(secrets, Call(query={k: v for k, v in query.items() if v is not None}))


def news(greeting):
    (told,) = parse(greeting.news)
    return told


def test_the_hub_is_asked_with_a_secret_a_lease_and_an_address_that_bears_its_proof():
    form = asked()
    assert form["hub.callback"].startswith(f"{WEBHOOK}?proof=")
    assert form == form | {
        "hub.mode": "subscribe",
        "hub.topic": TOPIC,
        "hub.secret": "current",
        "hub.lease_seconds": "864000",
    }
    assert form["hub.verify"] == "async"


def test_the_proof_stays_the_same_from_version_to_version():
    """What hubs know outlives a deployment."""
    made = hmac.new(b"current", b"topic " + TOPIC.encode(), hashlib.sha256).hexdigest()
    assert asked()["hub.callback"] == f"{WEBHOOK}?proof={made}"


def test_it_is_asked_to_end_it_at_the_same_address_without_the_secret():
    form = asked(wanted=False)
    assert (form["hub.mode"], form["hub.callback"]) == ("unsubscribe", asked()["hub.callback"])
    assert not {"hub.secret", "hub.lease_seconds"} & set(form)


def test_the_current_secret_of_a_rotation_is_the_one_that_is_used():
    assert asked(secrets={"websub_secret": ["new", "current"]})["hub.secret"] == "new"


@pytest.mark.parametrize("status", [202, 204])
def test_the_hub_may_take_it_now_or_later(status):
    asked(status=status)


@pytest.mark.parametrize(
    ("status", "raised"), [(400, SendRefused), (429, Throttled), (500, OutcomeUnknown), (200, OutcomeUnknown)]
)
def test_what_the_hub_did_not_take_is_told(status, raised):
    with pytest.raises(raised):
        asked(status=status)


@pytest.mark.parametrize("secret", [None, "", []])
def test_without_a_secret_nothing_is_asked(secret):
    with pytest.raises(SendRefused, match=r"There is no websub_secret\.") as caught:
        asked(secrets={"websub_secret": secret})
    assert (caught.value.platform_code, caught.value.scope) == ("no_websub_secret", "channel")


def test_a_handshake_for_what_we_asked_is_answered_and_tells_how_long_it_holds():
    greeting = greeted()
    assert (greeting.answer, greeting.content_type) == ("c-1", "text/plain")
    assert (news(greeting).account, news(greeting).lease_s, news(greeting).reason) == (ACCOUNT, 432000, "")


def test_each_confirmation_is_news_of_its_own():
    assert news(greeted()).dedupe_id != news(greeted(challenge="c-2")).dedupe_id
    assert news(greeted()) == news(greeted())


def test_the_end_of_a_subscription_and_a_refusal_are_told_with_their_reason():
    ended, denied = greeted(mode="unsubscribe"), greeted(mode="denied", challenge=None, reason="नहीं")
    assert (ended.answer, news(ended).lease_s, news(ended).reason) == ("c-1", None, "unsubscribe")
    assert (denied.answer, news(denied).lease_s, news(denied).reason) == ("", None, "नहीं")
    assert news(greeted(mode="denied", challenge=None)).reason == "denied"


@pytest.mark.parametrize(
    ("told", "lease_s"),
    [
        (None, 86_400),
        ("", 86_400),
        ("0", 86_400),
        ("soon", 86_400),
        ("-5", 86_400),
        ("60", 60),
        ("9" * 17, 31_622_400),
    ],
)
def test_a_lease_that_makes_no_sense_is_renewed_within_a_day(told, lease_s):
    assert news(greeted(lease_seconds=told)).lease_s == lease_s


@pytest.mark.parametrize(
    "changed",
    [
        {"proof": None},
        {"proof": ""},
        {"proof": "é\ud800"},
        {"proof": "0" * 64},
        {"topic": TOPIC[:-1] + "2"},
        {"topic": ""},
        {"topic": "https://[bad"},
        {"mode": "publish"},
        {"mode": None},
        {"challenge": None},
        {"mode": "unsubscribe", "challenge": None},
        {"mode": "denied", "proof": None},
    ],
)
def test_a_handshake_that_we_did_not_ask_for_is_refused(changed):
    assert greeted(**changed) is None


def test_a_proof_of_the_previous_secret_holds_and_an_older_one_does_not():
    form = asked()
    assert greeted({"websub_secret": ["new", "current"]}, form)
    assert greeted({"websub_secret": ["newer", "new"]}, form) is None
    assert greeted({}, form) is None


def test_the_proof_is_no_signature_of_a_body():
    proof = parse_qs(urlsplit(asked()["hub.callback"]).query)["proof"][0]
    assert proof != hmac.new(b"current", TOPIC.encode(), hashlib.sha256).hexdigest()


def test_a_channels_id_is_told_from_other_handles():
    assert YouTube().account_in(ACCOUNT) == ACCOUNT
    assert [YouTube().account_in(h) for h in ("namuna", "c/namuna", ACCOUNT + "x", ACCOUNT[:-1])] == [""] * 4


# --- figures -----------------------------------------------------------------------------------------------


def videos(*items):
    return {"kind": "youtube#videoListResponse", "items": list(items)}


def read(api, ids=("a",), secrets=SECRETS):
    return YouTube().read_posts(api, "https://api.test", secrets, ids)


def test_figures_are_read_where_they_are_told_and_missing_ones_are_absent():
    item = {
        "id": "a",
        "snippet": {
            "channelId": ACCOUNT,
            "title": "शपथ",
            "description": "#विज्ञापन",
            "publishedAt": "2026-01-01T10:00:14Z",
        },
        "statistics": {"viewCount": "1204", "likeCount": 7, "favoriteCount": "0", "commentCount": None},
    }
    api = Api(answer=videos(item, {"id": "b"}))
    told = read(api, ("a", "b", "c"))
    assert told == {
        "a": PostReading(
            {"views": 1204, "likes": 7},
            account=ACCOUNT,
            text="शपथ\n#विज्ञापन",
            published_at=datetime(2026, 1, 1, 10, 0, 14, tzinfo=UTC),
        ),
        "b": PostReading(),
        "c": PostReading(gone=True),
    }
    url = urlsplit(api.asked[0][0])
    assert (url.netloc, url.path) == ("api.test", "/youtube/v3/videos")
    assert parse_qs(url.query) == {"part": ["snippet,statistics"], "id": ["a,b,c"], "key": ["key"]}


def test_an_answer_that_is_not_whole_makes_no_video_gone():
    for answer in (None, [], {}, {"items": []}, {"kind": "k", "items": "x"}, "x"):
        with pytest.raises(OutcomeUnknown):
            read(Api(answer=answer))


@pytest.mark.parametrize("status", [400, 403, 418])
def test_the_platforms_words_are_told_to_two_hundred_characters(status):
    with pytest.raises(SendRefused) as caught:
        read(Api(status, error("other", "x" * 5000)))
    assert caught.value.params["detail"] == "x" * 200


def error(reason, detail="No", **more):
    return {"error": {"message": detail, "errors": [{"domain": "youtube", "reason": reason}], **more}}


@pytest.mark.parametrize(
    ("status", "answer", "raised", "code", "held"),
    [
        (403, error("quotaExceeded"), Throttled, "quotaExceeded", 3600),
        (403, error("dailyLimitExceeded"), Throttled, "dailyLimitExceeded", 3600),
        (403, error("rateLimitExceeded"), Throttled, "rateLimitExceeded", 60),
        (403, error("userRateLimitExceeded"), Throttled, "userRateLimitExceeded", 60),
        (429, None, Throttled, "", 60),
        (429, error("quotaExceeded"), Throttled, "quotaExceeded", 3600),
        (400, error("keyInvalid"), SendRefused, "keyInvalid", "channel"),
        (400, error("keyExpired"), SendRefused, "keyExpired", "channel"),
        (
            400,
            error("badRequest", details=[{"reason": "API_KEY_INVALID"}]),
            SendRefused,
            "badRequest",
            "channel",
        ),
        (403, error("accessNotConfigured"), SendRefused, "accessNotConfigured", "channel"),
        (403, error("ipRefererBlocked"), SendRefused, "ipRefererBlocked", "channel"),
        (403, None, SendRefused, "403", "channel"),
        (401, error("required"), SendRefused, "required", "channel"),
        (400, error("invalidFilters"), SendRefused, "invalidFilters", "content"),
        (404, {"error": "x"}, SendRefused, "404", "content"),
    ],
)
def test_a_refusal_says_whom_it_holds_for_or_how_long(status, answer, raised, code, held):
    with pytest.raises(raised) as caught:
        read(Api(status, answer))
    assert caught.value.platform_code == code
    assert held == (caught.value.retry_after_s if raised is Throttled else caught.value.scope)


@pytest.mark.parametrize("status", [500, 503, 408, 302])
def test_what_proves_nothing_is_unknown(status):
    with pytest.raises(OutcomeUnknown):
        read(Api(status))


@pytest.mark.parametrize("key", [None, "", 7])
def test_without_an_api_key_nothing_is_asked(key):
    api = Api()
    with pytest.raises(SendRefused, match=r"There is no api_key\.") as caught:
        read(api, secrets={"api_key": key})
    assert (caught.value.platform_code, caught.value.scope, api.asked) == ("no_api_key", "channel", [])


def account(handle, *items):
    api = Api(answer={"kind": "youtube#channelListResponse"} | ({"items": list(items)} if items else {}))
    told = YouTube().read_account(api, "https://api.test", SECRETS, handle)
    return told, [dict(parse_qsl(urlsplit(url).query)) for url, _ in api.asked]


CHANNEL = {
    "id": ACCOUNT,
    "snippet": {"customUrl": "@Namuna_Vibhag", "description": "कोड 482913"},
    "statistics": {"subscriberCount": "1230", "hiddenSubscriberCount": False},
}


@pytest.mark.parametrize(
    ("handle", "by"),
    [
        (ACCOUNT, {"id": ACCOUNT}),
        ("namuna_vibhag", {"forHandle": "@namuna_vibhag"}),
        ("नमूना", {"forHandle": "@नमूना"}),
        ("user/namuna", {"forUsername": "namuna"}),
    ],
)
def test_an_account_is_asked_for_by_each_form_of_its_handle(handle, by):
    told, ((query),) = account(handle, CHANNEL)
    assert told == AccountReading(ACCOUNT, "namuna_vibhag", 1230, "कोड 482913")
    assert query == by | {"part": "snippet,statistics", "key": "key"}


def test_an_account_is_asked_for_where_accounts_are():
    api = Api(answer={"kind": "youtube#channelListResponse"})
    YouTube().read_account(api, "https://api.test", SECRETS, "namuna")
    assert api.asked[0][0].startswith("https://api.test/youtube/v3/channels?")


def test_an_old_custom_address_cannot_be_asked_for():
    assert account("c/namuna", CHANNEL) == (None, [])


def test_a_deletion_by_something_else_than_a_channel_tells_no_account():
    by = "<at:by><uri>https://www.youtube.com/user/namuna</uri></at:by>"
    spaces = 'xmlns:at="http://purl.org/atompub/tombstones/1.0"'
    (told,) = parse(feed(f'<at:deleted-entry {spaces} ref="yt:video:v">{by}</at:deleted-entry>'))
    assert (told.post_id, told.account, told.at) == ("v", "", None)


def test_there_is_no_account_where_the_answer_names_none():
    assert account("namuna")[0] is None


@pytest.mark.parametrize("hidden", [True, "true"])
def test_hidden_followers_are_not_told(hidden):
    told, _ = account(
        ACCOUNT, CHANNEL | {"statistics": {"subscriberCount": "0", "hiddenSubscriberCount": hidden}}
    )
    assert told.followers is None
    assert account(ACCOUNT, {"id": ACCOUNT})[0] == AccountReading(ACCOUNT)


def test_words_between_what_is_not_understood_are_nobodys():
    body = (
        b'<feed xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns="http://www.w3.org/2005/Atom">'
        b'<at:deleted-entry when="2026-01-05T08:15:16+00:00"/>between the lines</feed>'
    )
    (update,) = YouTube().parse(body)
    assert (type(update).__name__, update.kind) == ("Unknown", "entry")
    assert "between the lines" not in update.raw
