import base64
import hashlib
import json

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, CredentialRetrievalError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import Rejected, SignatureInvalid, Transient
from chalicelib.platforms import ses
from chalicelib.platforms.base import (
    Accepted,
    Call,
    Channel,
    OutcomeUnknown,
    Outgoing,
    SendRefused,
    Throttled,
)
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.payload import load, packed
from chalicelib.platforms.ses import Ses, key_of, string_to_sign, tag_of
from local.config import SES
from local.ports import free_port
from tests.platforms import fixtures, golden
from tests.platforms.contract import BODY, PlatformContract
from tests.platforms.test_http_client import server

__all__ = ["server"]

KEY = "cmp_abcdefghijklmnop-12.00000000001.3.1"
CONFIG = {"region": "ap-south-1", "from": "JanJan नमूना <janjan@sample.test>", "configuration_set": "janjan-x"}
CHANNEL = Channel("email-main", "ses", CONFIG, "email")
EMAIL = Outgoing(
    subject="नमस्ते, सुनीता",
    text="नमूना",
    html="<p>नमूना</p>",
    unsubscribe_url="https://x.test/u/inf_a.0f",
    key=KEY,
)
ACCOUNT = {"SendingEnabled": True, "EnforcementStatus": "HEALTHY", "ProductionAccessEnabled": True}
CERT_URL = "https://sns.ap-south-1.amazonaws.com/SimpleNotificationService-namuna.pem"


