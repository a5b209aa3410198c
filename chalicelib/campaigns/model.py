"""A campaign: its content, its states, the runs it makes. No I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.campaigns import messages as m
from chalicelib.campaigns.audience import Audience, NotYet
from chalicelib.campaigns.media import Media, media_faults
from chalicelib.campaigns.times import Every, Quiet, Series, span_in_series
from chalicelib.errors import FieldError
from chalicelib.platforms.base import Outgoing
from chalicelib.ports import SchemeBrief
from chalicelib.shapes import WRONG_YEAR, Strict, Utc, believable

Status = Literal[
    "draft",
    "submitted",
    "approved",
    "scheduled",
    "dispatching",
    "paused",
    "dispatched",
    "cancelled",
    "expired",
]
Kind = Literal["awareness", "voter_awareness", "electioneering", "emergency"]
Purpose = Literal["campaign", "correction", "withdrawal"]
"""Why a run is made."""

NEXT: Mapping[Status, frozenset[Status]] = {
    "draft": frozenset({"draft", "submitted"}),
    "submitted": frozenset({"approved", "draft"}),
    "approved": frozenset({"scheduled", "draft"}),
    "scheduled": frozenset({"dispatching", "paused", "cancelled", "expired"}),
    "dispatching": frozenset({"dispatched", "scheduled", "paused", "cancelled", "expired"}),
    "paused": frozenset({"scheduled", "dispatching", "cancelled", "expired"}),
    "dispatched": frozenset({"scheduled"}),
    "cancelled": frozenset({"scheduled"}),
    "expired": frozenset({"scheduled"}),
}
"""Where a campaign may go from each state. A draft that is changed stays one, what is declined becomes one;
what is paused goes back to where it was. Between two runs of a series it is scheduled; the last run ends
it. What has ended goes on by a correction or withdrawal alone."""

ONLY_FOR: Mapping[str, str] = {"voter_awareness": "election_office", "electioneering": "party"}
"""Kinds of campaign that one kind of organisation alone may send (PROGRAMME.md, what it refuses)."""

FALLBACK_LANGUAGES = ("hi", "en")

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Line = Annotated[str, Field(min_length=1, max_length=150)]
Link = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=500)]


def _available(given: Any) -> Any:  # noqa: ANN401 - raw input
    unavailable = sorted(set(given) - set(m.CHANNELS)) if isinstance(given, dict) else []
    if unavailable:
        raise PydanticCustomError(
            "channel_unavailable",
            "The channel {channel} is not available yet.",
            {"channel": unavailable[0], "sentence": "The channel %(channel)s is not available yet."},
        )
    return given


def _by_language(given: Any) -> Any:  # noqa: ANN401 - raw input
    return ({"*": given} if given.strip() else {}) if isinstance(given, str) else given


Messages = Annotated[dict[m.Channel, dict[Language, m.Message]], BeforeValidator(_available)]
Schemes = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=40)], ...],
    BeforeValidator(lambda given: () if given is None else given),
    Field(max_length=10),
]
Disclosure = Annotated[dict[str, Annotated[str, Field(max_length=300)]], BeforeValidator(_by_language)]


PostPlatform = Literal["facebook", "instagram", "x", "youtube", "whatsapp", "telegram"]
LONGEST_POST: Mapping[PostPlatform, int] = {
    "facebook": 5000,
    "instagram": 2200,
    "x": 280,
    "youtube": 5000,
    "whatsapp": 4096,
    "telegram": 4096,
}
"""Characters of a post with disclosure and link, as its platform counts them (`weight_of`)."""
LINK_ON_X = 23
ONE_EACH_ON_X = ((0, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
"""Letters that X counts as one: Indian scripts are among them; all others count two."""
PostText = Annotated[str, Field(min_length=1, max_length=5000)]
PostTexts = Annotated[
    dict[Language, dict[PostPlatform, PostText]],
    BeforeValidator(lambda given: given or {}),
]


class Content(Strict):
    """All that a person writes and another approves. A draft may leave out what `unready` asks for later."""

    title: Line
    department: Annotated[str, Field(min_length=1, max_length=40)]
    compensation: m.Compensation
    kind: Kind = "awareness"
    partners: Annotated[tuple[Line, ...], Field(max_length=10)] = ()
    theme: Annotated[str, Field(max_length=40)] = ""
    messages: Messages = {}
    disclosure: Disclosure = {}
    """The author's own words, by language or (`*`) for all; see messages.py for what is said without."""
    links: Annotated[tuple[Link, ...], Field(max_length=10)] = ()
    audience: Audience = Audience(min_followers=0)
    channels: Annotated[tuple[m.Channel, ...], Field(max_length=10)] = ()
    """In order of fallback; without it, the channels of `messages` in their order."""
    expires_at: Utc | None = None
    quiet_hours: Quiet | None = None
    """Instead of the deployment's own."""
    certificate: Annotated[str, Field(max_length=100)] = ""
    """Electioneering only: the number under which the advertisement was certified."""
    imprint: Annotated[str, Field(max_length=200)] = ""
    """Electioneering only: who publishes it."""
    schemes: Schemes = ()
    """Ids of the schemes that it carries to people."""
    posts: PostTexts = {}
    """What creators may publish, by language and platform."""
    media: Media = ()
    """Pictures, videos and PDFs that creators may publish with it, in order."""
    priority: NotYet = None

    @model_validator(mode="before")
    @classmethod
    def _composed(cls, given: Any) -> Any:  # noqa: ANN401 - raw input
        return tidy(given)

    @field_validator("channels")
    @classmethod
    def _each_once(cls, channels: tuple[m.Channel, ...]) -> tuple[m.Channel, ...]:
        return tuple(dict.fromkeys(channels))

    @property
    def order(self) -> tuple[m.Channel, ...]:
        """The channels, in order of fallback."""
        return self.channels or tuple(self.messages)

    @property
    def link(self) -> str:
        return self.links[0] if self.links else ""

    def line(self, language: str, organisation: str) -> str:
        """The disclosure in one language."""
        sender = ", ".join((organisation, *self.partners))
        return m.disclosure_line(self.compensation, language, sender, self.disclosure, self._legal())

    def language_for(self, channel: str, wanted: str) -> str | None:
        """The language for a person who reads `wanted`: that one, else Hindi, else English, else the first
        written; None when the channel has no message."""
        written = self._of(channel)
        return next((one for one in (wanted, *FALLBACK_LANGUAGES, *written) if one in written), None)

    def render(
        self, channel: str, language: str, *, name: str, organisation: str, unsubscribe_url: str = ""
    ) -> Outgoing:
        """The message for one person. Raises KeyError for a channel or language that has none."""
        return m.render(
            channel,
            language,
            self._of(channel)[language],
            name=name,
            disclosure=self.line(language, organisation),
            link=self.link,
            unsubscribe_url=unsubscribe_url,
        )

    def full_text(self, channel: str, language: str, *, name: str, organisation: str) -> Outgoing | None:
        """What whoever answers the template gets; None when nothing waits."""
        message = self._of(channel).get(language)
        if channel not in m.WAITS_BEHIND or message is None or not message.text:
            return None
        line = self.line(language, organisation)
        return m.full_text(message, name=name, disclosure=line, link=self.link)

    def post_text(self, language: str, platform: str, organisation: str) -> str:
        """What a creator may publish, disclosure and link included; empty where nothing is written for this
        platform."""
        text = self.posts.get(language, {}).get(platform, "")  # type: ignore[call-overload]
        if not text:
            return ""
        line = self.line(language, organisation)
        said = m.fill(text, "", line, self.link)
        said = said if "{disclosure}" in text else f"{said}\n\n{line}"
        return said if not self.link or "{link}" in text else f"{said}\n\n{self.link}"

    def each(self) -> Iterable[tuple[m.Channel, str, m.Message, str]]:
        """Every message with its channel, its language and its field name."""
        for channel, by_language in self.messages.items():
            for language, message in by_language.items():
                yield channel, language, message, f"messages.{channel}.{language}"

    def _of(self, channel: str) -> Mapping[str, m.Message]:
        return next((written for name, written in self.messages.items() if name == channel), {})

    def _legal(self) -> str:
        return f"{self.imprint} ({self.certificate})" if self.kind == "electioneering" else ""


