"""What comes in: a problem or a suggestion, who said it, over which way, where its answer goes. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from chalicelib.shapes import View

Kind = Literal["problem", "suggestion"]
Source = Literal["form", "whatsapp", "telegram", "creator"]
"""Over which way a voice came; `creator`: an influencer brought it for somebody."""
Status = Literal["received", "assigned", "answered", "resolved", "declined"]


class Attachment(View):
    """A picture that belongs to a voice, in the bucket, without the place where it was taken."""

    key: str
    content_type: str
    bytes: int


class Sender(View):
    """Where the answer goes: an address on a channel; empty: whoever has the ticket reads it on its page."""

    channel: str = ""
    """A medium of the platforms: `whatsapp`, `telegram`, `sms`, `email`."""
    address: str = ""
    name: str = ""
    language: str = ""


class Arrival(View):
    """A voice as it comes in, before it is routed."""

    evidence: str
    """What makes it one: the callback's dedupe id, or the request's key. The same again is the same voice."""
    source: Source
    text: str
    at: datetime
    kind: Kind | None = None
    """None: not said; the rules guess, people correct."""
    area: str = ""
    """Empty: not known."""
    department: str = ""
    """As the sender chose it; empty: the rules route it."""
    sender: Sender = Sender()
    carried_by: str = ""
    """The influencer who brought it for somebody, or who wrote it over their own channel."""
    on_behalf: bool = False
    """Whether it is another person's word that the carrier brought."""
    attachments: tuple[Attachment, ...] = ()
    occasion: str = ""
    """The meeting or campaign to which it belongs, as `campaign:<id>` or `gathering:<words>`."""