@pytest.fixture(autouse=True)
def role(monkeypatch):
    """A function's role, as Lambda gives it."""
    for name, value in {
        "ACCESS_KEY_ID": "AKIDNAMUNA",
        "SECRET_ACCESS_KEY": "s",
        "SESSION_TOKEN": "t",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    ses._session.cache_clear()
    yield
    ses._session.cache_clear()


class Answers:
    """An Http that gives one answer and remembers what it was asked."""

    def __init__(self, status=200, answer=None, headers=None):
        self.status, self.answer, self.headers, self.asked = status, answer, headers or {}, []

    def post_json(self, url, body, headers):
        self.asked.append((url, body, headers))
        return self.status, self.headers, self.answer

    def get_json(self, url, headers):
        self.asked.append((url, None, headers))
        return self.status, self.headers, self.answer

    def get_text(self, url, headers):
        self.asked.append((url, None, headers))
        return self.status, self.headers, self.answer


def adapter(http=None):
    return Ses(http or Answers(404))


def send(http, message=EMAIL, channel=CHANNEL):
    return adapter().send(http, Ses.base_url, channel, "sunita@sample.test", message)


def sent(message=EMAIL, channel=CHANNEL):
    http = Answers(200, {"MessageId": "0109-namuna"})
    assert send(http, message, channel) == Accepted("0109-namuna")
    ((_, body, _),) = http.asked
    return body


def refusal(status, name="", detail="", headers=None):
    answer = {"message": detail} | ({"__type": name} if name else {})
    with pytest.raises((Rejected, Transient)) as caught:
        send(Answers(status, answer, headers))
    return caught.value


# --- webhooks: SNS over HTTP --------------------------------------------------------------------------------


def signing_key():
    return serialization.load_pem_private_key(SES.signing.encode(), None)


def arn_of(secret):
    return (
        secret if secret.startswith("arn:") or not secret else f"arn:aws:sns:ap-south-1:000000000000:{secret}"
    )


def enveloped(body, topic, version="2"):
    """What SNS posts for `body`: an event, or an envelope that lacks its signature."""
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not (isinstance(given, dict) and str(given.get("Type")) in ses.SIGNED):
        digest = hashlib.sha256(body).hexdigest()
        given = {"Type": "Notification", "MessageId": digest[:36], "Message": body.decode("utf-8", "replace")}
    timed = {"Timestamp": "2026-01-01T12:00:00.000Z"} | given
    envelope = timed | {"TopicArn": topic, "SigningCertURL": CERT_URL, "SignatureVersion": version}
    kind = {"1": hashes.SHA1, "2": hashes.SHA256}[version]
    signature = signing_key().sign(string_to_sign(envelope), PKCS1v15(), kind())
    return envelope | {"Signature": base64.b64encode(signature).decode()}


class TestSes(PlatformContract):
    name = "ses"
    secret_field = "topic_arn"

    def secrets(self, value="current"):
        if isinstance(value, str):
            value = arn_of(value)
        if isinstance(value, list):
            value = [arn_of(one) if isinstance(one, str) else one for one in value]
        return {"topic_arn": value, "certificate": SES.certificate}

    def signed(self, body, secret="current"):
        """The signature is in the body. Some messages have the old kind, some the new."""
        version = str(1 + len(body) % 2)
        return Call({}, json.dumps(enveloped(body, arn_of(secret), version)).encode())

    def unsigned(self, body):
        return Call({}, body)

    def garbled(self, body, garbled):
        return Call({}, json.dumps(enveloped(body, arn_of("current")) | {"Signature": garbled}).encode())

    def test_it_asks_for_no_handshake(self):
        assert self.adapter.handshake(self.secrets(), Call(query={"hub.challenge": "1"})) is None

    def test_it_declares_what_it_has(self):
        can = self.adapter.capabilities
        assert (can.mediums, can.receipts, can.carries_key, can.templates) == (("email",), True, True, False)
        assert (can.replies, can.media, can.longest, can.ttl_s) == (False, False, None, None)
        assert (can.rate_per_s, can.per_day, can.pair_gap_s) == (14, 50_000, 0)

    @pytest.mark.parametrize("version", ["1", "2"])
    def test_both_versions_of_signatures_pass(self, version):
        body = json.dumps(enveloped(BODY, arn_of("current"), version)).encode()
        self.adapter.verify(self.secrets(), Call({}, body))

    @pytest.mark.parametrize("version", ["", "3", "0", 1, None, ["1"]])
    def test_other_versions_of_signatures_are_refused(self, version):
        envelope = enveloped(BODY, arn_of("current")) | {"SignatureVersion": version}
        if version == 1:  # a number as text is the same number
            envelope = enveloped(BODY, arn_of("current"), "1") | {"SignatureVersion": 2}
        with pytest.raises(SignatureInvalid):
            self.adapter.verify(self.secrets(), Call({}, json.dumps(envelope).encode()))

    @pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "Type", "Subject"])
    def test_nothing_that_is_read_can_be_changed(self, name):
        envelope = enveloped(BODY, arn_of("current"))
        for change in ({name: "UnsubscribeConfirmation"}, {name: ["x"]}, {name: "x"}):
            with pytest.raises(SignatureInvalid):
                self.adapter.verify(self.secrets(), Call({}, json.dumps(envelope | change).encode()))

    @pytest.mark.parametrize(
        "url",
        [
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-namuna.pem",
            "http://sns.ap-south-1.amazonaws.com/SimpleNotificationService-namuna.pem",
            "https://sns.ap-south-1.amazonaws.com.evil.test/x.pem",
            "https://evil.test/sns.ap-south-1.amazonaws.com/x.pem",
            "https://sns.ap-south-1.amazonaws.com@evil.test/x.pem",
            "https://snsXap-south-1.amazonaws.com/x.pem",
            "https://sns.ap-south-1.amazonaws.com:444/x.pem",
            "https://sns.ap-south-1.amazonaws.com/x.pem?y",
            "https://sns.ap-south-1.amazonaws.com/x.txt",
            "https://sns.ap-south-1.amazonaws.com/a/../x.pem",
            "https://sns.ap-south-1.amazonaws.com/x.pem\n",
            "",
            None,
            7,
        ],
    )
    def test_a_certificate_from_anywhere_but_sns_in_the_topics_region_is_neither_trusted_nor_fetched(
        self, url
    ):
        http = Answers(200, SES.certificate)
        envelope = enveloped(BODY, arn_of("current")) | {"SigningCertURL": url}
        with pytest.raises(SignatureInvalid):
            adapter(http).verify({"topic_arn": arn_of("current")}, Call({}, json.dumps(envelope).encode()))
        assert http.asked == []


def posted(topic="current", http=None):
    call = TestSes().signed(BODY, topic)
    given_by = adapter(http)
    given_by.verify({"topic_arn": arn_of("current")}, call)
    given_by.verify({"topic_arn": arn_of("current")}, call)


def test_a_certificate_is_fetched_once_and_kept():
    http = Answers(200, SES.certificate)
    posted(http=http)
    assert [url for url, *_ in http.asked] == [CERT_URL]


