"""Whose account it is: shown by a code in the account's own words, or by one that is sent from it.

A code belongs to one person and one of their accounts: who reads it in a bio can do nothing with it. It is
made from the pepper, so that asking again gives the same one, and nothing must be kept for reading a bio.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.clock import Clock
from chalicelib.errors import Conflict, InvalidInput, NotFound, PlatformOff, Transient
from chalicelib.i18n import translate
from chalicelib.identity.audit import Audit
from chalicelib.influencers.model import Account, Influencer
from chalicelib.influencers.service import HOUR_S, spoken
from chalicelib.influencers.store import PeopleStore, ProvenByAnother, Shown
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import Inbound, Meter, OutcomeUnknown, SendRefused
from chalicelib.secrets import Secrets
from chalicelib.shapes import View
from chalicelib.telemetry import count

PERIOD_S = 3 * 24 * 3600
"""A code is good in the period in which it was asked for and in the next: three to six days."""
CHECKS = 10
"""An hour and person: each costs of the platform's quota."""
ASKS = 30
TRIES = 6
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


class Overtaken(Exception):
    """Another writer was quicker: read anew."""


@dataclass(frozen=True)
class Proofs:
    """Implements ports.Ownership."""

    store: PeopleStore
    meter: Meter
    audit: Audit
    limits: RateLimits
    secrets: Secrets
    clock: Clock

    def begin(self, person_id: str, handle_id: str) -> Challenge:
        """The code for one of the person's accounts, and where it may be shown. Raises NotFound, NotShownHere
        where no way is open, TooManyRequests."""
        self._spend("proof", person_id, ASKS)
        _, account = self._account(person_id, handle_id)
        ways = tuple(self._ways(account))
        if not ways:
            raise NotShownHere(platform=account.platform)
        period = self._period()
        until = (period + 2) * PERIOD_S
        code = self._code(person_id, handle_id, period)
        self.store.put_proof_code(code, person_id, handle_id, until)
        return Challenge(
            handle_id=handle_id,
            platform=account.platform,
            handle=account.handle,
            code=code,
            expires_at=datetime.fromtimestamp(until, UTC),
            ways=ways,
        )

    def check(self, person_id: str, handle_id: str) -> Account:
        """Reads what the account says of itself; the account, verified. Raises InvalidInput while the code is
        not there, NotReadable, NotShownHere, ProvenByAnother, NotFound, TooManyRequests, and Transient when
        the platform asks to wait: then everything is as before."""
        _, account = self._account(person_id, handle_id)
        if account.proof == "verified":
            return account
        self._spend("proof-check", person_id, CHECKS)
        try:
            reading = self.meter.read_account(account.platform, account.handle)
        except PlatformOff:
            raise NotShownHere(platform=account.platform) from None
        except SendRefused:
            raise NotReadable(platform=account.platform, handle=account.handle) from None
        except OutcomeUnknown:
            raise Transient from None  # only read: it may be asked again
        if reading is None or reading.bio is None:
            raise NotReadable(platform=account.platform, handle=account.handle)
        period = self._period()
        valid = {self._code(person_id, handle_id, one) for one in (period, period - 1)}
        if valid.isdisjoint(codes_in(reading.bio)):
            raise InvalidInput.of(
                "code",
                "code_not_shown",
                "The code does not stand in the description of %(handle)s yet. Put it there, wait a minute, "
                "and try again.",
                handle=account.handle,
            )
        shown = Shown(account.handle, reading.account, self.clock.now(), "code in the bio")
        return self._prove(person_id, handle_id, shown)

    def heard(self, platform: str, said: Inbound, at: datetime) -> str | None:
        """See ports.Ownership."""
        for code in codes_in(said.text):
            found = self.store.proof_code(code, self.clock.epoch())
            person = self.store.find(found[0]) if found else None
            account = person.account_named(found[1]) if person and found else None
            if found and person and account and account.platform == platform and person.standing is not None:
                return self._from(platform, said, person, account, at)
        return None

    def _from(self, platform: str, said: Inbound, person: Influencer, account: Account, at: datetime) -> str:
        """What becomes of a code that came from an account, as the reply to it."""

        def reply(sentence: str, **params: object) -> str:
            return translate(spoken(person.language), sentence, params)

        handle = self._sender(platform, said)
        own_id = said.sender if platform in OWN_ID else ""
        renamed = handle and own_id and account.account == own_id
        if handle != account.handle and not renamed:
            sentence = "This code is for the account %(handle)s. Please send it from there."
            return reply(sentence, handle=account.handle)
        try:
            self._prove(person.id, account.id, Shown(handle, own_id, at, "code in a message"))
        except ProvenByAnother as refused:
            return reply(refused.message)
        return reply("Thank you. It is now certain that the account %(handle)s is yours.", handle=handle)

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

    def _prove(self, person_id: str, handle_id: str, shown: Shown) -> Account:
        """Takes the account over, together with the entry in the audit; the same again changes nothing."""

        def overtaken(failed: list[int]) -> Exception:
            return Overtaken()

        for _ in range(TRIES):
            takeover = self.store.takeover(person_id, handle_id, shown)
            if takeover is None:
                return self._account(person_id, handle_id)[1]
            lost_by = [takeover.loser.id] if takeover.loser else []
            detail = {"platform": takeover.after.platform, "handle": handle_id, "by": shown.evidence}
            try:
                self.audit.committing(
                    subject=f"influencer#{person_id}",
                    action="influencer.handle_proven",
                    actor="self",
                    at=shown.at,
                    detail={**detail, "lost_by": lost_by},
                    write=takeover.write,
                    refused=overtaken,
                )
            except Overtaken:
                continue
            count("HandlesProven")
            if lost_by:
                count("HandlesContested")
            return takeover.after
        raise Transient

    def _account(self, person_id: str, handle_id: str) -> tuple[Influencer, Account]:
        person = self.store.find(person_id)
        account = person.account_named(handle_id) if person else None
        if person is None or account is None:
            raise NotFound
        return person, account

    def _ways(self, account: Account) -> list[Way]:
        ways = [Way(way="bio")] if account.platform in self.meter.measurers() else []
        by_message = account.platform in BY_MESSAGE and not account.handle.startswith("channel/")
        if by_message and self.secrets.platform(account.platform):
            ways.append(Way(way="message", to=self._our_address(account.platform)))
        return ways

    def _our_address(self, platform: str) -> str:
        """Where to write to us: the bot's name. A number is known to people from our messages."""
        channels = self.secrets.all().get("channels", {}).values()
        names = (str(one.get("bot_username", "")) for one in channels if one["platform"] == platform)
        return next((f"@{name}" for name in names if name), "")

    def _period(self) -> int:
        return int(self.clock.epoch()) // PERIOD_S

    def _code(self, person_id: str, handle_id: str, period: int) -> str:
        hashed = bytes.fromhex(self.secrets.keyed_hash(f"proof {person_id} {handle_id} {period}"))
        return f"janjan-{base64.b32encode(hashed)[:8].decode().lower()}"

    def _spend(self, what: str, of: str, limit: int) -> None:
        self.limits.spend(f"{what}#{of}", limit, HOUR_S)


def codes_in(text: str) -> list[str]:
    """The codes in a text, however it is dressed: capitals, other dashes, letters of another design."""
    plain = unicodedata.normalize("NFKC", text).lower()
    dashes = "".join("-" if unicodedata.category(letter) == "Pd" else letter for letter in plain)
    return list(dict.fromkeys(CODE.findall("".join(c for c in dashes if unicodedata.category(c) != "Cf"))))
