"""Constants of the laptop: what the deployment and the sandbox platforms must agree on.

Nothing here is a secret. These values open nothing but processes on this machine's loopback.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5


@dataclass(frozen=True)
class WhatsApp:
    """The invented WhatsApp Business account."""

    app_secret: str
    verify_token: str
    phone_number_id: str
    display_phone_number: str
    waba: str
    access_token: str


@dataclass(frozen=True)
class Telegram:
    """The invented Telegram bot."""

    bot_token: str
    secret_token: str
    bot_username: str


@dataclass(frozen=True)
class Ses:
    """The invented AWS account's emails, and the topic on which SES tells of them."""

    region: str
    sender: str
    configuration_set: str
    topic_arn: str
    signing: str
    """Certificate and key of an SNS that never was, as PEM: tests sign with it."""

    @property
    def certificate(self) -> str:
        """What proves those signatures."""
        return self.signing.partition("-----BEGIN PRIVATE KEY-----")[0]


@dataclass(frozen=True)
class Msg91:
    """The invented MSG91 account."""

    auth_key: str
    path_token: str
    header: str
    entity_id: str


@dataclass(frozen=True)
class Twilio:
    """The invented Twilio account: one sender of SMS, one of WhatsApp."""

    account_sid: str
    auth_token: str
    sms_from: str
    whatsapp_from: str


@dataclass(frozen=True)
class YouTube:
    """The invented project at Google, and the secret that we give the hub."""

    websub_secret: str
    api_key: str


@dataclass(frozen=True)
class X:
    """The invented app at X, and the account of ours that has let it in."""

    consumer_secret: str
    bearer_token: str
    account: str
    username: str


@dataclass(frozen=True)
class Instagram:
    """The invented professional account on Instagram."""

    app_secret: str
    verify_token: str
    access_token: str
    account_id: str
    handle: str


@dataclass(frozen=True)
class Facebook:
    """The invented Facebook Page."""

    app_secret: str
    verify_token: str
    access_token: str
    page_id: str
    handle: str


@dataclass(frozen=True)
class Webhook:
    """The system that the laptop's own events go to: the sandbox."""

    name: str
    secret: str
    events: tuple[str, ...]
    """Few: each is one more call while thousands of signups are tried."""

    def entry(self, sandbox_url: str) -> dict[str, Any]:
        """What the secret holds of it."""
        return {"url": f"{sandbox_url}/receiver/hook", "secret": self.secret, "events": list(self.events)}


WEBHOOK = Webhook(
    name="sandbox",
    secret="whsec_bG9jYWwtd2ViaG9vay1zZWNyZXQtb2YtbmFtdW5h",
    events=("campaign.approved", "run.cancelled"),
)
WHATSAPP = WhatsApp(
    app_secret="local-whatsapp-app-secret",
    verify_token="local-whatsapp-verify-token",
    phone_number_id="100000000000001",
    display_phone_number="919000099999",
    waba="200000000000001",
    access_token="local-whatsapp-access-token",
)
TELEGRAM = Telegram(
    bot_token="700000001:local-telegram-bot-token",
    secret_token="local-telegram-secret-token",
    bot_username="janjan_namuna_bot",
)
SES = Ses(
    region="ap-south-1",
    sender="JanJan नमूना <janjan@sample.test>",
    configuration_set="janjan-local",
    topic_arn="arn:aws:sns:ap-south-1:000000000000:janjan-local-ses",
    signing=(Path(__file__).parent / "data" / "sns_sample.pem").read_text(encoding="ascii"),
)
MSG91 = Msg91(
    auth_key="local-msg91-auth-key",
    path_token="local-msg91-path-token",
    header="NAMUNA",
    entity_id="1101000000000000001",
)
TWILIO = Twilio(
    account_sid="AC00000000000000000000000000000001",
    auth_token="local-twilio-auth-token",
    sms_from="+15550000001",
    whatsapp_from="+15550000002",
)
YOUTUBE = YouTube(websub_secret="local-youtube-websub-secret", api_key="local-youtube-api-key")
X_APP = X(
    consumer_secret="local-x-consumer-secret",
    bearer_token="local-x-bearer-token",
    account="700000000000000001",
    username="janjan_namuna",
)
INSTAGRAM = Instagram(
    app_secret="local-instagram-app-secret",
    verify_token="local-instagram-verify-token",
    access_token="local-instagram-access-token",
    account_id="17841400000000001",
    handle="namuna.vibhag",
)
FACEBOOK = Facebook(
    app_secret="local-facebook-app-secret",
    verify_token="local-facebook-verify-token",
    access_token="local-facebook-page-token",
    page_id="100000000000011",
    handle="namunavibhag",
)
PEPPER = "local-pepper-for-hashes-of-addresses"


def content_sid(name: str, language: str) -> str:
    """Twilio's id of a template of WhatsApp, as the sandbox gives them out."""
    return f"HX{uuid5(NAMESPACE_URL, f'{name}/{language}').hex}"


def _contents() -> dict[str, str]:
    templates = json.loads((Path(__file__).parent / "data" / "templates.json").read_text("utf-8"))
    known = [(one["name"], one["language"]) for one in templates]
    return {f"{name}/{language}": content_sid(name, language) for name, language in known}


def platform_secret() -> dict[str, Any]:
    """The JSON kept as `janjan/local/platforms` in Secrets Manager, in the shape of the contract."""
    return {
        "pepper": PEPPER,
        "whatsapp": {"app_secret": WHATSAPP.app_secret, "verify_token": WHATSAPP.verify_token},
        "telegram": {"secret_token": TELEGRAM.secret_token, "bot_token": TELEGRAM.bot_token},
        "ses": {"topic_arn": SES.topic_arn, "certificate": SES.certificate},
        "msg91": {"auth_key": MSG91.auth_key, "path_token": MSG91.path_token},
        "twilio": {"account_sid": TWILIO.account_sid, "auth_token": TWILIO.auth_token},
        "youtube": {"websub_secret": YOUTUBE.websub_secret, "api_key": YOUTUBE.api_key},
        "x": {"consumer_secret": X_APP.consumer_secret, "bearer_token": X_APP.bearer_token},
        "instagram": {
            "app_secret": INSTAGRAM.app_secret,
            "verify_token": INSTAGRAM.verify_token,
            "access_token": INSTAGRAM.access_token,
            "account_id": INSTAGRAM.account_id,
        },
        "facebook": {
            "app_secret": FACEBOOK.app_secret,
            "verify_token": FACEBOOK.verify_token,
            "access_token": FACEBOOK.access_token,
            "page_id": FACEBOOK.page_id,
        },
        "channels": {
            "whatsapp-main": {
                "platform": "whatsapp",
                "phone_number_id": WHATSAPP.phone_number_id,
                "access_token": WHATSAPP.access_token,
            },
            "telegram-main": {
                "platform": "telegram",
                "bot_token": TELEGRAM.bot_token,
                "bot_username": TELEGRAM.bot_username,
            },
            "email-main": {
                "platform": "ses",
                "region": SES.region,
                "from": SES.sender,
                "configuration_set": SES.configuration_set,
            },
            "sms-main": {"platform": "msg91", "header": MSG91.header, "entity_id": MSG91.entity_id},
            "sms-twilio": {"platform": "twilio", "medium": "sms", "from": TWILIO.sms_from},
            "whatsapp-twilio": {
                "platform": "twilio",
                "medium": "whatsapp",
                "from": TWILIO.whatsapp_from,
                "templates": _contents(),
            },
        },
    }