Templates = Mapping[tuple[str, str, str], m.Template]
"""Registered templates by channel, name (of an SMS: the id of its registration) and language."""


def with_words(messages: Mapping[m.Channel, Mapping[str, m.Message]], templates: Templates) -> dict[str, Any]:
    """The same messages with what is registered written into them: the words of each SMS, what the template
    of a WhatsApp message is called in. What is not registered has none."""

    def worded(message: m.Message, language: str) -> m.Message:
        found = templates.get(("sms", message.template_id, language))
        return message.model_copy(update={"text": found.body if found else ""})

    def called(message: m.Message, language: str) -> m.Message:
        found = templates.get(("whatsapp", message.template, language))
        other = found.language if found and found.language != language else ""
        return message.model_copy(update={"template_language": other})

    filled: dict[str, Any] = {channel: dict(by_language) for channel, by_language in messages.items()}
    for channel, written in (("sms", worded), ("whatsapp", called)):
        for language, message in filled.get(channel, {}).items():
            filled[channel][language] = written(message, language)
    return filled


def fitting(templates: Iterable[m.Template], language: str, asked: str = "") -> m.Template | None:
    """Of templates of one name the one for messages in `language`: what was `asked` for, else an approved
    one, its own before its countries'. `en` may be registered as `en_US`."""
    same = [one for one in templates if one.language.partition("_")[0] == language.partition("_")[0]]
    return min(
        same,
        key=lambda one: (
            one.language != asked,
            one.state != "approved",
            one.language != language,
            one.language,
        ),
        default=None,
    )


