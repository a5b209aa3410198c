"""The rules of an influencer: who may sign up, which state follows which, who can be reached."""

from __future__ import annotations

from datetime import date, datetime
from difflib import SequenceMatcher
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from chalicelib.emails import LONGEST_EMAIL, clean_email
from chalicelib.errors import Conflict, FieldError
from chalicelib.handles import clean_handle
from chalicelib.lists import prefix_of
from chalicelib.names import clean_name, clean_text, fold, plain_digits, refuse
from chalicelib.phones import clean_phone, masked
from chalicelib.platforms.base import Medium
from chalicelib.ports import Contact
from chalicelib.shapes import Strict, View

Status = Literal["invited", "unverified", "pending_review", "approved", "declined", "suspended", "withdrawn"]
STATUSES: tuple[Status, ...] = get_args(Status)
MOVES: dict[Status, frozenset[Status]] = {
    "invited": frozenset({"unverified", "withdrawn"}),
    "unverified": frozenset({"pending_review", "withdrawn"}),
    "pending_review": frozenset({"approved", "declined", "withdrawn"}),
    "approved": frozenset({"pending_review", "suspended", "withdrawn"}),
    "declined": frozenset({"approved", "withdrawn"}),
    "suspended": frozenset({"approved", "withdrawn"}),
    "withdrawn": frozenset(),
}

Platform = Literal["facebook", "instagram", "x", "youtube", "whatsapp", "telegram"]
Channel = Medium
"""What a person is reached by."""
Purpose = Literal["campaigns", "gatherings", "surveys"]
Gender = Literal["female", "male", "other"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)
COUNTED = frozenset[str]({"facebook", "instagram", "x", "youtube"})
"""Platforms that tell how many people follow an account."""
CHANNELS: tuple[Channel, ...] = get_args(Channel)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
ADDRESS_KIND: dict[str, str] = {"whatsapp": "phone", "telegram": "telegram", "sms": "phone", "email": "email"}
"""Whose address a channel uses: a STOP over WhatsApp is about the number, and holds for SMS too."""
Language = Literal[
    "as",
    "bn",
    "brx",
    "doi",
    "en",
    "gu",
    "hi",
    "kn",
    "kok",
    "ks",
    "mai",
    "ml",
    "mni",
    "mr",
    "ne",
    "or",
    "pa",
    "sa",
    "sat",
    "sd",
    "ta",
    "te",
    "ur",
]
"""The Eighth Schedule's languages by ISO 639, and English."""

CODE_DIGITS = 6
ADULT_AT = 18
OLDEST = 120
MOST_HANDLES = 12
MOST_THEMES = 12
MOST_AREAS = 20
MOST_FOLLOWERS = 10_000_000_000
LONGEST_IDEA = 1000
NO_END = "9999-12-31"
"""A pause until the person ends it."""
LONGEST_PAUSE_DAYS = 366
ALIKE = 0.85
"""Names whose letters agree so far may be one person's."""

MAY_SIGN_IN: frozenset[Status] = frozenset({"pending_review", "approved", "declined"})
MAY_BE_HEARD = MAY_SIGN_IN | {"suspended"}
"""States in which somebody may appeal against what was decided about them."""
BARRED: frozenset[Status] = frozenset({"suspended", "withdrawn"})
"""States that end all sessions of the person."""


class StateRefused(Conflict):
    code = "state_refused"
    message = "This cannot be done: the person's state is %(status)s."


# --- what comes in ------------------------------------------------------------------------


def plain_number(value: object) -> object:
    """`1,25,000` and `१२५०००` are numbers too."""
    return plain_digits(value).replace(",", "").replace(" ", "") if isinstance(value, str) else value


def _six_digits(code: str) -> str:
    if len(code) != CODE_DIGITS or not (code.isascii() and code.isdigit()):
        raise refuse("code_form", "Please write the six digits of the code.")
    return code


Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{1,39}$")]
AreaId = Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[A-Z0-9-]+$")]