def test_of_a_topic_that_is_not_ours_no_certificate_is_fetched():
    http = Answers(200, SES.certificate)
    with pytest.raises(SignatureInvalid):
        posted("stranger", http)
    assert http.asked == []


def test_no_more_certificates_are_kept_than_could_be_needed():
    many = adapter(Answers(200, SES.certificate))
    for n in range(3 * ses.CERTIFICATES_KEPT):
        many._certificate(f"https://sns.x/{n}.pem")
    assert len(many._kept) <= ses.CERTIFICATES_KEPT


@pytest.mark.parametrize(
    ("status", "text"), [(404, SES.certificate), (500, "no"), (301, ""), (200, ""), (200, "<html>")]
)
def test_a_certificate_that_cannot_be_had_now_is_asked_for_again_later(status, text):
    http = Answers(status, text)
    later = adapter(http)
    for _ in range(2):
        with pytest.raises(Transient) as busy:
            later.verify({"topic_arn": arn_of("current")}, TestSes().signed(BODY))
        assert busy.value.status == 503
    assert len(http.asked) == 2


def test_an_unknown_fate_of_a_fetch_is_no_refusal():
    class Cut(Answers):
        def get_text(self, url, headers):
            raise OutcomeUnknown

    with pytest.raises(Transient):
        posted(http=Cut())


def test_what_is_no_certificate_proves_nothing():
    garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(SignatureInvalid):
        posted(http=Answers(200, garbled))


def vectors():
    place = fixtures.ROOT / "vectors" / "sns_selfmade_v1_v2.json"
    if not place.exists():
        return []
    made = json.loads(place.read_text(encoding="utf-8"))
    moto = json.loads((fixtures.ROOT / "ses" / "moto_signed_v2_with_pem.json").read_text(encoding="utf-8"))
    return [(one, made["pem"]) for one in made["vectors"]] + [({"message": moto["message"]}, moto["pem"])]


@fixtures.needed
@pytest.mark.parametrize(("vector", "pem"), vectors())
def test_recorded_signatures_verify_against_their_certificate(vector, pem):
    message = vector["message"]
    secrets = {"topic_arn": message["TopicArn"]}
    adapter(Answers(200, pem)).verify(secrets, Call({}, json.dumps(message).encode()))
    if "string_to_sign" in vector:
        assert string_to_sign(message).decode() == vector["string_to_sign"]
    with pytest.raises(SignatureInvalid):
        adapter(Answers(200, SES.certificate)).verify(secrets, Call({}, json.dumps(message).encode()))


# --- events -------------------------------------------------------------------------------------------------


def parsed(sample):
    return adapter().parse((golden.SAMPLES / "ses" / f"{sample}.json").read_bytes())


def test_the_same_event_bare_or_in_an_envelope_is_the_same_update():
    body = (golden.SAMPLES / "ses" / "bounce_permanent.json").read_bytes()
    assert adapter().parse(json.dumps(enveloped(body, "arn:x")).encode()) == adapter().parse(body)


def test_a_permanent_bounce_ends_the_address_and_a_passing_one_does_not():
    (bounced,) = parsed("bounce_permanent")
    assert (bounced.fact, bounced.opted_out, bounced.code, bounced.medium) == (
        "failed",
        True,
        "bounce.General",
        "email",
    )
    for sample in ("bounce_transient_out_of_office", "bounce_undetermined"):
        assert [type(update).__name__ for update in parsed(sample)] == ["Notice"]


@pytest.mark.parametrize(
    ("sample", "code", "scope"),
    [
        ("mailbox_full", "soft.MailboxFull", "person"),
        ("content_rejected", "soft.ContentRejected", "content"),
        ("given_up", "soft.General", "person"),
    ],
)
def test_a_bounce_that_passes_is_a_failure_where_it_is_proven_and_ends_no_address(sample, code, scope):
    (bounced,) = parsed(f"bounce_transient_{sample}")
    assert (bounced.fact, bounced.opted_out, bounced.code, bounced.scope) == ("failed", False, code, scope)
    assert bounced.key.startswith("cmp_")


