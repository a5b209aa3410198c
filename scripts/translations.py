"""Catalogues of translations: finds every sentence that people may see, keeps .po and .mo in step with them.

python -m scripts.translations     writes janjan.po and janjan.mo of every language, names what is missing

A new language is a new folder beside `hi`: `mkdir -p chalicelib/pages/locale/ta/LC_MESSAGES`, run this, fill
msgstr, run it again. It is meant for what the public and creators see (`PUBLIC`); what it lacks is shown in
English. In the templates a sentence stands in `_("…")`; in Python it is an argument of `mark`, or
any argument, dictionary value or assigned constant that reads like a sentence.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from chalicelib.i18n import COMPLETE

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "chalicelib"
LOCALE = CODE / "pages" / "locale"
TEMPLATES = CODE / "pages" / "templates"
SENTENCE = re.compile(r"[A-Z].* .*(?:[.?!]|\)s)", re.DOTALL)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""No date of writing: the same sentences give the same bytes."""
PUBLIC = (
    *("about_*", "base", "confirm", "done", "error", "fields", "landing", "letter", "me", "me_*", "reached"),
    *(
        "resume",
        "schemes",
        "signin",
        "signup",
        "signup_*",
        "transparency",
        "unsubscribe",
        "verify",
        "voice",
        "voice_*",
    ),
)
"""Templates of the public's and creators' pages."""
PUBLIC_CODE = (
    *("ambassadors/printed.py", "ambassadors/routes.py", "pages/paper.py"),
    *("errors.py", "handles.py", "http.py", "metrics/service.py", "names.py", "phones.py", "proving.py"),
    *("influencers/erasing.py", "influencers/exporting.py", "influencers/forms.py", "influencers/me.py"),
    "influencers/mine.py",
    *("influencers/model.py", "influencers/myself.py", "influencers/wishes.py"),
    *("influencers/proofs.py", "influencers/resuming.py", "influencers/routes.py", "influencers/service.py"),
    *("campaigns/showing.py", "departments/words.py", "policies/routes.py", "voices/words.py"),
)
"""Whose sentences those pages show."""
NOT_FOR_PEOPLE = {
    "ValueError",
    "TypeError",
    "KeyError",
    "RuntimeError",
    "LookupError",
    "debug",
    "info",
    "warning",
}


def wanted() -> list[str]:
    """Every sentence that people may see."""
    return _found(CODE.rglob("*.py"), TEMPLATES.glob("*.html"))


def public() -> list[str]:
    """Those that the public and creators may see."""
    templates = [path for name in PUBLIC for path in TEMPLATES.glob(f"{name}.html")]
    return _found((CODE / name for name in PUBLIC_CODE), templates)


def _found(modules: Iterable[Path], templates: Iterable[Path]) -> list[str]:
    found: set[str] = set()
    for path in modules:
        found.update(_in_python(ast.parse(path.read_text(encoding="utf-8"))))
    for path in templates:
        with path.open("rb") as file:
            options = {"trim_blocks": "true", "newstyle_gettext": "true"}
            for _, _, sentence, _ in babel_extract(file, ("_",), (), options):
                found.add(sentence[0] if isinstance(sentence, tuple) else str(sentence))
    return sorted(found)


def _in_python(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            if name == "mark":
                yield from (text for text in map(_text, given) if text)
            elif name not in NOT_FOR_PEOPLE:
                yield from filter(SENTENCE.fullmatch, map(_text, given))
        elif isinstance(node, ast.Dict):
            yield from filter(SENTENCE.fullmatch, map(_text, node.values))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield from filter(SENTENCE.fullmatch, [_text(node.value)])


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def stored(language: str) -> Catalog:
    """The catalogue as its .po file has it; empty for a new language."""
    path = po_of(language)
    with path.open("rb") if path.exists() else io.BytesIO() as file:
        return read_po(file, locale=language)


def catalogue(language: str) -> Catalog:
    """The language's catalogue: what is translated already, and all that is wanted now."""
    kept = stored(language)
    made = Catalog(
        locale=language,
        project="JanJan",
        version="1",
        header_comment="# Translations of JanJan. By scripts/translations.py; people write msgstr only.",
        msgid_bugs_address="",
        last_translator="JanJan",
        language_team=language,
        creation_date=EPOCH,
        revision_date=EPOCH,
        fuzzy=False,
    )
    for sentence in wanted():
        known = kept.get(sentence)
        made.add(sentence, str(known.string) if known else "")
    return made


def po_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "janjan.po"


def missing(made: Catalog) -> list[str]:
    """Sentences that lack a translation which the language must have. English needs none: the sentences are
    written in it."""
    language = str(made.locale)
    if language == "en":
        return []
    lacking = [str(m.id) for m in made if m.id and not m.string]
    if language in COMPLETE:
        return lacking
    needed = set(public())
    return [sentence for sentence in lacking if sentence in needed]


def po_text(made: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, made, width=110, include_lineno=False, sort_output=True)
    return out.getvalue()


def mo_bytes(made: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, made)
    return out.getvalue()


def main() -> int:
    """Writes all catalogues; 1 if a complete language lacks something."""
    lacking = 0
    for folder in sorted(path for path in LOCALE.iterdir() if path.is_dir()):
        made = catalogue(folder.name)
        po_of(folder.name).write_bytes(po_text(made))
        po_of(folder.name).with_suffix(".mo").write_bytes(mo_bytes(made))
        for sentence in missing(made):
            lacking += folder.name in COMPLETE
            print(f"{folder.name}: {sentence}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
