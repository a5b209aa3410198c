"""Recorded payloads beside the repository (../shared/fixtures), read in place; tests skip without them.

`EXPECTED` says for each file what INDEX.tsv says of it, in the words of platforms.base; `LEAVES` what the
whole way through receiver, queue and processor leaves behind, by the index's own kinds.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from chalicelib.platforms.registry import ADAPTERS

ROOT = Path(__file__).parents[3] / "shared" / "fixtures"
PERSON = "+972987654321"


@dataclass(frozen=True)
class Recorded:
    """One file, and the index's words about it."""

    platform: str
    kind: str
    path: Path

    @property
    def name(self):
        return self.path.stem

    @property
    def body(self):
        return self.path.read_bytes()


def files():
    """Every recorded payload of the platforms that we have."""
    if not (ROOT / "INDEX.tsv").exists():
        return []
    with (ROOT / "INDEX.tsv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        return [
            Recorded(row["platform"], row["kind"], ROOT / row["file"])
            for row in rows
            if row["platform"] in ADAPTERS
        ]


needed = pytest.mark.skipif(not files(), reason="the recorded payloads are not beside the repository")


def status(fact, at, **more):
    return ("Status", {"message_id": "wamid.xyzxyz", "recipient": PERSON, "fact": fact, "at": at} | more)


def inbound(kind, text="", **more):
    return ("Inbound", {"kind": kind, "text": text, "sender": PERSON, "name": "Test Name"} | more)


def email(fact, recipient, **more):
    return ("Status", {"fact": fact, "recipient": recipient, "medium": "email"} | more)


def notice(kind):
    return ("Notice", {"kind": kind})


def unknown(kind):
    return ("Unknown", {"kind": kind})


def posted(kind, post_id, account, **more):
    return ("Posted", {"kind": kind, "post_id": post_id, "account": account} | more)


YTNOTI = "UCPF-oYb2-xN5FbCXy0167Gg"
VIDEO = posted("published", "VIDEO_ID", YTNOTI, at=1425927924, text="")
MENTION = {"kind": "mentions", "post_id": "999", "account": "", "at": 1569262486}
SEEN = 1631082844
DIRECT = {"sender": "Sender-id-1", "at": SEEN}
STANDBY = "This is the first standby message from the customer, after 24 hours."
LATER, EARLIER = 1698266945, 1689380458
EXPECTED = {
    "pywa_status_sent": [status("sent", LATER)],
    "pywa_status_delivered": [status("delivered", LATER)],
    "pywa_status_read": [status("read", EARLIER)],
    "pywa_status_failed_130472": [status("failed", EARLIER, code="130472", opted_out=False)],
    "pywa_status_with_biz_opaque": [status("sent", LATER, key="some data")],
    "pywa_status_group_read": [
        ("Status", {"fact": "read", "recipient": "fowefinoewcnw", "message_id": "<WHATSAPP_MESSAGE_ID>"})
    ],
    "pywa_msg_image": [inbound("image")],
    "pywa_msg_media_with_url": [inbound("image")],
    "pywa_msg_video": [inbound("video", "caption")],
    "pywa_msg_voice": [inbound("audio")],
    "pywa_msg_audio": [inbound("audio")],
    "pywa_msg_static_sticker": [inbound("sticker")],
    "pywa_msg_reaction": [inbound("reaction", reply_to="wamid.yzxyzx=")],
    "pywa_msg_unreaction_empty": [inbound("reaction", reply_to="wamid.yzxyzx=")],
    "pywa_msg_unreaction_no_emoji": [inbound("reaction", reply_to="wamid.yzxyzx=")],
    "pywa_msg_chosen_location": [inbound("location")],
    "pywa_msg_contacts": [inbound("contacts")],
    "pywa_msg_order": [inbound("order")],
    "pywa_msg_unsupported_with_type": [unknown("message.unsupported")],
    "pywa_msg_reply": [inbound("text", "replied text", reply_to="wamid.xyzxyz==")],
    "pywa_msg_forwarded": [inbound("text", "forwarded text", reply_to="")],
    "pywa_msg_interactive_message_with_err": [unknown("message.interactive"), notice("account.error")],
    "pywa_msg_referral": [inbound("text", "BODY")],
    "pywa_interactive_button_reply": [inbound("interactive", "title", reply_to="wamid.xyzxyz")],
    "pywa_template_button_no_context": [inbound("button", "title", reply_to="")],
    "pywa_interactive_list_reply": [inbound("interactive", "title")],
    "pywa_interactive_list_reply_desc": [inbound("interactive", "title")],
    "pywa_msg_revoke": [
        inbound("revoke", sender="<WHATSAPP_USER_PHONE_NUMBER>", reply_to="<ORIGINAL_WHATSAPP_MESSAGE_ID>")
    ],
    "pywa_msg_edit": [
        inbound(
            "edit",
            "Updated image caption",
            sender="+16505551234",
            reply_to="wamid.HBgLMTQxMjU1NTA4MjkVAgASGBQzQUNCNjk5RDUwNUZGMUZEM0VBRAA=",
        )
    ],
    "pywa_echo_text": [notice("message.echo")],
    "pywa_system_identity_change": [notice("person.customer_identity_changed")],
    "pywa_user_preferences_resume": [
        ("Preference", {"sender": "+16505551234", "wants": True, "at": 1731705721})
    ],
    "pywa_user_preferences_signup": [
        ("Preference", {"sender": "+16505551234", "wants": True, "at": 1731705721})
    ],
    "pywa_template_status_rejected": [notice("template.rejected")],
    "pywa_template_quality_yellow": [notice("template.quality_yellow")],
    "pywa_account_restriction": [notice("account.account_restriction")],
    "pywa_account_disabled": [notice("account.reinstated")],
    "chatwoot_document_accented_filename": [
        inbound("document", "My résumé", sender="+2423423243", name="Sojan Jose")
    ],
    "chatwoot_flow_invalid_json": [inbound("interactive", "Sent", sender="+2423423243", name="Flow Contact")],
    "chatwoot_bsuid_only": [inbound("text", "testing bsuid", sender="IN.1000000000000001", name="Muhsin")],
    "chatwoot_phone_with_bsuid": [inbound("text", "phone and bsuid", sender="+919900000011", name="Muhsin")],
    "chatwoot_text": [inbound("text", "test", sender="23", name="Sojan Jose")],
    "chatwoot_caption_only": [inbound("text", "test", sender="23", name="Sojan Jose")],
    "chatwoot_sticker_emoji": [inbound("sticker", sender="23", name="Sojan Jose")],
    "anymail_bounce_sns": [
        email(
            "failed",
            "jane@example.com",
            code="bounce.General",
            opted_out=True,
            message_id="00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000",
        )
    ],
    "anymail_multiple_bounce_sns": [
        email("failed", who, code="bounce.General", opted_out=True)
        for who in ("jane@example.com", "richard@example.com")
    ],
    "anymail_delivery_sns": [email("delivered", "jane@example.com")],
    "anymail_send_sns": [email("sent", "recipient@example.com", key="")],
    "anymail_reject_sns": [email("failed", "recipient@example.com", code="reject", scope="content")],
    "anymail_rendering_failure_sns": [
        email("failed", "recipient@example.com", code="rendering_failure", scope="content", opted_out=False)
    ],
    "anymail_click_sns": [notice("email.clicked")],
    "anymail_incorrect_received_sns": [unknown("Received")],
    "anymail_sns_confirmation_success_notification": [notice("topic.validated")],
    "anymail_sns_unsubscribe_confirmation": [notice("account.sns_unsubscribed")],
    "powertools_snsEvent": [unknown("empty")],
    "moto_signed_v2_with_pem": [unknown("empty")],
    "ytnoti_upload": [VIDEO],
    "ytnoti_multi_links": [VIDEO],
    "ytnoti_two_entries": [VIDEO, VIDEO],
    "ytnoti_deleted_entry": [posted("removed", "VIDEO_ID", YTNOTI)],
    "google_doc_update": [posted("changed", "VIDEO_ID", "CHANNEL_ID", at=1425927924, text="")],
    "gomw_mention_media": [("Posted", MENTION)],
    "gomw_mention_comment": [("Posted", MENTION)],
    "gomw_many_changes": [
        ("Posted", MENTION),
        ("Measured", {"post_id": "999", "figures": {"reach": 3}, "at": 1569262486}),
    ],
    "gomw_unknown_field": [unknown("not-supported")],
    "chatwoot_message_standby_event": [
        ("Inbound", DIRECT | {"kind": "text", "text": STANDBY, "reply_to": ""}),
    ],
    "chatwoot_story_mention_event": [("Inbound", DIRECT | {"kind": "story_mention", "text": ""})],
    "chatwoot_story_mention_event_with_echo": [notice("message.echo")],
    "chatwoot_messaging_seen_event": [
        ("Status", {"fact": "read", "message_id": "message-id-1", "recipient": "Sender-id-1", "at": SEEN})
    ],
    "chatwoot_test_text_event": [notice("test")],
}