@pytest.mark.parametrize("sub_type", ses.GIVEN_UP)
def test_a_reason_not_to_deliver_needs_no_report(sub_type):
    event = json.loads((golden.SAMPLES / "ses" / "bounce_transient_out_of_office.json").read_text())
    event["bounce"]["bounceSubType"] = sub_type
    (bounced,) = adapter().parse(json.dumps(event).encode())
    assert (bounced.fact, bounced.opted_out, len(bounced.code) <= ses.LONGEST_CODE) == ("failed", False, True)


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_of_several_recipients_those_fail_whose_server_says_so(kind):
    event = json.loads((golden.SAMPLES / "ses" / "bounce_transient_given_up.json").read_text())
    event["bounce"] |= {
        "bounceType": kind,
        "bouncedRecipients": [
            {"emailAddress": "a@sample.test", "action": "delayed"},
            {"emailAddress": "b@sample.test", "action": "Failed"},
            {"emailAddress": "c@sample.test"},
            "d@sample.test",
        ],
    }
    assert [update.recipient for update in adapter().parse(json.dumps(event).encode())] == ["b@sample.test"]


def test_only_who_bounced_is_told_of_not_all_who_were_written_to():
    event = json.loads((golden.SAMPLES / "ses" / "bounce_permanent.json").read_text())
    event["mail"]["destination"] = ["a@sample.test", "b@sample.test", "c@sample.test"]
    event["bounce"]["bouncedRecipients"] = [
        {"emailAddress": "a@sample.test"},
        {"emailAddress": "b@sample.test"},
    ]
    updates = adapter().parse(json.dumps(event).encode())
    assert [update.recipient for update in updates] == ["a@sample.test", "b@sample.test"]
    assert len({update.dedupe_id for update in updates}) == 2


@pytest.mark.parametrize("sub_type", [None, "OnAccountSuppressionList"])
def test_only_who_complained_is_told_of_with_or_without_an_id_of_the_report(sub_type):
    event = json.loads((golden.SAMPLES / "ses" / "complaint.json").read_text())
    event["mail"]["destination"] = ["a@sample.test", "b@sample.test"]
    event["complaint"] |= {"complainedRecipients": [{"emailAddress": "a@sample.test"}]}
    event["complaint"]["complaintSubType"] = sub_type
    del event["complaint"]["feedbackId"]
    (update,) = adapter().parse(json.dumps(event).encode())
    assert "a@sample.test" in (getattr(update, "sender", ""), getattr(update, "recipient", ""))
    event["mail"]["messageId"] = ""
    assert [type(update).__name__ for update in adapter().parse(json.dumps(event).encode())] == ["Unknown"]


def test_the_same_bounce_told_by_the_identity_and_by_the_configuration_set_is_one():
    event = json.loads((golden.SAMPLES / "ses" / "bounce_permanent.json").read_text())
    event["notificationType"] = event.pop("eventType")
    (twice,), (once,) = adapter().parse(json.dumps(event).encode()), parsed("bounce_permanent")
    assert twice.dedupe_id == once.dedupe_id


def test_a_complaint_is_the_wish_to_get_no_more_unless_it_takes_one_back():
    (wish,) = parsed("complaint")
    assert (type(wish).__name__, wish.wants, wish.sender) == (
        "Preference",
        False,
        "sunita.namuna@sample.test",
    )
    assert [type(update).__name__ for update in parsed("complaint_not_spam")] == ["Notice"]


@pytest.mark.parametrize("sample", ["open", "click"])
def test_an_email_that_was_opened_or_clicked_was_not_therefore_read(sample):
    assert [type(update).__name__ for update in parsed(sample)] == ["Notice"]


def test_no_event_of_sess_own_lists_starts_anything_again():
    assert [type(update).__name__ for update in parsed("subscription_changed")] == ["Notice"]
    (wish,) = parsed("subscription_ended")
    assert wish.wants is False


# --- our key in a tag ---------------------------------------------------------------------------------------


@given(
    st.from_regex(r"[a-z]{3}_[a-z2-7]{16}-[0-9]{1,4}\.[0-9]{11,31}\.[0-9]{1,2}\.[0-9]{1,2}", fullmatch=True)
)
def test_every_key_comes_back_from_its_tag_and_fits_the_alphabet(key):
    tag = tag_of(key)
    assert key_of(tag) == key
    assert len(tag) <= 256
    assert set(tag) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


@given(st.text(st.characters(codec="ascii"), max_size=80))
def test_whatever_else_is_in_a_tag_is_no_key_or_makes_the_same_tag(tag):
    assert key_of(tag) == "" or tag_of(key_of(tag)) == tag


