"""One message to somebody who has not signed up: who asked for it, why, and what became of it. No I/O."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from chalicelib.errors import Conflict
from chalicelib.phones import masked
from chalicelib.shapes import View

READ, WRITE = "invitation.read", "invitation.write"
"""What staff do with invitations (identity.roles.MATRIX)."""
Channel = Literal["whatsapp", "sms", "email"]
KINDS: dict[str, str] = {"whatsapp": "phone", "sms": "phone", "email": "email"}
"""Whose address a channel uses. A bot of Telegram cannot write first."""
Status = Literal["waiting", "sent", "unknown", "refused", "not_sent"]
TEMPLATE = "janjan_invitation"
"""The name under which its words are registered, over WhatsApp and over SMS."""
WAITS_AT_MOST = timedelta(days=3)
OUTCOMES: dict[str, Status] = {"accepted": "sent", "already": "unknown", "unknown": "unknown"}
"""What a sender's answer means. `already`: it was tried before, and whoever tried has died without a word."""


class NotInvitable(Conflict):
    code = "not_invitable"
    message = "This address cannot be invited: it was invited before, is registered, or has said STOP."


class Silent(Conflict):
    code = "silence"
    message = "There is silence before the end of polling in this area: nobody is invited now."


class UnderCode(Conflict):
    code = "code_of_conduct"
    message = "A code of conduct is in force in this area: nobody is invited now."


FORBIDDING: dict[str, type[Conflict]] = {"silence": Silent, "code_of_conduct": UnderCode}


class Invitation(View):
    """One invitation. Name and address in clear are here only while it waits, and never of who is known from
    a file: theirs stand in the register."""

    id: str
    channel: Channel
    masked: str
    hashed: str
    """The keyed hash of the address."""
    to: str = ""
    name: str = ""
    influencer: str = ""
    """Who is known from a file."""
    language: str
    area: str
    path: tuple[str, ...]
    reason: str
    by: str
    at: datetime
    status: Status = "waiting"
    tried: bool = False
    """Whether a request may have gone out: what stops it later leaves it unknown, not unsent."""
    why: str = ""
    """Why it was not sent, or the platform's code."""
    done_at: datetime | None = None
    rev: int = 1

    @property
    def kind(self) -> str:
        """The kind of its address."""
        return KINDS[self.channel]

    def late(self, now: datetime) -> bool:
        return now > self.at + WAITS_AT_MOST

    def trying(self) -> Invitation:
        """As it is right before its request."""
        return self.model_copy(update={"tried": True, "rev": self.rev + 1})

    def done(self, status: Status, why: str, at: datetime) -> Invitation:
        """As it stays: without name and address."""
        told = {"status": status, "why": why, "done_at": at.replace(microsecond=0)}
        return self.model_copy(update=told | {"to": "", "name": "", "rev": self.rev + 1})


def masked_address(kind: str, address: str) -> str:
    """`+91******6789`, `a***@example.org`."""
    if kind == "phone":
        return masked(address)
    user, at, domain = address.partition("@")
    return f"{user[:1]}***{at}{domain}"