LEAVES = {
    "account": ["kept notice"],
    "bounce": ["stop"],
    "click": [],
    "delivery": [],
    "delete": [],
    "batch": [],
    "echo": [],
    "ignored": ["kept unknown", "told callback.unknown"],
    "inbound": ["kept inbound"],
    "mention": [],
    "opt_in": ["restart"],
    "reject": [],
    "render": [],
    "send": [],
    "signed": ["kept unknown", "told callback.unknown"],
    "sns_control": [],
    "publish": [],
    "status": [],
    "system": ["kept notice"],
    "template": ["kept notice"],
    "transport": ["kept unknown", "told callback.unknown"],
    "test": [],
}
"""By the index's kind. What is ignored is acknowledged and kept raw; statuses without a key of ours are
counted, nothing else."""
UNHEARD = "halted ses account.sns_unsubscribed until a person lifts it"
UNKNOWN = ["kept unknown", "told callback.unknown"]
LEAVES_BY_FILE = {
    "anymail_multiple_bounce_sns": ["stop", "stop"],
    "anymail_sns_unsubscribe_confirmation": ["kept notice", UNHEARD],
    "pywa_account_restriction": ["kept notice", "halted whatsapp account.account_restriction"],
    "pywa_msg_interactive_message_with_err": ["kept notice", *UNKNOWN],
    "pywa_msg_reaction": [],
    "pywa_msg_unreaction_empty": [],
    "pywa_msg_unreaction_no_emoji": [],
    "pywa_msg_unsupported_with_type": UNKNOWN,
    "pywa_template_quality_yellow": [
        "kept notice",
        "halted whatsapp welcome_template en_US template.quality_yellow",
    ],
    "pywa_template_status_rejected": ["kept notice", "halted whatsapp abandoned_cart en template.rejected"],
}
"""Where a file leaves something else than others of its kind."""


def leaves(recorded):
    """What posting this file leaves behind, sorted."""
    return sorted(LEAVES_BY_FILE.get(recorded.name, LEAVES[recorded.kind]))
