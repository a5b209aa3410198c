"""What one channel carries in one language, how it is filled for one person, and the disclosure always in it.

A WhatsApp message is a registered template with its parameters in order, and the text, if any, that whoever
answers it gets within their own 24 hours; a Telegram message is text; an SMS is a template registered under
TRAI's rules, by its id and header, with its variables in order (platforms/dlt.py); an email has a subject,
text, and HTML if wanted. In all, three placeholders are filled for each person: `{name}`, `{disclosure}`,
`{link}` (the campaign's first link).

The registered words of an SMS are written into its `text` when the campaign is submitted: they are what is
approved, and what is sent as long as they stay registered.

Disclosure: it follows the compensation and is part of every message. In a text without `{disclosure}` it is
added as a last paragraph. A template's words are fixed at the platform: either one of its parameters holds
`{disclosure}`, or its registered body holds the disclosure line itself; a campaign with neither cannot be
submitted. For paid work and gifts the label always comes first, whatever the author's own wording: a hidden
sponsorship would be possible otherwise (PROGRAMME.md, what it refuses).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from chalicelib.errors import FieldError
from chalicelib.platforms import dlt
from chalicelib.platforms.base import MEDIUMS, Medium, Outgoing
from chalicelib.shapes import Strict

Channel = Medium
Compensation = Literal["none", "paid", "in_kind"]
CHANNELS: tuple[Channel, ...] = MEDIUMS
"""Those that a platform carries."""
REGISTERED = frozenset({"whatsapp", "sms"})
"""What is sent over these is a template that was registered before."""
WAITS_BEHIND = frozenset({"whatsapp"})
"""A campaign writes first, outside the person's own 24 hours: a template is needed (PLATFORMS.md). Its text
waits for an answer."""
LONGEST: Mapping[str, int] = {"whatsapp": 1024, "telegram": 4096}
"""Of a whole message: Meta's limit of a template's body, Telegram's of a text (in UTF-16 units)."""
LONGEST_SUBJECT = 150
"""Mailboxes show less."""
MOST_SEGMENTS = 10
"""Parts of one SMS: gateways take about as many, and each is paid for."""
SMS_CATEGORIES = frozenset({"promotional", "transactional", "service_implicit", "service_explicit"})
FIELDS: Mapping[str, frozenset[str]] = {
    "whatsapp": frozenset({"template", "template_language", "category", "params", "text"}),
    "telegram": frozenset({"text"}),
    "sms": frozenset({"template_id", "header", "params", "text"}),
    "email": frozenset({"subject", "text", "html"}),
}
"""What a message of each channel consists of."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "whatsapp": ("template", "category"),
    "telegram": ("text",),
    "sms": ("template_id", "header"),
    "email": ("subject", "text"),
}
NEEDS: Mapping[str, str] = {
    "whatsapp": "%(channel)s needs a template with its category. Whoever answers it gets the text.",
    "telegram": "%(channel)s needs a text, and no template.",
    "sms": "An SMS needs the id of its registered template and its header, and nothing but these and params.",
    "email": "An email needs a subject and a text; HTML may stand beside them, and nothing else.",
}
LONGEST_REPLY = 4096
"""Meta's limit of a free text."""
LONGEST_NAME = "न" * 80
"""A person's name is cut to this size in a message; lengths are checked with it."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDER_IN_HTML = re.compile(r"\{([a-z_]+)\}")
"""Braces of style sheets are none."""
_ACTIVE = re.compile(r"<\s*(script|iframe|object|embed|form)\b|\bjavascript:|\son[a-z]+\s*=", re.IGNORECASE)
_BODY_ENDS = re.compile(r"</body\s*>", re.IGNORECASE)
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
_UNSUBSCRIBE = {"hi": "हमारे ईमेल बंद करने के लिए यहाँ जाएँ", "en": "To end our emails, go here"}


class Message(Strict):
    """What one channel carries in one language: of these fields, those of FIELDS."""

    template: Annotated[str, Field(max_length=512, pattern=r"^[a-z0-9_]*$")] = ""
    template_language: Annotated[str, Field(pattern=r"^([a-z]{2,3}(_[A-Z]{2})?)?$")] = ""
    """What the template is registered as, where that is not the message's language: `en_US` of `en`. Written
    when the campaign is submitted."""
    category: Literal["", "marketing", "utility"] = ""
    params: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=700)], ...], Field(max_length=20)
    ] = ()
    text: Annotated[str, Field(max_length=4096)] = ""
    """Of an SMS: the registered words, as they were when the campaign was submitted."""
    template_id: Annotated[str, Field(max_length=25, pattern=r"^[0-9]*$")] = ""
    header: Annotated[str, Field(max_length=11, pattern=r"^[A-Za-z0-9-]*$")] = ""
    subject: Annotated[str, Field(max_length=300)] = ""
    html: Annotated[str, Field(max_length=20_000)] = ""

    @property
    def parts(self) -> dict[str, str]:
        """What is filled for each person, by field name."""
        whole = {"text": "" if self.template_id else self.text, "subject": self.subject, "html": self.html}
        return whole | {f"params.{i}": param for i, param in enumerate(self.params)}

    @property
    def given(self) -> frozenset[str]:
        """The fields that are not empty."""
        return frozenset(name for name, value in self if value)


class Template(Strict):
    """A template as it is registered. WhatsApp: `{{1}}`, `{{2}}` … in `body` are its parameters. SMS: it has
    the id, header and entity id of its registration, and `{#var#}` in `body` are its variables."""

    name: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[a-z0-9_]+$")]
    """Of an SMS our own; service messages are found by theirs (docs/platforms.md)."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")]
    category: Literal[
        "marketing",
        "utility",
        "authentication",
        "promotional",
        "transactional",
        "service_implicit",
        "service_explicit",
    ]
    template_id: Annotated[str, Field(pattern=r"^([0-9]{8,25})?$")] = ""
    header: Annotated[str, Field(pattern=r"^([A-Za-z0-9-]{3,11})?$")] = ""
    entity_id: Annotated[str, Field(pattern=r"^([0-9]{8,25})?$")] = ""
    body: Annotated[str, Field(min_length=1, max_length=1024)]
    state: Literal["approved", "pending", "rejected", "paused", "disabled"]

    @field_validator("body")
    @classmethod
    def _numbered(cls, body: str, info: ValidationInfo) -> str:
        if info.data.get("template_id"):
            if (
                re.search(r"[{}]", body.replace(dlt.VARIABLE, ""))
                or not body.replace(dlt.VARIABLE, "").strip()
            ):
                raise PydanticCustomError(
                    "variables", "Variables are written {{#var#}}, and there are words beside them."
                )
            return body
        numbers = sorted({int(number) for number in _SLOT.findall(body)})
        if numbers != list(range(1, len(numbers) + 1)) or "{{" in _SLOT.sub("", body):
            raise PydanticCustomError(
                "slots", "Parameters are written {{1}}, {{2}} and so on, none left out."
            )
        return body

    @property
    def params_count(self) -> int:
        return dlt.variables(self.body) if self.template_id else len(set(_SLOT.findall(self.body)))

    def cost(self) -> dict[str, Any]:
        """Of an SMS, `segments` and `alphabet` with variables as long as they may be; empty for others."""
        if not self.template_id:
            return {}
        longest = self.filled(("x" * dlt.LONGEST_VARIABLE,) * self.params_count)
        return dict(zip(("segments", "alphabet"), dlt.segments(longest), strict=True))

    def filled(self, params: tuple[str, ...]) -> str:
        """The body as the person reads it; `params` are `params_count` many."""
        if self.template_id:
            return dlt.filled(self.body, params)
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


