"""The composer's form: what was typed, as a campaign's fields, and a campaign's fields as the form shows
them; how two contents differ. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from chalicelib.campaigns import messages as m
from chalicelib.campaigns.media import Medium
from chalicelib.campaigns.media import told as media_told
from chalicelib.campaigns.model import LONGEST_POST, Content, PostPlatform, Templates, fitting, weight_of
from chalicelib.clock import IST
from chalicelib.errors import FieldError
from chalicelib.names import graphemes
from chalicelib.pages.figures import grouped, moment
from chalicelib.pages.forms import Form, typed_moment
from chalicelib.pages.pieces import Piece, pieces
from chalicelib.platforms import dlt

SAMPLE_NAMES = {"hi": "सुनीता देवी", "en": "Sunita Devi"}
"""For whom a preview is shown: an invented person."""
PARAMS_AT_MOST = 20
WORDS_BEFORE = 5


def every(form: Form, name: str) -> list[str]:
    """All values of a field, each once, none empty."""
    return list(dict.fromkeys(one for one in form.all(name) if one))


def _lines(form: Form, name: str) -> list[str]:
    return [line.strip() for line in form.one(name).splitlines() if line.strip()]


def channels_of(form: Form) -> list[m.Channel]:
    """The channels in the order in which they were picked."""
    picked = (form.one(f"channel_{place}") for place in range(1, len(m.CHANNELS) + 1))
    return [one for one in dict.fromkeys(picked) if one in m.CHANNELS]


def fields_of(form: Form, registered: Mapping[str, Sequence[m.Template]]) -> dict[str, Any]:
    """The campaign's fields; whether they may be so says `Content`. Raises InvalidInput for a time that is
    none."""
    channels = channels_of(form)
    quiet: Any = {"": None, "none": "none"}.get(
        form.one("quiet"), {"from": form.one("quiet_from"), "until": form.one("quiet_until")}
    )
    return {
        **{name: form.one(name) for name in ("title", "department", "theme", "kind", "compensation")},
        **{name: form.one(name) for name in ("certificate", "imprint")},
        "partners": _lines(form, "partners"),
        "schemes": every(form, "schemes"),
        "links": _lines(form, "links"),
        "disclosure": {
            language: form.one(f"disclosure.{language}")
            for language in every(form, "languages")
            if form.one(f"disclosure.{language}")
        },
        "channels": channels,
        "messages": messages_of(form, channels, registered),
        "posts": posts_of(form),
        "media": media_of(form),
        "audience": audience_of(form),
        "expires_at": typed_moment(form.one("expires_at"), "expires_at"),
        "quiet_hours": quiet,
    }


def messages_of(
    form: Form, channels: Sequence[str], registered: Mapping[str, Sequence[m.Template]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The messages by channel and language; a block in which nothing was written is none."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for channel in channels:
        for language in every(form, "languages"):
            if block := _block(form, channel, language, registered.get(channel, ())):
                found.setdefault(channel, {})[language] = block
    return found


def _block(
    form: Form, channel: str, language: str, registered: Sequence[m.Template]
) -> dict[str, Any] | None:
    where = f"messages.{channel}.{language}"
    names = m.FIELDS[channel] - {"params", "category", "template_language", "header"}
    block: dict[str, Any] = {name: form.one(f"{where}.{name}") for name in names}
    if channel == "sms":
        block["text"] = ""
    params = [form.one(f"{where}.params.{n}") for n in range(PARAMS_AT_MOST)]
    while params and not params[-1]:
        params.pop()
    if not any(block.values()) and not params:
        return None
    if "params" in m.FIELDS[channel]:
        block["params"] = params
    if channel == "whatsapp":
        same = [one for one in registered if one.name == block["template"]]
        picked = fitting(same, language) or next(iter(same), None)
        known = picked is not None and picked.category in ("marketing", "utility")
        block["category"] = picked.category if picked and known else "marketing" if block["template"] else ""
    if channel == "sms":
        block["header"] = next((t.header for t in registered if t.template_id == block["template_id"]), "")
    return block


def posts_of(form: Form) -> dict[str, dict[str, str]]:
    """What creators may publish, by language and platform; a field in which nothing was written is none."""
    found: dict[str, dict[str, str]] = {}
    for language in every(form, "languages"):
        for platform in get_args(PostPlatform):
            if (text := form.one(f"posts.{language}.{platform}")).strip():
                found.setdefault(language, {})[platform] = text
    return found


def media_of(form: Form) -> list[dict[str, Any]]:
    """The media in the order of the form: what a name is of, our file or somebody's upload, it tells
    itself."""
    found = []
    for n, name in enumerate(form.all("media")):
        alt = {
            language: form.one(f"media.{n}.alt.{language}").strip() for language in every(form, "languages")
        }
        found.append(
            {
                "upload" if "/" in name else "file": name,
                "alt": {language: text for language, text in alt.items() if text},
                "platforms": every(form, f"media.{n}.platforms"),
            }
        )
    return found


def form_of_media(media: Iterable[Medium], languages: Iterable[str]) -> dict[str, list[str]]:
    """What the form shows of media; words for all languages stand in each."""
    shown: dict[str, list[str]] = {"media": []}
    for n, one in enumerate(media):
        shown["media"].append(one.name)
        for language in languages:
            shown[f"media.{n}.alt.{language}"] = [one.alt.get(language) or one.alt.get("*", "")]
        shown[f"media.{n}.platforms"] = list(one.platforms)
    return shown


def with_media(form: Form, do: str) -> Form:
    """The form after a button at one of its media: `earlier:<n>`, `out:<n>`, or `added:<key>`."""
    what, _, which = do.partition(":")
    if what not in ("added", "earlier", "out"):
        return form
    entries = [(name, _of_one(form, n)) for n, name in enumerate(form.all("media"))]
    if what == "added":
        entries.append((which, {}))
    elif which in {str(n) for n in range(len(entries))}:
        taken = entries.pop(int(which))
        if what == "earlier":
            entries.insert(max(0, int(which) - 1), taken)
    kept = {name: list(values) for name, values in form.values.items() if not name.startswith("media")}
    kept["media"] = [name for name, _ in entries]
    for n, (_, fields) in enumerate(entries):
        kept |= {f"media.{n}.{name}": values for name, values in fields.items()}
    return Form(kept)


def _of_one(form: Form, n: int) -> dict[str, list[str]]:
    begins = f"media.{n}."
    return {
        name.removeprefix(begins): list(values)
        for name, values in form.values.items()
        if name.startswith(begins)
    }


def audience_of(form: Form) -> dict[str, Any]:
    """The rule of the audience, as it was ticked. Shares are typed in per cent."""
    rule: dict[str, Any] = {
        name: every(form, f"audience.{name}")
        for name in ("areas", "themes", "platforms", "languages", "professions")
    }
    rule["gender"] = form.one("audience.gender")
    rule["min_followers"] = form.one("audience.min_followers").replace(",", "") or 0
    rule["turnout_election"] = form.one("audience.turnout_election")
    for name in ("turnout_below", "lowest_share"):
        rule[name] = _share(form.one(f"audience.{name}").rstrip(" %"))
    return rule


def _share(text: str) -> float | str | None:
    try:
        return float(text) / 100 if text else None
    except ValueError:
        return text


def form_of(content: Content) -> dict[str, list[str]]:
    """What the form shows of a campaign."""
    shown: dict[str, list[str]] = {
        name: [str(getattr(content, name))]
        for name in ("title", "department", "theme", "kind", "compensation", "certificate", "imprint")
    }
    shown["partners"] = ["\n".join(content.partners)]
    shown["links"] = ["\n".join(content.links)]
    shown["schemes"] = list(content.schemes)
    shown |= {f"channel_{place}": [one] for place, one in enumerate(content.order, start=1)}
    languages = dict.fromkeys(language for _, language, _, _ in content.each())
    own = dict.fromkeys(one for one in content.disclosure if one != "*")
    shown["languages"] = list(languages | own | dict.fromkeys(content.posts)) or ["hi"]
    for language in shown["languages"]:
        words = content.disclosure.get(language) or content.disclosure.get("*", "")
        shown[f"disclosure.{language}"] = [words]
    shown |= form_of_messages(content.messages)
    shown |= {name: [text] for name, text in told_of_posts(content).items()}
    shown |= form_of_media(content.media, shown["languages"])
    rule = content.audience
    for name in ("areas", "themes", "platforms", "languages", "professions"):
        shown[f"audience.{name}"] = list(getattr(rule, name))
    shown["audience.gender"] = [rule.gender]
    shown["audience.min_followers"] = [str(rule.min_followers or "")]
    shown["audience.turnout_election"] = [rule.turnout_election]
    for name, value in (("turnout_below", rule.below), ("lowest_share", rule.lowest_share)):
        shown[f"audience.{name}"] = [f"{value * 100:g}" if value else ""]
    shown["expires_at"] = [local(content.expires_at)]
    quiet = content.quiet_hours
    shown["quiet"] = ["" if quiet is None else "own" if quiet.hours else "none"]
    shown["quiet_from"] = [quiet.begins if quiet else "21:00"]
    shown["quiet_until"] = [quiet.until if quiet else "08:00"]
    return shown


def form_of_messages(messages: Mapping[m.Channel, Mapping[str, m.Message]]) -> dict[str, list[str]]:
    """What the form shows of messages."""
    shown: dict[str, list[str]] = {}
    for channel, by_language in messages.items():
        for language, message in by_language.items():
            where = f"messages.{channel}.{language}"
            for name in m.FIELDS[channel] - {"params"}:
                shown[f"{where}.{name}"] = [str(getattr(message, name))]
            shown |= {f"{where}.params.{n}": [param] for n, param in enumerate(message.params)}
    return shown


def local(at: datetime | None) -> str:
    """A time by India's clock, as a browser's field takes it."""
    return f"{at.astimezone(IST):%Y-%m-%dT%H:%M}" if at else ""


def matching(
    messages: Mapping[m.Channel, Mapping[str, m.Message]], registered: Mapping[str, Sequence[m.Template]]
) -> Templates:
    """Of all registered templates those that these messages name."""
    found: dict[tuple[str, str, str], m.Template] = {
        ("sms", one.template_id, one.language): one for one in registered.get("sms", ())
    }
    for language, message in messages.get("whatsapp", {}).items():
        named = [one for one in registered.get("whatsapp", ()) if one.name == message.template]
        if template := fitting(named, language, message.template_language):
            found["whatsapp", message.template, language] = template
    return found


@dataclass(frozen=True)
class Preview:
    """A message as a person gets it. `letters`: how many a reader counts; `size`: what the platform counts,
    of at most `longest`; `parts`: of an SMS."""

    channel: str
    language: str
    text: str
    subject: str = ""
    marked_up: str = ""
    reply: str = ""
    letters: int = 0
    size: int = 0
    longest: int = 0
    parts: int = 0
    alphabet: str = ""


def previews(
    content: Content, templates: Templates, organisation: str, unsubscribe_url: str
) -> list[Preview]:
    """Each message, rendered by what renders it for the sender, for a sample person."""

    def of(channel: m.Channel, language: str) -> Preview:
        name = SAMPLE_NAMES.get(language, SAMPLE_NAMES["en"])
        out = content.render(
            channel, language, name=name, organisation=organisation, unsubscribe_url=unsubscribe_url
        )
        text = out.text
        if channel == "whatsapp":
            text = _filled(templates.get((channel, out.template, language)), out.params)
        waiting = content.full_text(channel, language, name=name, organisation=organisation)
        parts, alphabet = dlt.segments(text) if channel == "sms" else (0, "")
        return Preview(
            channel,
            language,
            text,
            subject=out.subject,
            marked_up=out.html,
            reply=waiting.text if waiting else "",
            letters=graphemes(text),
            size=len(text.encode("utf-16-le")) // 2,
            longest=m.LONGEST.get(channel, 0),
            parts=parts,
            alphabet=alphabet,
        )

    return [
        of(channel, language) for channel in content.order for language in content.messages.get(channel, {})
    ]


def previews_of_posts(content: Content, organisation: str) -> list[Preview]:
    """Each post as a creator copies it, `channel` being its platform, in the form's order."""
    found = []
    for language, by_platform in content.posts.items():
        for platform in get_args(PostPlatform):
            if platform in by_platform:
                text = content.post_text(language, platform, organisation)
                size, longest = weight_of(text, platform), LONGEST_POST[platform]
                found.append(
                    Preview(platform, language, text, letters=graphemes(text), size=size, longest=longest)
                )
    return found


