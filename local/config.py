"""Constants of the laptop: what the deployment and the sandbox platforms must agree on.

Nothing here is a secret. These values open nothing but processes on this machine's loopback.
"""

from dataclasses import dataclass
from typing import Any


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
PEPPER = "local-pepper-for-hashes-of-addresses"


def platform_secret() -> dict[str, Any]:
    """The JSON kept as `janjan/local/platforms` in Secrets Manager, in the shape of the contract."""
    return {
        "pepper": PEPPER,
        "whatsapp": {"app_secret": WHATSAPP.app_secret, "verify_token": WHATSAPP.verify_token},
        "telegram": {"secret_token": TELEGRAM.secret_token, "bot_token": TELEGRAM.bot_token},
        "msg91": {"auth_key": MSG91.auth_key, "path_token": MSG91.path_token},
        "twilio": {"account_sid": TWILIO.account_sid, "auth_token": TWILIO.auth_token},
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
            "sms-main": {"platform": "msg91", "header": MSG91.header, "entity_id": MSG91.entity_id},
            "sms-twilio": {"platform": "twilio", "medium": "sms", "from": TWILIO.sms_from},
            "whatsapp-twilio": {
                "platform": "twilio",
                "medium": "whatsapp",
                "from": TWILIO.whatsapp_from,
                "templates": {},
            },
        },
    }