def unknown_placeholders(text: str, written: re.Pattern[str] = _PLACEHOLDER) -> list[str]:
    """Names in braces that nothing fills."""
    return sorted({name for name in written.findall(text) if name not in PLACEHOLDERS})


def wants_link(message: Message) -> bool:
    return any("{link}" in part for part in message.parts.values())


def shape_faults(channel: str, message: Message, where: str) -> list[FieldError]:
    """What is wrong with a message as written, whoever gets it."""
    found = []
    if not message.given.issuperset(NEEDED[channel]) or message.given - FIELDS[channel]:
        code = "template_needed" if channel in REGISTERED else "text_needed"
        found.append(FieldError(where, code, NEEDS[channel], {"channel": channel}))
    for name, part in message.parts.items():
        sentence = "{%(name)s} is not known. Use {name}, {disclosure} or {link}."
        found += [
            FieldError(f"{where}.{name}", "placeholder_unknown", sentence, {"name": unknown})
            for unknown in unknown_placeholders(
                part, _PLACEHOLDER_IN_HTML if name == "html" else _PLACEHOLDER
            )
        ]
        if name == "subject" and re.search(r"[\n\t]", part):
            sentence = "A subject is one line."
            found.append(FieldError(f"{where}.{name}", "subject_lines", sentence))
        if name == "html" and _ACTIVE.search(part):
            sentence = "Scripts, forms and frames are not shown by mailboxes: please leave them out."
            found.append(FieldError(f"{where}.{name}", "html_active", sentence))
        if name.startswith("params") and re.search(r"[\n\t]| {4}", part):
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
        sentence = "Each of the %(n)s places of the template must be filled in, and no more."
        return [
            *found,
            FieldError(f"{where}.params", "template_params", sentence, {"n": template.params_count}),
        ]
    read = template.filled(tuple(fill(param, LONGEST_NAME, disclosure, link) for param in message.params))
    if disclosure not in read:
        sentence = "Put {disclosure} into one of the places, or use a template whose body says: %(line)s"
        found.append(FieldError(f"{where}.params", "disclosure_missing", sentence, {"line": disclosure}))
    return found + length_faults(LONGEST["whatsapp"], read, where)