class HandleRequest(Strict):
    platform: Platform
    handle: Annotated[str, Field(min_length=1, max_length=500)]
    followers: Annotated[int, BeforeValidator(plain_number), Field(ge=0, le=MOST_FOLLOWERS)] = 0

    @field_validator("handle")
    @classmethod
    def _canonical(cls, handle: str, info: ValidationInfo) -> str:
        platform = info.data.get("platform")
        return clean_handle(platform, handle) if platform else handle


Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,20}$")]


class ConsentRequest(Strict):
    purpose: Purpose
    channel: Channel
    notice_version: Version


class SignupRequest(Strict):
    """What a person says of themselves. What must be looked up (age, area, themes) is the service's part."""

    name: Annotated[str, Field(max_length=400), AfterValidator(clean_name)]
    phone: Annotated[str, Field(max_length=80), AfterValidator(clean_phone)]
    language: Language
    area: AreaId
    birth_date: date
    channel: Channel
    consents: Annotated[list[ConsentRequest], Field(max_length=len(PURPOSES) * len(CHANNELS))]
    handles: Annotated[list[HandleRequest], Field(max_length=MOST_HANDLES)] = []
    areas_served: Annotated[list[AreaId], Field(max_length=MOST_AREAS)] = []
    themes: Annotated[list[Slug], Field(max_length=MOST_THEMES)] = []
    email: Annotated[str, Field(max_length=LONGEST_EMAIL), AfterValidator(clean_email)] | None = None
    gender: Gender | None = None
    profession: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,23}$")] | None = None
    idea: Annotated[str, AfterValidator(lambda text: clean_text(text, LONGEST_IDEA))] | None = None
    terms_version: Version | None = None
    """Of the terms that they were shown and accepted."""

    @field_validator("handles")
    @classmethod
    def _each_once(cls, handles: list[HandleRequest]) -> list[HandleRequest]:
        if len({(h.platform, h.handle) for h in handles}) < len(handles):
            raise refuse("handle_twice", "The same account is given twice.")
        return handles

    @field_validator("consents")
    @classmethod
    def _one_of_each(cls, consents: list[ConsentRequest]) -> list[ConsentRequest]:
        if len({(c.purpose, c.channel) for c in consents}) < len(consents):
            raise refuse("consent_twice", "The same consent is given twice.")
        return consents


def age_problem(birth: date, today: date) -> FieldError | None:
    """Why somebody born on `birth` may not sign up on `today` (a day in India); None when they may.

    Born on 29 February, a person is of age on 1 March of a common year.
    """
    if birth > today or birth.year < today.year - OLDEST:
        return FieldError("birth_date", "birth_date_unlikely", "Please check the year of birth.")
    if (birth.year + ADULT_AT, birth.month, birth.day) > (today.year, today.month, today.day):
        return FieldError("birth_date", "too_young", "You can join when you are 18 years old.")
    return None


class ProfileChange(Strict):
    """What a creator may change of themself: what is left out stays."""

    name: Annotated[str, Field(max_length=400), AfterValidator(clean_name)] | None = None
    language: Language | None = None
    area: AreaId | None = None
    areas_served: Annotated[list[AreaId], Field(max_length=MOST_AREAS)] | None = None
    themes: Annotated[list[Slug], Field(max_length=MOST_THEMES)] | None = None
    gender: Gender | Literal[""] | None = None
    profession: Annotated[str, Field(pattern=r"^([a-z][a-z_]{1,23})?$")] | None = None
    idea: Annotated[str, AfterValidator(lambda text: clean_text(text, LONGEST_IDEA))] | None = None
    channel: Channel | None = None
    """Over which we write first: one whose address was proven."""
    email: Annotated[str, Field(max_length=LONGEST_EMAIL), AfterValidator(clean_email)] | None = None
    """Takes the place of the one before once the link that is sent to it was followed."""
    paused_until: date | Literal["", "open"] | None = None
    """The day from which campaigns are wanted again; `open`: until this is changed, empty: now."""

    @property
    def given(self) -> dict[str, Any]:
        """What is given, by name."""
        return {name: value for name, value in self if value is not None}


class CodeRequest(Strict):
    code: Annotated[str, BeforeValidator(plain_number), AfterValidator(_six_digits)]


