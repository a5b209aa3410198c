"""The sandbox's SES: what AWS's own client can send to it, what it refuses, delivers and tells its topic."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from chalicelib.platforms.ses import Ses, tag_of
from local.config import SES
from tests.local.conftest import Client, Receiver

TO = "sunita.namuna@sample.test"
KEY = "cmp_abcdefghijklmnop-1.00000000001.3.1"
EMAIL: dict[str, Any] = {
    "FromEmailAddress": SES.sender,
    "Destination": {"ToAddresses": [TO]},
    "ConfigurationSetName": SES.configuration_set,
    "EmailTags": [{"Name": "janjan", "Value": tag_of(KEY)}],
    "Content": {
        "Simple": {
            "Subject": {"Data": "नमूना", "Charset": "UTF-8"},
            "Body": {"Text": {"Data": "नमस्ते", "Charset": "UTF-8"}},
        }
    },
}


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Iterator[Receiver]:
    """Where the sandbox publishes: it must be known before the sandbox starts."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", receiver.url)
    return receiver


@pytest.fixture
def mail(topic: Receiver, sandbox: Client) -> Client:
    return sandbox


@pytest.fixture
def amazon(mail: Client) -> Any:
    """AWS's own client, which speaks to the sandbox."""
    return boto3.client(
        "sesv2",
        region_name="ap-south-1",
        endpoint_url=f"{mail.url}/ses",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def events(mail: Client, topic: Receiver) -> list[dict[str, Any]]:
    """What was published, as the topic's queue would get it."""
    mail.settled()
    found = []
    for path, headers, body in topic.posts:
        if path == "/":
            asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            assert (asked["Action"], asked["TopicArn"]) == ("Publish", SES.topic_arn)
            assert "/ap-south-1/sns/aws4_request" in headers["Authorization"]
            found.append(json.loads(asked["Message"]))
    return found


def updates(mail: Client, topic: Receiver) -> list[Any]:
    return [update for event in events(mail, topic) for update in Ses(None).parse(json.dumps(event).encode())]  # type: ignore[arg-type]


@contextmanager
def refused(name: str) -> Iterator[None]:
    with pytest.raises(ClientError) as error:
        yield
    assert error.value.response["Error"]["Code"] == name


def test_an_email_is_delivered_and_told_of_with_our_key(amazon: Any, mail: Client, topic: Receiver) -> None:
    answer = amazon.send_email(**EMAIL)
    [message] = mail.call("GET", f"/messages?to={TO}")[1]
    assert (message["id"], message["text"], message["platform"]) == (answer["MessageId"], "नमस्ते", "ses")
    told = {update.fact: update for update in updates(mail, topic)}
    assert told.keys() == {"sent", "delivered"}
    assert {(u.key, u.recipient, u.message_id) for u in told.values()} == {(KEY, TO, answer["MessageId"])}
    assert [line["outcome"] for line in mail.lines("request")] == ["accepted"]
    assert [line["key"] for line in mail.lines("request")] == [KEY]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"FromEmailAddress": "somebody@sample.test"}, "MessageRejected"),
        ({"ConfigurationSetName": "other"}, "NotFoundException"),
        ({"Destination": {"ToAddresses": ["no address"]}}, "BadRequestException"),
        ({"EmailTags": [{"Name": "janjan", "Value": "YWJj.dots"}]}, "BadRequestException"),
    ],
)
def test_what_ses_would_refuse_is_refused(amazon: Any, change: dict[str, Any], name: str) -> None:
    with refused(name):
        amazon.send_email(**EMAIL | change)


@pytest.mark.parametrize("part", ["Subject", "Body"])
def test_an_email_without_subject_or_body_is_refused(amazon: Any, part: str) -> None:
    simple = EMAIL["Content"]["Simple"] | {part: {"Data": ""} if part == "Subject" else {}}
    with refused("BadRequestException"):
        amazon.send_email(**EMAIL | {"Content": {"Simple": simple}})