def tidy(given: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Text composed (NFC), line breaks as one character, no control characters; in names of fields too."""
    if isinstance(given, str):
        text = unicodedata.normalize("NFC", given.replace("\r\n", "\n"))
        return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
    if isinstance(given, Mapping):
        return {tidy(name): tidy(value) for name, value in given.items()}
    return [tidy(one) for one in given] if isinstance(given, (list, tuple)) else given


def faults(content: Content, organisation_kind: str) -> list[FieldError]:
    """What cannot even be kept as a draft."""
    found = []
    only = ONLY_FOR.get(content.kind)
    if only not in (None, organisation_kind):
        sentence = "This organisation may not send campaigns of the kind %(kind)s."
        found.append(FieldError("kind", "kind_not_allowed", sentence, {"kind": content.kind}))
    if content.expires_at is not None and not believable(content.expires_at):
        found.append(FieldError("expires_at", "year", WRONG_YEAR))
    for language, by_platform in content.posts.items():
        for platform, text in by_platform.items():
            found += [
                FieldError(f"posts.{language}.{platform}", "placeholder_unknown", IN_POSTS, {"name": name})
                for name in sorted({*m.unknown_placeholders(text), *({"name"} if "{name}" in text else ())})
            ]
    for channel, _, message, where in content.each():
        found += m.shape_faults(channel, message, where)
    return found


IN_POSTS = "In a post {%(name)s} is not known. Use {disclosure} or {link}."


def weight_of(text: str, platform: str) -> int:
    """The length of a post as its platform counts it (X: https://docs.x.com/fundamentals/counting-characters)."""
    if platform != "x":
        return len(text)
    short = re.sub(r"https?://\S+", "x" * LINK_ON_X, text)
    return sum(1 if any(a <= ord(one) <= z for a, z in ONE_EACH_ON_X) else 2 for one in short)


def post_faults(content: Content, organisation: str) -> list[FieldError]:
    """Posts that are too long for their platform with disclosure and link."""
    sentence = "With disclosure and link this is longer than %(n)s characters."
    return [
        FieldError(f"posts.{language}.{platform}", "post_too_long", sentence, {"n": LONGEST_POST[platform]})
        for language, by_platform in content.posts.items()
        for platform in by_platform
        if weight_of(content.post_text(language, platform, organisation), platform) > LONGEST_POST[platform]
    ]


def unready(content: Content, templates: Templates, organisation: str, now: datetime) -> list[FieldError]:
    """What is missing before somebody else may look at it."""
    missing = FieldError("", "missing", "Please fill in this field.")
    found = []
    if not content.audience.areas:
        found.append(FieldError("audience.areas", missing.code, "Add at least one area."))
    if not content.order:
        found.append(FieldError("messages", missing.code, "There is no message yet."))
    found += [
        FieldError(
            f"messages.{channel}",
            missing.code,
            "The message for %(channel)s is missing.",
            {"channel": channel},
        )
        for channel in content.order
        if not content.messages.get(channel)
    ]
    found += [
        FieldError(
            "channels", "channel_left_out", "There are messages for %(channel)s.", {"channel": channel}
        )
        for channel in content.messages
        if channel not in content.order
    ]
    if content.expires_at is not None and content.expires_at <= now:
        found.append(FieldError("expires_at", "past", "This time is past."))
    if content.kind == "electioneering":
        wanted = {"certificate": content.certificate, "imprint": content.imprint}
        found += [FieldError(f, missing.code, missing.message) for f, value in wanted.items() if not value]
    found += post_faults(content, organisation)
    found += media_faults(content.media)
    for channel, language, message, where in content.each():
        line = content.line(language, organisation)
        if m.wants_link(message) and not content.links:
            found.append(FieldError("links", "link_missing", "A message has {link}, and there is no link."))
        if channel == "whatsapp":
            template = templates.get((channel, message.template, language))
            found += m.template_faults(template, message, line, content.link, where)
            found += m.full_text_faults(message, line, content.link, f"{where}.text")
        elif channel == "sms":
            template = templates.get((channel, message.template_id, language))
            found += m.sms_faults(template, message, line, content.link, where)
        elif channel == "email":
            found += m.email_faults(message, line, content.link, where)
        else:
            found += m.text_faults(channel, message, line, content.link, where)
    return found


def scheme_faults(content: Content, known: Mapping[str, SchemeBrief]) -> list[FieldError]:
    """What is wrong with the schemes that a campaign cites: there is none, it is over, or it has no words in
    a language in which the campaign speaks."""
    found = []
    languages = sorted({language for _, language, _, _ in content.each()})
    for i, scheme in enumerate(content.schemes):
        where, brief = f"schemes.{i}", known.get(scheme)
        if brief is None:
            found.append(FieldError(where, "scheme_unknown", "There is no scheme %(id)s.", {"id": scheme}))
            continue
        if brief.ended:
            found.append(FieldError(where, "scheme_ended", "The scheme %(id)s is over.", {"id": scheme}))
        found += [
            FieldError(
                where,
                "scheme_language",
                "The scheme %(id)s has no words in the language %(language)s, in which this campaign speaks.",
                {"id": scheme, "language": language},
            )
            for language in languages
            if language not in brief.names
        ]
    return found


class Override(Strict):
    """An approver's permission to go out under the code of conduct of one election, and why."""

    election: str
    reason: str
    by: str
    at: datetime
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None
    """Since when it stands no more; its reason is kept for what went out until then."""


class Campaign(Strict):
    """A campaign as it stands. `rev` counts its changes."""

    id: str
    rev: int
    status: Status
    content: Content
    created_at: datetime
    updated_at: datetime
    authors: tuple[str, ...]
    """Everybody who wrote, changed or submitted it: none of them may approve it."""
    decided_by: str = ""
    decision: Literal["", "approve", "decline"] = ""
    reason: str = ""
    runs: int = 0
    corrections: int = 0
    """How many corrections and withdrawals were proposed."""
    withdrawn_at: AwareDatetime | None = None
    """Since when it is withdrawn: a withdrawal alone is sent of it any more."""
    repeats: Every | None = None
    """How often, when it was scheduled as a series."""
    overrides: tuple[Override, ...] = ()

    @property
    def overridden(self) -> frozenset[str]:
        """Elections under whose code of conduct it may go out."""
        return frozenset(one.election for one in self.overrides if one.withdrawn_at is None)

    @property
    def given_back(self) -> bool:
        """Whether it is a draft because an approver declined it."""
        return self.status == "draft" and self.decision == "decline"

    @property
    def department(self) -> str:
        return self.content.department

    @property
    def run_ids(self) -> list[str]:
        """Of all its runs, the first one first."""
        return [run_id(self.id, number) for number in range(1, self.runs + 1)]

    def may_become(self, status: Status) -> bool:
        return status in NEXT[self.status]

    def may_be_approved_by(self, person: str) -> bool:
        """Never by somebody who had a hand in it."""
        return person not in self.authors


class Run(Strict):
    """One occurrence of a campaign, or a correction or withdrawal of some."""

    id: str
    campaign_id: str
    rev: int
    status: Literal["scheduled", "dispatching", "dispatched", "paused", "cancelled", "expired"]
    at: datetime
    expires_at: datetime
    channels: tuple[m.Channel, ...]
    kind: Kind
    department: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    quiet: Quiet | None = None
    """The quiet hours that it keeps, as they were when it was scheduled."""
    spread_minutes: int = 0
    series: Series | None = None
    """Its place in a repetition."""
    left: int = 0
    """People who had not been sent to when its time was over."""
    purpose: Purpose = "campaign"
    parents: tuple[str, ...] = ()
    """The runs that it corrects or withdraws, the newest first."""
    urgent: bool = False
    """Whether quiet hours do not hold it."""
    recalled_at: datetime | None = None
    """Since when nothing more of it goes out, because what it says was corrected or withdrawn."""

    @property
    def parent(self) -> str:
        """The newest run that it corrects or withdraws; empty for any other."""
        return self.parents[0] if self.parents else ""

    @property
    def number(self) -> int:
        """Its place among the campaign's runs, from 1."""
        return int(self.id.rpartition("-")[2])

    @property
    def going_on(self) -> Literal["scheduled", "dispatching"]:
        """Its state when it is not paused (any more)."""
        return "dispatching" if self.started_at else "scheduled"

    def is_over(self, now: datetime) -> bool:
        """Whether it is too late to start it, or to go on."""
        return now >= self.expires_at

    def next_run(self, campaign: Campaign, now: datetime) -> Run | None:
        """The run that follows in its series, when this one ends now; None when there is none.

        A paused series stays paused.
        """
        series = self.series.following(now) if self.series else None
        if series is None:
            return None
        at, expires_at = span_in_series(series, campaign.content.expires_at)
        mine = {
            "id": run_id(campaign.id, campaign.runs + 1),
            "rev": 1,
            "status": "paused" if self.status == "paused" else "scheduled",
            "at": at,
            "expires_at": expires_at,
            "series": series,
        }
        return self.model_copy(update=mine | {"started_at": None, "ended_at": None, "left": 0})


def run_id(campaign_id: str, number: int) -> str:
    return f"{campaign_id}-{number}"


def split_run_id(run: str) -> tuple[str, int] | None:
    """The campaign and the number of a run; None for what is no run's id."""
    campaign, _, number = run.rpartition("-")
    return (campaign, int(number)) if campaign and number.isascii() and number.isdigit() else None