class ReviewRequest(Strict):
    decision: Literal["approve", "decline", "suspend"]
    reason: Annotated[str, Field(max_length=500)] = ""
    ambassador_of: AreaId | None = None

    @model_validator(mode="after")
    def _complete(self) -> ReviewRequest:
        if self.decision != "approve" and not self.reason:
            raise refuse("reason_missing", "Please give a reason.")
        if self.decision != "approve" and self.ambassador_of:
            raise refuse("not_ambassador", "Only a person who is approved can be appointed.")
        return self

    @property
    def status(self) -> Status:
        """The state that the decision leads to."""
        states: dict[str, Status] = {"approve": "approved", "decline": "declined", "suspend": "suspended"}
        return states[self.decision]


# --- what is kept -------------------------------------------------------------------------


class Account(View):
    """One handle with its followers."""

    id: str = ""
    """Tells no name; stays when the account is renamed."""
    platform: str
    handle: str
    followers: int = 0
    """What counts: the platform's own number where it told one, else the person's word."""
    followers_grade: Literal["declared", "verified"] = "declared"
    followers_at: str = ""
    """When the platform told it."""
    followers_stated: int | None = None
    """The person's word, where the platform has told a number since."""
    proof: Literal["stated", "verified"] = "stated"
    """`verified`: shown to be the person's by a code in the account's own words, or written from it."""
    account: str = ""
    """The platform's own id of a verified account, where it is told: it outlives the name."""
    proven_at: str = ""

    def counted(self, followers: int, at: str) -> Account:
        """With what the platform told at this time: itself when it told a newer number before."""
        if at < self.followers_at:
            return self
        stated = self.followers if self.followers_grade == "declared" else self.followers_stated
        told = {"followers": followers, "followers_grade": "verified", "followers_at": at}
        return self.model_copy(update=told | {"followers_stated": stated})

    def may_be(self, account: str) -> bool:
        """Whether this may be the platform's `account`: it is not known to be another one."""
        return not (self.account and account) or self.account == account

    def masked(self) -> Account:
        """As lists show it: an account on WhatsApp may be a number."""
        return self.model_copy(update={"handle": masked(self.handle)}) if self._is_number else self

    @property
    def searched(self) -> str:
        """What a search looks into: a masked number is not to be found by its digits."""
        return "" if self._is_number else fold(self.handle)

    @property
    def _is_number(self) -> bool:
        return self.handle.startswith("+")


class Consent(View):
    """A consent that holds now; its evidence is a row of its own."""

    purpose: str
    channel: str
    notice_version: str = ""