@pytest.mark.parametrize("tag", ["", "A", "é", "Y21wLjE=", "Y21w LjE", "_-_-", "\ud800"])
def test_a_tag_that_we_did_not_make_has_no_key(tag):
    assert key_of(tag) == ""


# --- sending ------------------------------------------------------------------------------------------------


def test_an_email_has_subject_both_bodies_key_and_a_click_to_end_it():
    http = Answers(200, {"MessageId": "0109-namuna"})
    assert send(http) == Accepted("0109-namuna")
    ((url, body, headers),) = http.asked
    assert url == "https://email.ap-south-1.amazonaws.com/v2/email/outbound-emails"
    assert body["Destination"] == {"ToAddresses": ["sunita@sample.test"]}
    assert body["ConfigurationSetName"] == "janjan-x"
    assert body["EmailTags"] == [{"Name": "janjan", "Value": tag_of(KEY)}]
    simple = body["Content"]["Simple"]
    assert simple["Subject"] == {"Data": "नमस्ते, सुनीता", "Charset": "UTF-8"}
    assert simple["Body"] == {
        "Text": {"Data": "नमूना", "Charset": "UTF-8"},
        "Html": {"Data": "<p>नमूना</p>", "Charset": "UTF-8"},
    }
    assert simple["Headers"] == [
        {"Name": "List-Unsubscribe", "Value": "<https://x.test/u/inf_a.0f>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    ]
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDNAMUNA/")
    assert "/ap-south-1/ses/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "t"


def test_a_senders_name_beyond_ascii_is_encoded_as_mail_wants_it():
    name, address = sent()["FromEmailAddress"].rsplit(" ", 1)
    assert name.isascii() and name.startswith("=?utf-8?")
    assert address == "<janjan@sample.test>"
    plain = Channel("x", "ses", CONFIG | {"from": "janjan@sample.test"}, "email")
    assert sent(channel=plain)["FromEmailAddress"] == "janjan@sample.test"


def test_a_service_email_has_one_body_and_neither_key_nor_link():
    body = sent(Outgoing(subject="Code", text="123456"))
    assert "EmailTags" not in body
    assert body["Content"]["Simple"].keys() == {"Subject", "Body"}
    assert body["Content"]["Simple"]["Body"].keys() == {"Text"}
    assert sent(Outgoing(subject="x", html="<p>x</p>"))["Content"]["Simple"]["Body"].keys() == {"Html"}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Outgoing(subject="x"), "no_text"),
        (Outgoing(text="x"), "bad_subject"),
        (Outgoing(text="x", subject="x\r\nBcc: everybody@sample.test"), "bad_subject"),
        (Outgoing(text="x", subject="x\ny"), "bad_subject"),
        (Outgoing(text="x", subject="x\ry"), "bad_subject"),
    ],
)
def test_what_is_no_email_is_refused_before_any_request(message, code):
    http = Answers()
    with pytest.raises(SendRefused) as refused:
        send(http, message)
    assert (refused.value.platform_code, refused.value.scope, http.asked) == (code, "content", [])


@pytest.mark.parametrize("name", ["region", "from", "configuration_set"])
def test_a_channel_that_lacks_a_setting_is_refused_by_its_name(name):
    http, channel = Answers(), Channel("x", "ses", CONFIG | {name: ""}, "email")
    with pytest.raises(SendRefused, match=name) as refused:
        send(http, channel=channel)
    assert (refused.value.scope, http.asked) == ("channel", [])


def test_without_a_role_nothing_is_sent(monkeypatch):
    http = Answers()
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda self: None)
    with pytest.raises(SendRefused, match="role") as refused:
        send(http)
    assert (refused.value.scope, http.asked) == ("channel", [])


def test_a_role_that_cannot_be_had_now_is_asked_for_again(monkeypatch):
    def fail(self):
        raise CredentialRetrievalError(provider="x", error_msg="x")

    http = Answers()
    monkeypatch.setattr("botocore.session.Session.get_credentials", fail)
    with pytest.raises(Transient):
        send(http)
    assert http.asked == []


