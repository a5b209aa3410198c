"""The audit's rules: the chain a subject belongs to, how entries hang together, what a daily root seals."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.errors import InvalidInput

CHAINS_A_TYPE = 16
"""More chains mean fewer writers waiting for one another, and more heads to publish."""
SUBJECT_TYPES = (
    "ambassador",
    "area",
    "campaign",
    "card",
    "channel",
    "delivery",
    "department",
    "directive",
    "election",
    "group",
    "import",
    "influencer",
    "invitation",
    "policy",
    "post",
    "queue",
    "scheme",
    "stop",
    "template",
    "theme",
    "turnout",
    "user",
    "voice",
    "webhook",
)
"""What has an audit. A daily root covers the chains of all of these: another type cannot be written."""
START = "0" * 64
"""What the first entry of a chain names as the hash before it."""

Detail = Mapping[str, str | int | bool | list[str] | None]
"""What an entry says beyond its action. Never personal data: an audit cannot be erased."""


PERSONAL = re.compile(r"(?:\d[\s().-]?){7}|@")
"""As many digits as a number of a phone has, or an address; a day (2026-01-31) is neither."""
DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")
LONGEST_REASON = 500


def clean_reason(reason: str) -> str:
    """A reason on one line. Raises InvalidInput for none, for one too long, or one that names a person."""
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidInput.of("reason", "reason_missing", "Say why.")
    if len(reason) > LONGEST_REASON:
        raise InvalidInput.of("reason", "too_long", "At most %(n)s characters.", n=LONGEST_REASON)
    if PERSONAL.search(DAY.sub("", reason)):
        sentence = "The reason goes into the audit, which is for ever: no number or address of a person."
        raise InvalidInput.of("reason", "reason_personal", sentence)
    return reason


def canonical(value: object) -> bytes:
    """JSON with sorted names, no spaces, in UTF-8: one value, one spelling."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chain_of(subject: str) -> str:
    """The chain of a subject such as `campaign#cmp_…`. Raises ValueError for a type that has no audit."""
    kind, _, identity = subject.partition("#")
    if kind not in SUBJECT_TYPES or not identity:
        raise ValueError(f"not an audited subject: {subject!r}")
    return f"{kind}#{hashlib.sha256(identity.encode()).digest()[0] % CHAINS_A_TYPE}"


def all_chains() -> list[str]:
    """Names of all chains, also of those without an entry yet."""
    return [f"{kind}#{number}" for kind in SUBJECT_TYPES for number in range(CHAINS_A_TYPE)]


@dataclass(frozen=True)
class Head:
    """The end of a chain: the number and hash of its last entry."""

    seq: int = 0
    hash: str = START


@dataclass(frozen=True)
class Entry:
    """One thing that was done, bound to all that was done before it in its chain."""

    seq: int
    subject: str
    action: str
    actor: str
    at: str
    """RFC 3339, UTC."""
    detail: Detail
    previous: str
    hash: str

    @classmethod
    def after(cls, head: Head, *, subject: str, action: str, actor: str, at: str, detail: Detail) -> Entry:
        """The entry that follows `head`."""
        made = cls(head.seq + 1, subject, action, actor, at, dict(detail), head.hash, "")
        return cls(**{**vars(made), "hash": made.computed_hash()})

    def computed_hash(self) -> str:
        """SHA-256 over everything else in the entry, the hash before it included."""
        parts = (self.seq, self.subject, self.action, self.actor, self.at, self.detail, self.previous)
        return hashlib.sha256(canonical(parts)).hexdigest()

    @property
    def head(self) -> Head:
        """The head of a chain that ends here."""
        return Head(self.seq, self.hash)


def broken_at(entries: Iterable[Entry], head: Head | None, start: Head | None = None) -> int | None:
    """The number of the first entry that is missing, changed or out of place; None when these, in order, lead
    from `start` (the chain's) to `head` (None: wherever they end)."""
    end = start or Head()
    for entry in entries:
        if entry.seq != end.seq + 1 or entry.previous != end.hash or entry.hash != entry.computed_hash():
            return end.seq + 1
        end = entry.head
    return None if head is None or end == head else end.seq + 1


@dataclass(frozen=True)
class Root:
    """One day's seal over the heads of all chains, and over the seal before it. Published, so that nobody can
    rewrite the audit of a day that is past without the rewriting being seen."""

    date: str
    """Year-month-day in India."""
    sealed_at: str
    heads: Mapping[str, Head]
    """By chain; chains without an entry are left out."""
    previous: str
    hash: str

    @classmethod
    def over(cls, heads: Mapping[str, Head], *, date: str, sealed_at: str, previous: str) -> Root:
        """The root of a day."""
        made = cls(date, sealed_at, dict(heads), previous, "")
        return cls(**{**vars(made), "hash": made.computed_hash()})

    @property
    def entries(self) -> int:
        """How many entries it covers, of all days."""
        return sum(head.seq for head in self.heads.values())

    def computed_hash(self) -> str:
        """SHA-256 over everything else in the root."""
        heads = {chain: (head.seq, head.hash) for chain, head in self.heads.items()}
        return hashlib.sha256(canonical((self.date, self.sealed_at, heads, self.previous))).hexdigest()