class Influencer(View):
    """One person as stored. Empty strings stand for what is not known."""

    id: str
    status: Status
    name: str
    language: str
    area: str
    area_path: tuple[str, ...]
    channel: Channel
    """The person's own way to be reached: the first verified one."""
    phone: str
    phone_proof: Literal["none", "stated", "proven"] = "none"
    """`proven` by a code sent to it, `stated` only, or `none`: not claimed (yet, or another person holds
    it)."""
    chat: str = ""
    """The Telegram chat that followed the deep link."""
    email: str = ""
    email_wanted: str = ""
    """Another address that the person wants instead, until it is proven."""
    email_proven: bool = False
    """Whether a code or link that was sent to it came back; one that is only stated is reserved for
    nobody."""
    gender: str = ""
    profession: str = ""
    idea: str = ""
    areas_served: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    handles: tuple[Account, ...] = ()
    contested: tuple[Account, ...] = ()
    """Handles that another person held already when this one was verified, or has proven since."""
    consents: tuple[Consent, ...] = ()
    suppressed: frozenset[str] = frozenset()
    """Kinds of address (`phone`, `telegram`, `email`) of this person that may not be messaged."""
    paused_until: str = ""
    """The first day, in India, on which campaigns are wanted again (ports.is_paused); empty: they are."""
    adult_on: str = ""
    """The day on which the person was found to be of age; the birth date is not kept."""
    terms_version: str = ""
    """The code of conduct and terms that they were shown and accepted by signing up; empty if none."""
    ambassador_of: str = ""
    reason: str = ""
    barred: int = 0
    """How often the person was suspended or withdrawn: sessions from before are over."""
    signed_up_at: str
    verified_at: str = ""
    reviewed_at: str = ""
    reviewed_by: str = ""
    """The member of staff who decided last."""
    rev: int = 0

    def moved(self, to: Status, **changes: object) -> Influencer:
        """The person in the state `to`, with further changes. Raises StateRefused when no such move is
        allowed."""
        if to not in MOVES[self.status]:
            raise StateRefused(status=self.status)
        return self.changed(status=to, barred=self.barred + (to in BARRED), **changes)

    def changed(self, **changes: object) -> Influencer:
        """The person with `changes`, one revision on."""
        return self.model_copy(update={"rev": self.rev + 1, **changes})

    def identified(self) -> Influencer:
        """The same with an id for each account: of those that have none, after their place."""

        def named(where: str, accounts: tuple[Account, ...]) -> tuple[Account, ...]:
            own = self.id.partition("_")[2]
            return tuple(
                account if account.id else account.model_copy(update={"id": f"hnd_{own}{where}{place}"})
                for place, account in enumerate(accounts)
            )

        update = {"handles": named("", self.handles), "contested": named("c", self.contested)}
        return self.model_copy(update=update)

    def account_named(self, handle_id: str) -> Account | None:
        """The account with this id, contested or not."""
        return next((one for one in (*self.handles, *self.contested) if one.id == handle_id), None)

    def with_proven(self, account: Account) -> Influencer:
        """The person to whom this account belongs for good: in its old place, or out of those contested."""
        mine = tuple(account if one.id == account.id else one for one in self.handles)
        return self.changed(
            handles=mine if account in mine else (*mine, account),
            contested=tuple(one for one in self.contested if one.id != account.id),
        )

    def without(self, platform: str, handle: str) -> Influencer:
        """The person who has lost this name to somebody else's proof."""
        lost = [one for one in self.handles if (one.platform, one.handle) == (platform, handle)]
        return self.changed(
            handles=tuple(one for one in self.handles if one not in lost),
            contested=(
                *self.contested,
                *(one.model_copy(update={"proof": "stated", "proven_at": ""}) for one in lost),
            ),
        )

    @property
    def standing(self) -> int | None:
        """See ports.Creators."""
        return self.barred if self.status in MAY_SIGN_IN else None

    @property
    def hearing(self) -> int | None:
        """See ports.Creators."""
        return self.barred if self.status in MAY_BE_HEARD else None

    @property
    def addresses(self) -> dict[str, str]:
        """Proven addresses by channel: nothing is sent to an address that was only stated."""
        proven = {
            "phone": self.phone if self.phone_proof == "proven" else "",
            "telegram": self.chat,
            "email": self.email if self.email_proven else "",
        }
        return {channel: proven[kind] for channel, kind in ADDRESS_KIND.items() if proven[kind]}

    @property
    def own_address(self) -> str:
        """Where the person's own channel leads, proven or not: what a code is sent to. Of Telegram, whose bot
        cannot write first, the number."""
        return self.email if self.channel == "email" else self.phone

    @property
    def email_to_confirm(self) -> str:
        """The address that campaigns could go to if it were proven to be this person's; empty when there is
        none."""
        if self.email_wanted:
            return self.email_wanted
        wanted = any(c.channel == "email" for c in self.consents)
        return self.email if wanted and not self.email_proven and "email" not in self.suppressed else ""

    @property
    def may_resume_email(self) -> bool:
        """Whether emails to the person's own address are stopped, and a link in one could lift that."""
        return "email" in self.suppressed and self.email_proven and self.standing is not None

    @property
    def suppressed_channels(self) -> frozenset[str]:
        return frozenset(channel for channel, kind in ADDRESS_KIND.items() if kind in self.suppressed)

    @property
    def may_restart(self) -> bool:
        """Whether the person has said STOP over their own channel, where START lifts it."""
        return self.channel != "email" and self.channel in self.suppressed_channels

    @property
    def reachable(self) -> tuple[str, ...]:
        """Channels over which campaigns may go to this person, the person's own first."""
        open_to = {c.channel for c in self.consents if c.purpose == "campaigns"} - self.suppressed_channels
        usable = [channel for channel in self.addresses if channel in open_to]
        return tuple(sorted(usable, key=lambda channel: channel != self.channel))

    @property
    def followers(self) -> dict[str, int]:
        """The largest following on each platform: one audience is not counted twice."""
        most: dict[str, int] = {}
        for account in self.handles:
            most[account.platform] = max(account.followers, most.get(account.platform, 0))
        return most

    @property
    def verified_followers(self) -> dict[str, int]:
        """The same of the numbers that platforms have told."""
        most: dict[str, int] = {}
        for account in self.handles:
            if account.followers_grade == "verified":
                most[account.platform] = max(account.followers, most.get(account.platform, 0))
        return most

    @property
    def proven_on(self) -> frozenset[str]:
        """Platforms on which an account was shown to be this person's."""
        return frozenset(one.platform for one in self.handles if one.proof == "verified")

    @property
    def counted(self) -> frozenset[tuple[str, str]]:
        """Accounts, platform and name, whose followers are counted: those of people who are on the
        register, or ask to be."""
        if self.status not in ("pending_review", "approved"):
            return frozenset()
        return frozenset((one.platform, one.handle) for one in self.handles if one.platform in COUNTED)

    @property
    def area_key(self) -> str:
        """Sorts people by place: everyone in an area and below has its path as the beginning."""
        return f"{prefix_of(self.area_path)}{self.id}"

    @property
    def masked_phone(self) -> str:
        return masked(self.phone)

    def contact(self) -> Contact:
        """What the sender needs."""
        return Contact(
            id=self.id,
            status=self.status,
            name=self.name,
            language=self.language,
            area_path=self.area_path,
            addresses=self.addresses,
            consents=frozenset((c.purpose, c.channel) for c in self.consents),
            suppressed=self.suppressed_channels,
            paused_until=self.paused_until,
        )