def _filled(template: m.Template | None, params: Sequence[str]) -> str:
    """The template's words; what of it is not known or not filled stays to be seen."""
    if template is None:
        return "\n".join(params)
    body = template.body
    for n, param in enumerate(params, start=1):
        body = body.replace(f"{{{{{n}}}}}", param)
    return body


# --- what is different --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """What one field said before and says now, in pieces."""

    field: str
    pieces: list[Piece]


Names = Mapping[str, Mapping[str, str]]
"""What the values of a field are called: `{"department": {"health": "Health"}}`."""


def told(content: Content, names: Names) -> dict[str, str]:
    """Everything of a campaign that a person decides on, as text, by field; what is left open is empty."""

    def said(field: str, *values: str) -> str:
        return "\n".join(names.get(field, {}).get(one, one) for one in values)

    rule = content.audience
    return {
        "title": content.title,
        "department": said("department", content.department),
        "partners": said("partners", *content.partners),
        "theme": said("theme", content.theme),
        "schemes": said("schemes", *content.schemes),
        "kind": said("kind", content.kind),
        "compensation": said("compensation", content.compensation),
        "certificate": content.certificate,
        "imprint": content.imprint,
        "links": said("links", *content.links),
        "channels": " › ".join(said("channels", one) for one in content.order),
        "expires_at": moment(content.expires_at) if content.expires_at else "",
        "quiet": _hours(content, names),
        **{f"disclosure.{language}": words for language, words in content.disclosure.items()},
        **told_of_messages(content.messages),
        **told_of_posts(content),
        "media": media_told(content.media, names.get("platforms", {})),
        "audience.areas": said("areas", *rule.areas),
        "audience.themes": said("theme", *rule.themes),
        "audience.platforms": said("platforms", *rule.platforms),
        "audience.languages": said("languages", *rule.languages),
        "audience.professions": said("professions", *rule.professions),
        "audience.gender": said("gender", rule.gender),
        "audience.min_followers": grouped(rule.min_followers) if rule.min_followers else "",
        "audience.turnout_below": f"{rule.below * 100:g} %" if rule.below else "",
        "audience.lowest_share": f"{rule.lowest_share * 100:g} %" if rule.lowest_share else "",
        "audience.turnout_election": rule.turnout_election,
    }