def sms_faults(
    template: Template | None, message: Message, disclosure: str, link: str, where: str
) -> list[FieldError]:
    """Why an SMS would be refused on its way, or the person would miss the disclosure: what is sent must be
    what is registered."""
    if template is None or template.state != "approved":
        sentence = "The template %(name)s is not registered as approved in this language."
        params: dict[str, object] = {"name": message.template_id}
        return [FieldError(f"{where}.template_id", "template_not_approved", sentence, params)]
    found = []
    if template.header != message.header:
        sentence = "The template is registered for the header %(header)s."
        found.append(FieldError(f"{where}.header", "template_header", sentence, {"header": template.header}))
    if message.text and message.text != template.body:
        sentence = "The registered words have changed since this was submitted."
        found.append(FieldError(f"{where}.template_id", "template_changed", sentence))
    if template.params_count != len(message.params):
        sentence = "Each of the %(n)s places of the template must be filled in, and no more."
        params = {"n": template.params_count}
        return [*found, FieldError(f"{where}.params", "template_params", sentence, params)]
    values = sms_values(message, LONGEST_NAME, disclosure, link)
    for i, value in enumerate(values):
        if not 1 <= len(value) <= dlt.LONGEST_VARIABLE:
            sentence = "A variable of an SMS holds 1 to %(n)s characters; this has %(m)s."
            params = {"n": dlt.LONGEST_VARIABLE, "m": len(value)}
            found.append(FieldError(f"{where}.params.{i}", "variable_too_long", sentence, params))
    read = template.filled(values)
    if disclosure not in read:
        sentence = "Use a template whose registered words say: %(line)s"
        found.append(FieldError(f"{where}.template_id", "disclosure_missing", sentence, {"line": disclosure}))
    if dlt.segments(read)[0] > MOST_SEGMENTS:
        sentence = "This needs %(m)s parts of an SMS; at most %(n)s are sent."
        params = {"n": MOST_SEGMENTS, "m": dlt.segments(read)[0]}
        found.append(FieldError(where, "message_too_long", sentence, params))
    return found


def sms_values(message: Message, name: str, disclosure: str, link: str) -> tuple[str, ...]:
    """The values of an SMS's variables for one person, whose name is cut to what a variable holds."""
    called = dlt.cut(_called(name))
    return tuple(fill(param, called, disclosure, link) for param in message.params)


def email_faults(message: Message, disclosure: str, link: str, where: str) -> list[FieldError]:
    """What a mailbox would not show as it was written."""
    out = render("email", "", message, name=LONGEST_NAME, disclosure=disclosure, link=link)
    return length_faults(LONGEST_SUBJECT, out.subject, f"{where}.subject")


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
    channel: str,
    language: str,
    message: Message,
    *,
    name: str,
    disclosure: str,
    link: str,
    unsubscribe_url: str = "",
) -> Outgoing:
    """The message for one person. `unsubscribe_url`: where this person ends their emails."""
    if channel == "telegram":
        return full_text(message, name=name, disclosure=disclosure, link=link)
    if channel == "email":
        ending = _UNSUBSCRIBE.get(language, _UNSUBSCRIBE[_FALLBACK])
        return _email(message, (_called(name), disclosure, link), ending, unsubscribe_url)
    if channel == "sms":
        values = sms_values(message, name, disclosure, link)
        return Outgoing(
            template=message.template_id,
            template_language=language,
            header=message.header,
            params=values,
            text=dlt.filled(message.text, values),
        )
    return Outgoing(
        template=message.template,
        template_language=message.template_language or language,
        category=message.category,
        params=tuple(fill(param, _called(name), disclosure, link) for param in message.params),
    )


def full_text(message: Message, *, name: str, disclosure: str, link: str) -> Outgoing:
    """The text of a message for one person."""
    text = fill(message.text, _called(name), disclosure, link)
    if "{disclosure}" not in message.text:
        text = f"{text}\n\n{disclosure}"
    return Outgoing(text=text)


def _email(message: Message, values: tuple[str, str, str], ending: str, url: str) -> Outgoing:
    """Subject, text, and HTML in which no value is read as markup. A subject is one line, whatever a name
    holds. `values`: name, disclosure and link; `ending`: what leads to the end of all emails."""
    name, disclosure, link = values
    text = full_text(message, name=name, disclosure=disclosure, link=link).text
    marked_up = fill(message.html, *map(html.escape, values))
    if message.html and "{disclosure}" not in message.html:
        marked_up = _at_the_end(marked_up, f"<p>{html.escape(disclosure)}</p>")
    if url:
        text = f"{text}\n\n{ending}: {url}"
        marked_up = marked_up and _at_the_end(
            marked_up, f'<p><a href="{html.escape(url)}">{html.escape(ending)}</a></p>'
        )
    return Outgoing(
        subject=" ".join(fill(message.subject, *values).split()),
        text=text,
        html=marked_up,
        unsubscribe_url=url,
    )


def _at_the_end(page: str, paragraph: str) -> str:
    """The paragraph as the last of a page of HTML."""
    ends = [found.start() for found in _BODY_ENDS.finditer(page)]
    at = ends[-1] if ends else len(page)
    return f"{page[:at]}{paragraph}{page[at:]}"


def _called(name: str) -> str:
    return " ".join(name.split())[: len(LONGEST_NAME)]
