"""The console's room of schemes: what a department offers people, how it fares, and answers to what people
believe of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, get_args

from chalice.app import Response
from pydantic import BaseModel, ValidationError

from chalicelib import wiring
from chalicelib.departments.changes import ChangedMeanwhile
from chalicelib.departments.model import bound_to
from chalicelib.departments.scheme import Card, CardBody, ProgressBody, Scheme, SchemeBody, Validity
from chalicelib.departments.schemes import READ_CARDS, WRITE, WRITE_CARDS
from chalicelib.departments.words import VALIDITIES
from chalicelib.errors import Rejected
from chalicelib.http import LONGEST_NAME, Api, Request, invalid, next_cursor, read_cursor, redirect
from chalicelib.i18n import COMPLETE, RIGHT_TO_LEFT, translate
from chalicelib.ids import new_token
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, labels, whole
from chalicelib.pages.frame import named
from chalicelib.pages.meanwhile import Meanwhile, differences, meanwhile
from chalicelib.pages.shell import ENDONYMS, mark

api = Api("scheme_desk")
ROOM, CARDS = "/console/schemes", "/console/schemes/cards"
A_PAGE = 25
TOLD, ANSWERS = 10, 50
"""How many words on its progress, and cards, the page of a scheme shows."""
CHOICES = 100
"""Schemes that a list offers."""
COLOURS: dict[str, str] = {"current": "", "to_come": "wait", "ended": "bad"}
SAID = {
    "added": mark("The scheme is on the register. Tell next how it gets on."),
    "changed": mark("The scheme is changed."),
    "told": mark("It is noted how the scheme gets on."),
    "ended": mark("The scheme's last day is noted."),
    "card_added": mark("The answer is there: it goes with the campaigns of its scheme or theme."),
    "card_changed": mark("The answer is changed."),
    "card_removed": mark("The answer is taken out."),
}
SCHEME = {"name": mark("Name"), "who": mark("Who benefits"), "how": mark("How one gets it")}
CARD = {"myth": mark("What people say"), "answer": mark("What is true")}
NEWS = {"text": mark("What is new")}
FIELDS = {
    "department": mark("Department"),
    "theme": mark("Theme"),
    "link": mark("Link to the official page"),
    "valid_from": mark("First day"),
    "valid_until": mark("Last day"),
    "as_of": mark("On which day it was so"),
    "source": mark("Where it is written"),
    "scheme": mark("Scheme"),
    "texts": mark("Words in at least one language"),
}
Texts = Mapping[str, Mapping[str, str]]


# --- schemes


@api.page("GET", ROOM, allow=READ_CARDS, summary="Schemes: what they offer, how new the last word on each is")
def schemes(request: Request) -> Response:
    who, lang = request.principal, request.lang
    asked = Form({name: [value] for name, value in request.query.items()})
    states = [*labels(VALIDITIES, lang), ("stale", translate(lang, mark("Nothing new for 90 days")))]
    state = asked.one("state")
    found, place = wiring.schemes().listed(
        department=asked.one("department"),
        theme=asked.one("theme"),
        validity=next((one for one in get_args(Validity) if one == state), None),
        stale=state == "stale",
        limit=A_PAGE,
        after=read_cursor(request),
        who=who,
        words=asked.one("q"),
    )
    return console.page(
        request,
        "console_schemes.html",
        "schemes",
        rows=[_row(one, lang) for one in found],
        more=next_cursor(request, place),
        form=asked,
        states=states,
        departments=_departments(request, READ_CARDS),
        themes=_themes(lang),
    )


@api.page("GET", f"{ROOM}/new", allow=WRITE, summary="Put a scheme on the register")
def new_scheme(request: Request) -> Response:
    start = {"department": [_only(request, WRITE)], "languages": COMPLETE, "once": [new_token()]}
    return _scheme_form(request, None, Form(start))


@api.page("POST", f"{ROOM}/new", allow=WRITE, summary="Keep a new scheme")
def add_scheme(request: Request) -> Response:
    """A second click leads to what the first one has made."""
    form = Form(request.form())
    if form.one("do") == "language":
        return _scheme_form(request, None, _with_language(form))
    try:
        body = SchemeBody.model_validate(_scheme_fields(form))
        made = wiring.schemes().add(request.principal, body, form.one("once"))
    except (ValidationError, Rejected) as error:
        return _scheme_form(request, None, form, _refused(error))
    return redirect(console.link(request, f"{ROOM}/{made.id}", said="added"))


@api.page("GET", f"{ROOM}/{{scheme}}", allow=READ_CARDS, summary="A scheme, its progress and its answers")
def scheme(request: Request, scheme: str) -> Response:
    return _scheme(request, scheme)


@api.page("POST", f"{ROOM}/{{scheme}}", allow=WRITE, summary="Tell how it gets on, or when it is over")
def tell(request: Request, scheme: str) -> Response:
    """A second click on the same form tells nothing anew."""

    def act(form: Form) -> str:
        service, who = wiring.schemes(), request.principal
        if form.one("do") == "end":
            fields = {"valid_until": form.one("valid_until").strip() or None}
            service.change(who, scheme, fields, whole(form.one("rev")) or 0)
            return "ended"
        given = {name: form.one(name).strip() for name in ("as_of", "source")}
        body = ProgressBody.model_validate(given | {"texts": _texts(form, NEWS)})
        service.told(who, scheme, body, form.one("once"))
        return "told"

    again = partial(_scheme, request, scheme)
    return console.act(request, act, again, f"{ROOM}/{scheme}", of_one=True)


@api.page("GET", f"{ROOM}/{{scheme}}/text", allow=WRITE, summary="A scheme's words, to be changed")
def scheme_text(request: Request, scheme: str) -> Response:
    seen = wiring.schemes().seen(request.principal, scheme)
    return _scheme_form(request, seen, _typed_scheme(seen))


@api.page("POST", f"{ROOM}/{{scheme}}/text", allow=WRITE, summary="Change a scheme")
def change_scheme(request: Request, scheme: str) -> Response:
    form, who = Form(request.form()), request.principal
    seen = wiring.schemes().seen(who, scheme)
    if form.one("do") == "language":
        return _scheme_form(request, seen, _with_language(form))
    try:
        fields = dict(SchemeBody.model_validate(_scheme_fields(form)))
        wiring.schemes().change(who, scheme, fields, whole(form.one("rev")) or 0)
    except (ValidationError, Rejected) as error:
        return _scheme_form(request, seen, form, _refused(error))
    return redirect(console.link(request, f"{ROOM}/{scheme}", said="changed"))


def _row(one: Scheme, lang: str) -> dict[str, Any]:
    today = wiring.clock().today_ist()
    validity = one.validity(today)
    return {
        "id": one.id,
        "rev": one.rev,
        "name": named(one.names, lang),
        "department_id": one.department,
        "department": named(wiring.shown_departments().get(one.department, {}), lang) or one.department,
        "theme": named(wiring.shown_themes().get(one.theme, {}), lang) or one.theme,
        "link": one.link,
        "state": VALIDITIES[validity],
        "colour": COLOURS[validity],
        "from": day(one.valid_from) if one.valid_from else "",
        "until": day(one.valid_until) if one.valid_until else "",
        "told": day(one.progress_on) if one.progress_on else "",
        "age": one.age_days(today),
        "stale": one.stale(today),
        "over": validity == "ended",
        "languages": [ENDONYMS.get(code, code) for code in _ordered(one.texts, lang)],
        "changed": moment(one.updated_at),
    }


def _scheme(
    request: Request, scheme: str, form: Form | None = None, error: Rejected | None = None
) -> Response:
    who, lang, service = request.principal, request.lang, wiring.schemes()
    one = service.seen(who, scheme)
    told, cards = console.together(
        lambda: service.newest(one, TOLD), lambda: wiring.cards().of_scheme(one, ANSWERS)
    )
    ending = form is not None and form.one("do") == "end"
    today = wiring.clock().today_ist()
    last = (one.valid_until or today).isoformat()
    blank = {"as_of": [today.isoformat()], "valid_until": [last], "once": [new_token()]}
    form = Form({**blank, **(form.values if form else {})})
    languages = _ordered({*COMPLETE, *one.texts}, lang)
    return console.page(
        request,
        "console_scheme.html",
        "schemes",
        status=error.status if error else 200,
        said=SAID,
        one=_row(one, lang),
        texts=_shown(one.texts, lang),
        told_words=[(day(each.as_of), each.source, _shown(each.texts, lang)) for each in told],
        cards=[_card_row(card, lang) for card in cards],
        writes=who.covers_department(one.department, WRITE),
        writes_cards=who.covers_department(one.department, WRITE_CARDS),
        blocks=_blocks(languages, NEWS, lang),
        form=form,
        ending=ending,
        **console.refusal(error, lang, _field_names(languages, NEWS, lang)),
    )


def _typed_scheme(seen: Scheme) -> Form:
    return Form(
        {
            "department": [seen.department],
            "theme": [seen.theme],
            "link": [seen.link],
            "valid_from": [seen.valid_from.isoformat() if seen.valid_from else ""],
            "valid_until": [seen.valid_until.isoformat() if seen.valid_until else ""],
            "rev": [str(seen.rev)],
            **_typed_texts(seen.texts),
        }
    )


def _scheme_fields(form: Form) -> dict[str, Any]:
    fields: dict[str, Any] = {name: form.one(name).strip() for name in ("department", "theme", "link")}
    fields |= {name: form.one(name).strip() or None for name in ("valid_from", "valid_until")}
    return fields | {"texts": _texts(form, SCHEME)}


def _scheme_form(
    request: Request, seen: Scheme | None, form: Form, error: Rejected | None = None
) -> Response:
    last: Meanwhile | None = None
    if seen is not None and isinstance(error, ChangedMeanwhile):
        seen = wiring.schemes().seen(request.principal, seen.id)
        theirs = _typed_scheme(seen)
        last = _meanwhile(request, f"scheme#{seen.id}", theirs, form, SCHEME)
        form = _taken_over(theirs, form)
    return _writing(
        request,
        "console_scheme_write.html",
        form,
        error,
        SCHEME,
        action=f"{ROOM}/{seen.id}/text" if seen else f"{ROOM}/new",
        id=seen.id if seen else "",
        name=named(seen.names, request.lang) if seen else "",
        meanwhile=last,
        departments=_departments(request, WRITE),
    )


# --- cards


@api.page("GET", CARDS, allow=READ_CARDS, summary="Answers to what people believe")
def cards(request: Request) -> Response:
    who, lang = request.principal, request.lang
    asked = Form({name: [value] for name, value in request.query.items()})
    place_asked = read_cursor(request)
    (found, place), offered = console.together(
        lambda: wiring.cards().listed(
            who,
            campaign="",
            scheme=asked.one("scheme"),
            theme=asked.one("theme"),
            language=asked.one("language"),
            limit=A_PAGE,
            after=place_asked,
        ),
        partial(_schemes, request, asked.one("scheme")),
    )
    return console.page(
        request,
        "console_cards.html",
        "schemes",
        said=SAID,
        rows=[_card_row(one, lang, dict(offered)) for one in found],
        more=next_cursor(request, place),
        form=asked,
        schemes=offered,
        themes=_themes(lang),
        tongues=list(ENDONYMS.items()),
        writes={one for one, _ in _departments(request, WRITE_CARDS)},
    )


@api.page("GET", f"{CARDS}/new", allow=WRITE_CARDS, summary="Write an answer")
def new_card(request: Request) -> Response:
    asked, department = request.query.get("scheme", ""), request.query.get("department", "")
    start = {
        "department": [department or _only(request, WRITE_CARDS)],
        "scheme": [asked],
        "languages": COMPLETE,
        "once": [new_token()],
    }
    return _card_form(request, None, Form(start))


@api.page("POST", f"{CARDS}/new", allow=WRITE_CARDS, summary="Keep a new answer")
def add_card(request: Request) -> Response:
    """A second click keeps one."""
    form = Form(request.form())
    if form.one("do") == "language":
        return _card_form(request, None, _with_language(form))
    try:
        body = CardBody.model_validate(_card_fields(form))
        made = wiring.cards().write(request.principal, body, once=form.one("once"))
    except (ValidationError, Rejected) as error:
        return _card_form(request, None, form, _refused(error))
    return redirect(console.link(request, _beside(made), said="card_added"))


@api.page("GET", f"{CARDS}/{{card}}", allow=WRITE_CARDS, summary="An answer, to be changed")
def card(request: Request, card: str) -> Response:
    seen = wiring.cards().get(request.principal, card, WRITE_CARDS)
    return _card_form(request, seen, _typed_card(seen))


@api.page("POST", f"{CARDS}/{{card}}", allow=WRITE_CARDS, summary="Change an answer, or take it out")
def change_card(request: Request, card: str) -> Response:
    form, who, service = Form(request.form()), request.principal, wiring.cards()
    seen = service.get(who, card, WRITE_CARDS)
    if form.one("do") == "language":
        return _card_form(request, seen, _with_language(form))
    try:
        if form.one("do") == "remove":
            service.remove(who, card)
            return redirect(console.link(request, CARDS, said="card_removed"))
        body = CardBody.model_validate(_card_fields(form))
        made = service.write(who, body, card, whole(form.one("rev")) or 0)
    except (ValidationError, Rejected) as error:
        return _card_form(request, seen, form, _refused(error))
    return redirect(console.link(request, _beside(made), said="card_changed"))


def _beside(one: Card) -> str:
    """Where an answer is read among the others: at its scheme, where it has one."""
    return f"{ROOM}/{one.scheme}" if one.scheme else CARDS


def _card_row(one: Card, lang: str, schemes: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "id": one.id,
        "department": one.department,
        "texts": _shown(one.texts, lang),
        "source": one.source,
        "scheme": one.scheme,
        "scheme_name": (schemes or {}).get(one.scheme, ""),
        "theme": named(wiring.shown_themes().get(one.theme, {}), lang) or one.theme,
        "of": named(wiring.shown_departments().get(one.department, {}), lang) or one.department,
    }


def _typed_card(seen: Card) -> Form:
    own = {name: [str(getattr(seen, name))] for name in ("department", "scheme", "theme", "source", "rev")}
    return Form({**own, **_typed_texts(seen.texts)})


def _card_fields(form: Form) -> dict[str, Any]:
    fields = {name: form.one(name).strip() for name in ("department", "scheme", "theme", "source")}
    return fields | {"texts": _texts(form, CARD)}


def _card_form(request: Request, seen: Card | None, form: Form, error: Rejected | None = None) -> Response:
    last: Meanwhile | None = None
    if seen is not None and isinstance(error, ChangedMeanwhile):
        seen = wiring.cards().get(request.principal, seen.id, WRITE_CARDS)
        theirs = _typed_card(seen)
        last = _meanwhile(request, f"card#{seen.id}", theirs, form, CARD)
        form = _taken_over(theirs, form)
    return _writing(
        request,
        "console_card_write.html",
        form,
        error,
        CARD,
        action=f"{CARDS}/{seen.id if seen else 'new'}",
        id=seen.id if seen else "",
        meanwhile=last,
        departments=_departments(request, WRITE_CARDS),
        schemes=_schemes(request, form.one("scheme")),
    )


# --- words in several languages


def _writing(
    request: Request,
    template: str,
    form: Form,
    error: Rejected | None,
    parts: Mapping[str, str],
    **values: Any,  # noqa: ANN401 - what the template shows
) -> Response:
    lang, languages = request.lang, _ordered(_languages(form), request.lang)
    return console.page(
        request,
        template,
        "schemes",
        status=error.status if error else 200,
        form=form,
        themes=_themes(lang),
        blocks=_blocks(languages, parts, lang),
        further=[one for one in ENDONYMS.items() if one[0] not in languages],
        posted=request.method == "POST",
        **console.refusal(error, lang, _field_names(languages, parts, lang)),
        **values,
    )


def _refused(error: ValidationError | Rejected) -> Rejected:
    return invalid(error) if isinstance(error, ValidationError) else error


def _languages(form: Form) -> list[str]:
    """The languages of a form, ours first; what is none is left out."""
    return [one for one in dict.fromkeys((*COMPLETE, *form.all("languages"))) if one in ENDONYMS]


def _with_language(form: Form) -> Form:
    return Form({**form.values, "languages": [*form.all("languages"), form.one("further")]})


def _texts(form: Form, parts: Iterable[str]) -> dict[str, dict[str, str]]:
    """The words by language; a language in which nothing was written is none."""
    typed = {
        code: {part: form.one(f"texts.{code}.{part}").strip() for part in parts} for code in _languages(form)
    }
    return {code: words for code, words in typed.items() if any(words.values())}


def _typed_texts(texts: Mapping[str, BaseModel]) -> dict[str, list[str]]:
    """The same as the form shows them."""
    shown = {"languages": list(texts)}
    for code, words in texts.items():
        shown |= {f"texts.{code}.{part}": [str(said)] for part, said in words}
    return shown


def _field_names(languages: Sequence[str], parts: Mapping[str, str], lang: str) -> dict[str, str]:
    """What the fields of a form are called, those of each language by its name too."""
    return FIELDS | {
        f"texts.{code}.{part}": f"{translate(lang, label)} ({ENDONYMS[code]})"
        for code in languages
        for part, label in parts.items()
    }


def _blocks(languages: Sequence[str], parts: Mapping[str, str], lang: str) -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "name": ENDONYMS[code],
            "rtl": code in RIGHT_TO_LEFT,
            "fields": {part: (f"texts.{code}.{part}", label) for part, label in labels(parts, lang)},
        }
        for code in languages
    ]


def _ordered(texts: Iterable[str], lang: str) -> list[str]:
    return sorted(texts, key=lambda one: (one != lang, one not in COMPLETE, one))


def _shown(texts: Mapping[str, BaseModel], lang: str) -> list[dict[str, Any]]:
    """Words to be read, the reader's language first."""
    return [
        {"lang": code, "tongue": ENDONYMS.get(code, code), "rtl": code in RIGHT_TO_LEFT, **dict(texts[code])}
        for code in _ordered(texts, lang)
    ]


