"""What one channel carries in one language, how it is filled for one person, and the disclosure always in it.

A WhatsApp message is a registered template with its parameters in order, and the text, if any, that whoever
answers it gets within their own 24 hours; a Telegram message is text. In all,
three placeholders are filled for each person: `{name}`, `{disclosure}`, `{link}` (the campaign's first link).

Disclosure: it follows the compensation and is part of every message. In a text without `{disclosure}` it is
added as a last paragraph. A template's words are fixed at the platform: either one of its parameters holds
`{disclosure}`, or its registered body holds the disclosure line itself; a campaign with neither cannot be
submitted. For paid work and gifts the label always comes first, whatever the author's own wording: a hidden
sponsorship would be possible otherwise (PROGRAMME.md, what it refuses).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from chalicelib.errors import FieldError
from chalicelib.platforms.base import Outgoing
from chalicelib.shapes import Strict

Channel = Literal["whatsapp", "telegram"]
Compensation = Literal["none", "paid", "in_kind"]
Category = Literal["marketing", "utility"]

CHANNELS: tuple[Channel, ...] = ("whatsapp", "telegram")
"""Those that have an adapter."""
TEMPLATE_CHANNELS = frozenset({"whatsapp"})
"""A campaign writes first, outside the person's own 24 hours: a template is needed (PLATFORMS.md)."""
LONGEST: Mapping[str, int] = {"whatsapp": 1024, "telegram": 4096}
"""Of a whole message: Meta's limit of a template's body, Telegram's of a text (in UTF-16 units)."""
LONGEST_REPLY = 4096
"""Meta's limit of a free text."""
LONGEST_NAME = "न" * 80
"""A person's name is cut to this size in a message; lengths are checked with it."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"\{\{(\d+)\}\}")
PLACEHOLDERS = frozenset({"name", "disclosure", "link"})

_LABELS: dict[str, dict[str, str]] = {
    "none": {"hi": "", "en": ""},
    "paid": {"hi": "विज्ञापन (#ad):", "en": "Advertisement (#ad):"},
    "in_kind": {"hi": "प्रायोजित (#sponsored):", "en": "Sponsored (#sponsored):"},
}
_SENTENCES: dict[str, dict[str, str]] = {
    "none": {
        "hi": "यह संदेश {sender} की ओर से है। इसे साझा करने के लिए कोई भुगतान नहीं दिया जाता।",
        "en": "This message is from {sender}. Nothing is paid for sharing it.",
    },
    "paid": {
        "hi": "{sender} की ओर से; इसे साझा करने के लिए भुगतान दिया जाता है।",
        "en": "from {sender}, who pays for sharing it.",
    },
    "in_kind": {
        "hi": "{sender} की ओर से; इसे साझा करने के लिए वस्तु या सुविधा दी जाती है।",
        "en": "from {sender}, who gives goods or favours for sharing it.",
    },
}
_FALLBACK = "en"


class Message(Strict):
    """A template with its parameters in order, and what waits behind it, or a text."""

    template: Annotated[str, Field(max_length=512, pattern=r"^[a-z0-9_]*$")] = ""
    category: Literal["", "marketing", "utility"] = ""
    params: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=700)], ...], Field(max_length=20)
    ] = ()
    text: Annotated[str, Field(max_length=4096)] = ""

    @property
    def parts(self) -> dict[str, str]:
        """What is filled for each person, by field name."""
        return {"text": self.text} | {f"params.{i}": param for i, param in enumerate(self.params)}


class Template(Strict):
    """A template as it is registered at the platform. `{{1}}`, `{{2}}` … in `body` are its parameters."""

    name: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[a-z0-9_]+$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")]
    category: Literal["marketing", "utility", "authentication"]
    body: Annotated[str, Field(min_length=1, max_length=1024)]
    state: Literal["approved", "pending", "rejected", "paused", "disabled"]

    @field_validator("body")
    @classmethod
    def _numbered(cls, body: str) -> str:
        numbers = sorted({int(number) for number in _SLOT.findall(body)})
        if numbers != list(range(1, len(numbers) + 1)) or "{{" in _SLOT.sub("", body):
            raise PydanticCustomError(
                "slots", "Parameters are written {{1}}, {{2}} and so on, none left out."
            )
        return body

    @property
    def params_count(self) -> int:
        return len(set(_SLOT.findall(self.body)))

    def filled(self, params: tuple[str, ...]) -> str:
        """The body as the person reads it; `params` are `params_count` many."""
        return _SLOT.sub(lambda slot: params[int(slot[1]) - 1], self.body)


def disclosure_line(
    compensation: Compensation, language: str, sender: str, own_words: Mapping[str, str], suffix: str = ""
) -> str:
    """The disclosure in `language` (English where we have no words of our own): the label that the
    compensation asks for, then the author's words or ours, then what the kind of campaign adds. Words of the
    author without any letter are none."""
    known = language if language in _LABELS[compensation] else _FALLBACK
    ours = _SENTENCES[compensation][known].format(sender=sender)
    own = (own_words.get(one, "") for one in (language, "*"))
    said = next((words for words in own if any(c.isalpha() for c in words)), ours)
    return " ".join(" ".join((_LABELS[compensation][known], said, suffix)).split())


def unknown_placeholders(text: str) -> list[str]:
    """Names in braces that nothing fills."""
    return sorted({name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS})


def wants_link(message: Message) -> bool:
    return any("{link}" in part for part in message.parts.values())


def shape_faults(channel: str, message: Message, where: str) -> list[FieldError]:
    """What is wrong with a message as written, whoever gets it."""
    found = []
    if channel in TEMPLATE_CHANNELS:
        if not message.template or not message.category:
            sentence = "%(channel)s needs a template with its category. Whoever answers it gets the text."
            found.append(FieldError(where, "template_needed", sentence, {"channel": channel}))
    elif not message.text or message.template or message.params or message.category:
        sentence = "%(channel)s needs a text, and no template."
        found.append(FieldError(where, "text_needed", sentence, {"channel": channel}))
    for name, part in message.parts.items():
        sentence = "{%(name)s} is not known. Use {name}, {disclosure} or {link}."
        found += [
            FieldError(f"{where}.{name}", "placeholder_unknown", sentence, {"name": unknown})
            for unknown in unknown_placeholders(part)
        ]
        if name != "text" and re.search(r"[\n\t]| {4}", part):
            sentence = "A parameter has no line breaks, no tabs and no long gaps."
            found.append(FieldError(f"{where}.{name}", "param_whitespace", sentence))
    return found


def template_faults(
    template: Template | None, message: Message, disclosure: str, link: str, where: str
) -> list[FieldError]:
    """Why the platform would refuse this message, or the person would miss the disclosure."""
    if template is None or template.state != "approved":
        sentence = "The template %(name)s is not registered as approved in this language."
        return [
            FieldError(f"{where}.template", "template_not_approved", sentence, {"name": message.template})
        ]
    found = []
    if template.category != message.category:
        sentence = "The template is registered as %(category)s."
        params: dict[str, object] = {"category": template.category}
        found.append(FieldError(f"{where}.category", "template_category", sentence, params))
    if template.params_count != len(message.params):
        sentence = "The template has %(n)s parameters."
        return [
            *found,
            FieldError(f"{where}.params", "template_params", sentence, {"n": template.params_count}),
        ]
    read = template.filled(tuple(fill(param, LONGEST_NAME, disclosure, link) for param in message.params))
    if disclosure not in read:
        sentence = "Put {disclosure} into one of the parameters, or use a template whose body says: %(line)s"
        found.append(FieldError(f"{where}.params", "disclosure_missing", sentence, {"line": disclosure}))
    return found + length_faults(LONGEST["whatsapp"], read, where)


def text_faults(channel: str, message: Message, disclosure: str, link: str, where: str) -> list[FieldError]:
    """Why a text would be refused by the platform."""
    out = render(channel, "", message, name=LONGEST_NAME, disclosure=disclosure, link=link)
    return length_faults(LONGEST[channel], out.text, where)


def full_text_faults(message: Message, disclosure: str, link: str, where: str) -> list[FieldError]:
    """Why the text behind a template would be refused by the platform."""
    if not message.text:
        return []
    out = full_text(message, name=LONGEST_NAME, disclosure=disclosure, link=link)
    return length_faults(LONGEST_REPLY, out.text, where)


def length_faults(longest: int, read: str, where: str) -> list[FieldError]:
    """Whether what a person reads is too long, counted in UTF-16 units, as Telegram does."""
    if len(read.encode("utf-16-le")) // 2 <= longest:
        return []
    sentence = "With name, disclosure and link this is longer than %(n)s characters."
    return [FieldError(where, "message_too_long", sentence, {"n": longest})]


def fill(part: str, name: str, disclosure: str, link: str) -> str:
    """The placeholders filled, in one pass: what a name holds is never read as a placeholder."""
    values = {"name": name, "disclosure": disclosure, "link": link}
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), part)


def render(
    channel: str, language: str, message: Message, *, name: str, disclosure: str, link: str
) -> Outgoing:
    """The message for one person."""
    if channel not in TEMPLATE_CHANNELS:
        return full_text(message, name=name, disclosure=disclosure, link=link)
    return Outgoing(
        template=message.template,
        template_language=language,
        category=message.category,
        params=tuple(fill(param, _called(name), disclosure, link) for param in message.params),
    )


def full_text(message: Message, *, name: str, disclosure: str, link: str) -> Outgoing:
    """The text of a message for one person."""
    text = fill(message.text, _called(name), disclosure, link)
    if "{disclosure}" not in message.text:
        text = f"{text}\n\n{disclosure}"
    return Outgoing(text=text)


def _called(name: str) -> str:
    return " ".join(name.split())[: len(LONGEST_NAME)]
