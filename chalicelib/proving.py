"""Whose account it is, for whoever holds one: a code in the account's own words, or one that is sent from it.

A code belongs to one holder and one of their accounts: who reads it in a bio can do nothing with it. It is
made from the pepper, so that asking again gives the same one, and nothing must be kept for reading a bio.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from chalicelib.clock import Clock
from chalicelib.errors import Conflict, InvalidInput, PlatformOff, Rejected, Transient
from chalicelib.platforms.base import Inbound, Meter, OutcomeUnknown, SendRefused
from chalicelib.ports import Shown
from chalicelib.secrets import Secrets
from chalicelib.shapes import View

PERIOD_S = 3 * 24 * 3600
"""A code is good in the period in which it was asked for and in the next: three to six days."""
CODE = re.compile(r"janjan-[a-z2-7]{8}")
BY_MESSAGE = frozenset({"whatsapp", "telegram", "x", "instagram"})
"""Platforms that tell which account a message comes from (docs/platforms.md)."""
OWN_ID = frozenset({"telegram", "x"})
"""Those whose messages bring the account's own id as their sender."""


class NotShownHere(Conflict):
    code = "proof_not_possible"
    message = (
        "Whose account this is cannot be shown on %(platform)s at present. It stays as you have stated it."
    )


class NotReadable(Conflict):
    code = "account_not_readable"
    message = (
        "We cannot read what %(handle)s says of itself on %(platform)s. Is the name right, and the account "
        "public or professional? It stays as you have stated it."
    )


class ProvenByAnother(Rejected):
    status = 409
    code = "proven_by_another"
    message = (
        "Somebody else has shown already that this account is theirs. Please write to us if that is wrong."
    )


class HeldByAnother(Conflict):
    code = "held_by_another"
    message = "This account belongs to somebody else on our register."


class Way(View):
    """How to show a code: in the account's own description (`bio`), or by a `message` from the account to
    ours, `to` where our address is known."""

    way: str
    to: str = ""


class Challenge(View):
    """What is to be shown, and until when."""

    handle_id: str
    platform: str
    handle: str
    code: str
    expires_at: datetime
    ways: tuple[Way, ...]


class Held(Protocol):
    """An account on somebody's list, stated or proven."""

    @property
    def id(self) -> str: ...

    @property
    def platform(self) -> str: ...

    @property
    def handle(self) -> str: ...

    @property
    def account(self) -> str: ...


@dataclass(frozen=True)
class Proving:
    meter: Meter
    secrets: Secrets
    clock: Clock

    def challenge(self, owner: str, held: Held) -> Challenge:
        """The code for an account, and where it may be shown. Raises NotShownHere where no way is open."""
        ways = tuple(self._ways(held))
        if not ways:
            raise NotShownHere(platform=held.platform)
        period = self._period()
        return Challenge(
            handle_id=held.id,
            platform=held.platform,
            handle=held.handle,
            code=self._code(owner, held.id, period),
            expires_at=datetime.fromtimestamp((period + 2) * PERIOD_S, UTC),
            ways=ways,
        )

    def read(self, owner: str, held: Held) -> Shown:
        """Reads what the account says of itself. Raises InvalidInput while the code is not there,
        NotReadable, NotShownHere, and Transient when the platform asks to wait."""
        try:
            reading = self.meter.read_account(held.platform, held.handle)
        except PlatformOff:
            raise NotShownHere(platform=held.platform) from None
        except SendRefused:
            raise NotReadable(platform=held.platform, handle=held.handle) from None
        except OutcomeUnknown:
            raise Transient from None  # only read: it may be asked again
        if reading is None or reading.bio is None:
            raise NotReadable(platform=held.platform, handle=held.handle)
        period = self._period()
        valid = {self._code(owner, held.id, one) for one in (period, period - 1)}
        if valid.isdisjoint(codes_in(reading.bio)):
            raise InvalidInput.of(
                "code",
                "code_not_shown",
                "The code does not stand in the description of %(handle)s yet. Put it there, wait a minute, "
                "and try again.",
                handle=held.handle,
            )
        return Shown(held.handle, reading.account, self.clock.now(), "code in the bio")

    def said_from(self, platform: str, said: Inbound, held: Held, at: datetime) -> Shown | None:
        """What a message with this account's code shows; None when it came from another account."""
        handle = self._sender(platform, said)
        own_id = said.sender if platform in OWN_ID else ""
        renamed = handle and own_id and held.account == own_id
        if handle != held.handle and not renamed:
            return None
        return Shown(handle, own_id, at, "code in a message")

    def _sender(self, platform: str, said: Inbound) -> str:
        """The canonical name of the account that a message came from; empty where it is not told."""
        if platform == "whatsapp":
            return f"+{said.sender.removeprefix('+')}"
        known = str(said.extra.get("handle", ""))
        if known or platform not in self.meter.measurers():
            return known
        try:
            return self.meter.name_of(platform, said.sender)
        except (SendRefused, OutcomeUnknown) as failed:
            raise Transient from failed  # the message comes again: our key may be mended by then

    def _ways(self, held: Held) -> list[Way]:
        ways = [Way(way="bio")] if held.platform in self.meter.measurers() else []
        by_message = held.platform in BY_MESSAGE and not held.handle.startswith("channel/")
        if by_message and self.secrets.platform(held.platform):
            ways.append(Way(way="message", to=self._our_address(held.platform)))
        return ways

    def _our_address(self, platform: str) -> str:
        """Where to write to us: the bot's name. A number is known to people from our messages."""
        channels = self.secrets.all().get("channels", {}).values()
        names = (str(one.get("bot_username", "")) for one in channels if one["platform"] == platform)
        return next((f"@{name}" for name in names if name), "")

    def _period(self) -> int:
        return int(self.clock.epoch()) // PERIOD_S

    def _code(self, owner: str, handle_id: str, period: int) -> str:
        hashed = bytes.fromhex(self.secrets.keyed_hash(f"proof {owner} {handle_id} {period}"))
        return f"janjan-{base64.b32encode(hashed)[:8].decode().lower()}"


def codes_in(text: str) -> list[str]:
    """The codes in a text, however it is dressed: capitals, other dashes, letters of another design."""
    plain = unicodedata.normalize("NFKC", text).lower()
    dashes = "".join("-" if unicodedata.category(letter) == "Pd" else letter for letter in plain)
    return list(dict.fromkeys(CODE.findall("".join(c for c in dashes if unicodedata.category(c) != "Cf"))))