@pytest.mark.parametrize(
    ("status", "name", "detail", "scope"),
    [
        (400, "MessageRejected", "Email address is not verified. The following identities failed", "channel"),
        (400, "MessageRejected", "Sending suspended for this account.", "channel"),
        (400, "MessageRejected", "Sending paused for this configuration set.", "channel"),
        (400, "MessageRejected", "Transaction failed: bad content", "content"),
        (400, "AccountSuspendedException", "", "channel"),
        (400, "MailFromDomainNotVerifiedException", "", "channel"),
        (400, "SendingPausedException", "", "channel"),
        (404, "NotFoundException", "Configuration set <janjan-x> does not exist.", "channel"),
        (400, "BadRequestException", "Local address contains control or whitespace", "person"),
        (400, "BadRequestException", "Domain contains illegal character", "person"),
        (400, "BadRequestException", "Missing final '@domain'", "person"),
        (400, "BadRequestException", "Header name is invalid", "content"),
        (403, "AccessDeniedException", "User is not authorized to perform ses:SendEmail", "channel"),
        (403, "SignatureDoesNotMatch", "", "channel"),
        (403, "", "", "channel"),
        (401, "", "", "channel"),
        (405, "", "", "person"),
    ],
)
def test_refusals_say_for_whom_they_hold(status, name, detail, scope):
    refused = refusal(status, name, detail)
    assert isinstance(refused, SendRefused)
    assert (refused.platform_code, refused.scope) == (name or f"http_{status}", scope)
    assert refused.opted_out is False
    assert detail in str(refused)


@pytest.mark.parametrize(
    ("status", "name", "detail", "wait_s"),
    [
        (429, "TooManyRequestsException", "Maximum sending rate exceeded.", 1),
        (429, "TooManyRequestsException", "Daily message quota exceeded.", 900),
        (400, "ThrottlingException", "Rate exceeded", 1),
        (400, "Throttling", "Maximum sending rate exceeded.", 1),
        (400, "LimitExceededException", "", 1),
        (429, "", "", 1),
    ],
)
def test_throttling_waits_for_the_next_second_or_for_the_day_to_move_on(status, name, detail, wait_s):
    throttled = refusal(status, name, detail)
    assert isinstance(throttled, Throttled)
    assert (throttled.retry_after_s, throttled.scope) == (wait_s, "channel")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amzn-errortype": "MessageRejected"},
        {"x-amzn-errortype": "MessageRejected:http://internal.amazon.com/coral/"},
        {"x-amzn-errortype": "com.amazonaws.ses#MessageRejected"},
    ],
)
def test_an_error_is_named_in_the_header_or_in_the_body(headers):
    assert refusal(400, "", "x", headers).platform_code == "MessageRejected"
    assert refusal(400, "Other", "x", headers).platform_code == "MessageRejected"
    with pytest.raises(SendRefused) as refused:
        send(Answers(400, {"code": "MessageRejected", "Message": "Sending suspended"}))
    assert (refused.value.platform_code, refused.value.scope) == ("MessageRejected", "channel")


def test_only_two_hundred_characters_of_a_message_are_shown():
    assert len(refusal(400, "MessageRejected", "x" * 5000).params["detail"]) == 200


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, None),
        (503, {"__type": "ServiceUnavailableException"}),
        (500, {"__type": "TooManyRequestsException"}),
        (502, {"__type": "MessageRejected"}),
        (408, None),
        (200, None),
        (200, {}),
        (200, {"MessageId": ""}),
        (200, {"MessageId": ["x"]}),
        (202, {"MessageId": "x"}),
    ],
)
def test_whatever_proves_nothing_is_unknown(status, answer):
    with pytest.raises(OutcomeUnknown):
        send(Answers(status, answer))


def test_the_probe_asks_the_account_and_sends_nothing():
    http = Answers(200, ACCOUNT)
    adapter().probe(http, Ses.base_url, CHANNEL)
    ((url, body, headers),) = http.asked
    assert (url, body) == ("https://email.ap-south-1.amazonaws.com/v2/email/account", None)
    assert "/ap-south-1/ses/aws4_request" in headers["Authorization"]


def test_an_account_that_may_not_send_is_ill():
    paused = ACCOUNT | {"SendingEnabled": False, "EnforcementStatus": "SHUTDOWN"}
    with pytest.raises(SendRefused, match="SHUTDOWN") as refused:
        adapter().probe(Answers(200, paused), Ses.base_url, CHANNEL)
    assert refused.value.scope == "channel"
    with pytest.raises(SendRefused) as refused:
        adapter().probe(Answers(403, {"__type": "AccessDeniedException"}), Ses.base_url, CHANNEL)
    assert refused.value.scope == "channel"