def told_of_messages(messages: Mapping[m.Channel, Mapping[str, m.Message]]) -> dict[str, str]:
    """What the messages hold, by field."""
    found: dict[str, str] = {}
    for channel, by_language in messages.items():
        for language, message in by_language.items():
            where = f"messages.{channel}.{language}"
            for name in sorted(m.FIELDS[channel] - {"params"}):
                found[f"{where}.{name}"] = str(getattr(message, name))
            found[f"{where}.params"] = "\n".join(message.params)
    return found


def told_of_posts(content: Content) -> dict[str, str]:
    """What creators may publish, by field."""
    return {
        f"posts.{language}.{platform}": text
        for language, by_platform in content.posts.items()
        for platform, text in by_platform.items()
    }


def _hours(content: Content, names: Names) -> str:
    quiet = content.quiet_hours
    if quiet is None or quiet.hours:
        return f"{quiet.begins}–{quiet.until}" if quiet else ""
    return names.get("quiet", {}).get("none", "none")


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """The fields that say something else, word by word; in the order in which they stand."""
    names = dict.fromkeys((*after, *before))
    return [
        Difference(name, list(pieces(before.get(name, ""), after.get(name, ""))))
        for name in names
        if before.get(name, "") != after.get(name, "")
    ]


# --- errors beside their fields -----------------------------------------------------------------------------


def beside(
    errors: Iterable[FieldError], there: Callable[[str], bool], say: Callable[[FieldError], str]
) -> dict[str, str]:
    """Each error's sentence under the name of the field beside which it stands: its own, else the nearest one
    above it that the form has (`there`), else its own all the same."""
    found: dict[str, str] = {}
    for error in errors:
        name, sentence = nearest(error.field, there) or error.field, say(error)
        if sentence not in found.get(name, ""):
            found[name] = f"{found[name]} {sentence}" if name in found else sentence
    return found


def nearest(name: str, there: Callable[[str], bool]) -> str:
    """The field itself, or the nearest one above it that the form has; empty if it has none."""
    while name and not there(name):
        name = name.rpartition(".")[0]
    return name


def words_before(body: str, place: int) -> str:
    """The last words before `{{place}}` in the body of a template of WhatsApp; empty if it has none such."""
    before, found, _ = body.partition(f"{{{{{place}}}}}")
    return (
        " ".join(re.split(r"\{\{\d+\}\}", before)[-1].strip(" ,;.।").split()[-WORDS_BEFORE:]) if found else ""
    )