def _meanwhile(
    request: Request, subject: str, theirs: Form, mine: Form, parts: Mapping[str, str]
) -> Meanwhile:
    """What stands there now beside what was typed, field by field."""
    lang = request.lang
    names = _field_names(list(dict.fromkeys((*_languages(theirs), *_languages(mine)))), parts, lang)
    called: dict[str, dict[str, str]] = {
        "department": dict(_departments(request, READ_CARDS)),
        "theme": dict(_themes(lang)),
        "scheme": dict(_schemes(request, mine.one("scheme"))),
    }

    def told(form: Form) -> dict[str, str]:
        typed = {name: form.one(name).strip().replace("\r\n", "\n") for name in names}
        return {name: called.get(name, {}).get(said, said) for name, said in typed.items()}

    fields = differences(told(theirs), told(mine), names, lang)
    return meanwhile(wiring.audit(), wiring.users().names, subject, fields)


def _taken_over(theirs: Form, mine: Form) -> Form:
    """What was typed, now on top of what stands there; what only they have, such as a language, comes too."""
    languages = [*mine.all("languages"), *theirs.all("languages")]
    new = {name: values for name, values in theirs.values.items() if name not in mine.values}
    return Form({**new, **mine.values, "languages": languages, "rev": theirs.all("rev")})