def alike(one: Influencer, other: Influencer) -> bool:
    """Whether two names are nearly the same: a letter more or less, the parts in another order."""
    first, second = (" ".join(sorted(fold(person.name).split())) for person in (one, other))
    likeness = SequenceMatcher(None, first, second)
    return first == second or (likeness.quick_ratio() >= ALIKE and likeness.ratio() >= ALIKE)


class Verification(View):
    """How a person is to prove their address, and until when."""

    channel: Channel
    expires_at: datetime
    deep_link: str | None = None
    """Telegram only: a bot cannot write first."""


class SignupAnswer(View):
    id: str
    status: Status = "unverified"
    verification: Verification


class Filter(View):
    """Which people a list shows."""

    platform: str = ""
    min_followers: int = 0
    theme: str = ""
    q: str = ""
    contested: bool = False
    """Only those with an account that somebody else holds."""

    def picks(self, person: Influencer) -> bool:
        if self.contested and not person.contested:
            return False
        followers = person.followers
        if self.platform:
            followers = {p: n for p, n in followers.items() if p == self.platform}
            if not followers:
                return False
        if self.min_followers and max(followers.values(), default=0) < self.min_followers:
            return False
        return (not self.theme or self.theme in person.themes) and self._finds(person)

    def _finds(self, person: Influencer) -> bool:
        """Whether the words typed stand in the name or in a handle; an id is found whole."""
        wanted = fold(self.q.removeprefix("@"))
        texts = (fold(person.name), *(account.searched for account in person.handles))
        return not wanted or wanted == person.id or any(wanted in text for text in texts)


def new_influencer(
    request: SignupRequest, *, influencer_id: str, area_path: tuple[str, ...], today: date, at: str
) -> Influencer:
    """The unverified person that a signup makes: nothing is claimed, the birth date is left behind."""
    return Influencer(
        id=influencer_id,
        status="unverified",
        name=request.name,
        language=request.language,
        area=request.area,
        area_path=area_path,
        channel=request.channel,
        phone=request.phone,
        email=request.email or "",
        gender=request.gender or "",
        profession=request.profession or "",
        idea=request.idea or "",
        areas_served=tuple(dict.fromkeys(request.areas_served)),
        themes=tuple(dict.fromkeys(request.themes)),
        handles=tuple(Account(**handle.model_dump()) for handle in request.handles),
        consents=tuple(Consent(**consent.model_dump()) for consent in request.consents),
        adult_on=today.isoformat(),
        terms_version=request.terms_version or "",
        signed_up_at=at,
        rev=1,
    ).identified()