def test_faults_are_those_of_ses(amazon: Any, mail: Client, topic: Receiver) -> None:
    mail.call("POST", "/behaviour", {"throttle": 1})
    with refused("TooManyRequestsException"):
        amazon.send_email(**EMAIL)
    mail.call("POST", "/behaviour", {"throttle": 0, "channel_ill": 1})
    with refused("SendingPausedException"):
        amazon.send_email(**EMAIL)
    assert amazon.get_account()["SendingEnabled"] is False
    mail.call("POST", "/behaviour", {"channel_ill": 0, "lost_reply": 1})
    assert amazon.get_account()["SendingEnabled"] is True
    with pytest.raises(ConnectionClosedError):
        amazon.send_email(**EMAIL)
    assert [line["outcome"] for line in mail.lines("request")][-1] == "lost_reply"
    assert {update.fact for update in updates(mail, topic)} == {"sent", "delivered"}


def test_some_addresses_are_refused_and_some_bounce(amazon: Any, mail: Client, topic: Receiver) -> None:
    mail.call("POST", "/behaviour", {"fail": 1})
    at_once = 0
    for n in range(20):
        try:
            amazon.send_email(**EMAIL | {"Destination": {"ToAddresses": [f"n{n}@sample.test"]}})
        except ClientError as error:
            assert error.response["Error"]["Code"] == "BadRequestException"
            at_once += 1
    assert 0 < at_once < 20
    bounced = [update for update in updates(mail, topic) if update.fact == "failed"]
    assert len(bounced) == 20 - at_once
    assert {(update.code, update.opted_out) for update in bounced} == {("bounce.General", True)}
    assert mail.call("GET", "/messages")[1] == []


def test_who_has_blocked_us_is_suppressed(amazon: Any, mail: Client, topic: Receiver) -> None:
    mail.call("POST", "/block", {"platform": "ses", "from": TO})
    amazon.send_email(**EMAIL)
    assert {update.code for update in updates(mail, topic) if update.fact == "failed"} == {"suppressed"}
    assert mail.call("GET", f"/messages?to={TO}")[1] == []


def test_people_call_an_email_spam_or_are_out_of_office(amazon: Any, mail: Client, topic: Receiver) -> None:
    act: Callable[[str], Any] = lambda kind: mail.call(  # noqa: E731
        "POST", "/inbound", {"platform": "ses", "kind": kind, "from": TO}
    )
    assert act("complaint")[0] == 400
    amazon.send_email(**EMAIL)
    assert act("out_of_office")[0] == 202
    assert act("complaint")[0] == 202
    kinds = {type(update).__name__ for update in updates(mail, topic)}
    assert kinds == {"Status", "Notice", "Preference"}


def test_some_call_whatever_reaches_them_spam(amazon: Any, mail: Client, topic: Receiver) -> None:
    mail.call("POST", "/behaviour", {"complain": 1})
    amazon.send_email(**EMAIL)
    [wish] = [update for update in updates(mail, topic) if type(update).__name__ == "Preference"]
    assert (wish.sender, wish.wants) == (TO, False)


def test_the_mailboxs_button_posts_to_the_link_of_the_email(
    amazon: Any, mail: Client, topic: Receiver
) -> None:
    click = {"platform": "ses", "kind": "unsubscribe", "from": TO}
    amazon.send_email(**EMAIL)
    assert mail.call("POST", "/inbound", click)[0] == 400
    headers = {
        "List-Unsubscribe": f"<{topic.url}/u/x>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    listed = [{"Name": name, "Value": value} for name, value in headers.items()]
    simple = EMAIL["Content"]["Simple"] | {"Headers": listed}
    amazon.send_email(**EMAIL | {"Content": {"Simple": simple}})
    assert mail.call("POST", "/inbound", click)[0] == 202
    [(_, sent, body)] = [post for post in topic.posts if post[0] == "/u/x"]
    assert body == b"List-Unsubscribe=One-Click"
    assert sent["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_request_that_nobody_signed_is_refused(mail: Client) -> None:
    assert mail.call("GET", "/ses/v2/email/account")[0] == 403