# --- botocore as judge --------------------------------------------------------------------------------------


def amazons_own(answer):
    """AWS's own client, which gets `answer` for whatever it asks, and what it asked."""
    asked = []

    def give(request, **_):
        asked.append(request)
        status, headers, body = answer
        return AWSResponse(request.url, status, headers, _Raw(json.dumps(body).encode()))

    config = botocore.config.Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True)
    client = botocore.session.get_session().create_client("sesv2", "ap-south-1", config=config)
    client.meta.events.register("before-send.sesv2.*", give)
    return client, asked


class _Raw:
    def __init__(self, content):
        self.content = content

    def stream(self, **_):
        yield self.content


def test_amazons_own_client_asks_the_same():
    client, asked = amazons_own((200, {}, {"MessageId": "0109-namuna"}))
    ours = sent()
    assert client.send_email(**ours)["MessageId"] == "0109-namuna"
    (theirs,) = asked
    assert (theirs.method, theirs.url) == (
        "POST",
        "https://email.ap-south-1.amazonaws.com/v2/email/outbound-emails",
    )
    assert json.loads(theirs.body) == ours
    client, asked = amazons_own((200, {}, ACCOUNT))
    assert client.get_account()["SendingEnabled"] is True
    assert asked[0].url == "https://email.ap-south-1.amazonaws.com/v2/email/account"


def judged_signature(method, url, headers, body):
    """AWS's own signature of a request with these headers, at the time that they state."""
    sent = {} if body is None else {"Content-Type": "application/json"}
    stated = {name: headers[name] for name in ("X-Amz-Date", "X-Amz-Security-Token")}
    request = AWSRequest(method, url, sent | stated, body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    judge = SigV4Auth(Credentials("AKIDNAMUNA", "s", "t"), "ses", "ap-south-1")
    return judge.signature(judge.string_to_sign(request, judge.canonical_request(request)), request)


def test_amazons_own_signature_over_the_bytes_that_are_sent_is_ours():
    http = Answers(200, {"MessageId": "x"})
    send(http)
    ((url, body, headers),) = http.asked
    wanted = judged_signature("POST", url, headers, packed(body))
    assert headers["Authorization"].endswith(f"Signature={wanted}")


def test_amazons_own_signature_of_a_probe_is_ours():
    http = Answers(200, ACCOUNT)
    adapter().probe(http, Ses.base_url, CHANNEL)
    ((url, _, headers),) = http.asked
    assert headers["Authorization"].endswith(f"Signature={judged_signature('GET', url, headers, None)}")


@pytest.mark.parametrize("name", ["MessageRejected", "TooManyRequestsException", "NotFoundException"])
def test_amazons_own_client_reads_the_same_name_from_an_error(name):
    headers = {"x-amzn-ErrorType": f"{name}:"}
    client, _ = amazons_own((400, headers, {"message": "no"}))
    with pytest.raises(ClientError) as theirs:
        client.send_email(**sent())
    ours = refusal(400, "", "no", {"x-amzn-errortype": f"{name}:"})
    assert ours.platform_code == theirs.value.response["Error"]["Code"] == name


# --- on a real wire -----------------------------------------------------------------------------------------


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("path", ["cut", "reset", "half", "nonsense"])
def test_a_connection_cut_after_the_request_is_unknown_and_never_asked_again(server, path):
    base = f"{server.url}/{path}?"
    with pytest.raises(OutcomeUnknown):
        adapter().send(HttpClient(), base, CHANNEL, "sunita@sample.test", EMAIL)
    assert len(server.asked) == 1


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_connection_that_was_never_made_sent_nothing():
    with pytest.raises(Transient):
        adapter().send(HttpClient(), f"http://127.0.0.1:{free_port()}", CHANNEL, "sunita@sample.test", EMAIL)


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_what_is_signed_are_the_bytes_on_the_wire(server):
    with pytest.raises(OutcomeUnknown):
        adapter().send(HttpClient(), f"{server.url}/html?", CHANNEL, "sunita@sample.test", EMAIL)
    ((_, headers, body, _),) = server.asked
    assert load(packed(body)) == body
    signed = headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"content-type", "host", "x-amz-date"} <= set(signed) <= {name.lower() for name in headers}