# --- what may be chosen


def _departments(request: Request, action: str) -> list[tuple[str, str]]:
    """Those for which somebody may do this."""
    bound, lang = bound_to(request.principal, action), request.lang
    known = wiring.shown_departments()
    own = {one: names for one, names in known.items() if bound is None or one in bound}
    return sorted(((one, named(names, lang) or one) for one, names in own.items()), key=lambda one: one[1])


def _only(request: Request, action: str) -> str:
    """The department of whoever has but one."""
    own = _departments(request, action)
    return own[0][0] if len(own) == 1 else ""


def _themes(lang: str) -> list[tuple[str, str]]:
    return [(one, named(names, lang) or one) for one, names in wiring.shown_themes().items()]


def _schemes(request: Request, chosen: str) -> list[tuple[str, str]]:
    """Schemes that are not over, and the one that was chosen."""
    service, who, lang = wiring.schemes(), request.principal, request.lang
    today = wiring.clock().today_ist()
    found, _ = service.listed(
        department="", theme="", validity=None, stale=False, limit=CHOICES, after=None, who=who
    )
    offered = {one.id: named(one.names, lang) for one in found if one.validity(today) != "ended"}
    if 0 < len(chosen) <= LONGEST_NAME and chosen not in offered:
        offered |= {one.id: named(one.names, lang) for one in service.briefs([chosen]).values()}
    return list(offered.items())
