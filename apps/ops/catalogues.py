"""Catalogues of the site's words: what is marked for translation, and what was made of it.

Words are marked in Python (`gettext` and its kin), in templates (`{% translate %}`) and in scripts
(`t("…")`, `tn("…", "…", n)`). No gettext programs are needed: Babel reads and writes the files. Of
each language there is `translations/<language>/LC_MESSAGES/django.po`, which people edit, and what
is made of it: `django.mo` for the server and `static/js/words.<language>.js` for the browser. All
are committed, so a machine that runs the site compiles nothing.
"""

import functools
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from apps.infra.conf import BASE_DIR

ROOT = BASE_DIR / "translations"
SCRIPTS = BASE_DIR / "static" / "js"
LEFT_OUT = re.compile(r"\.min\.js$|/words\.\w+\.js$|/docs\.js$|/migrations/")
PYTHON_WORDS: dict[str, Any] = {
    "gettext": None, "gettext_lazy": None, "gettext_noop": None, "_": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
SCRIPT_WORDS: dict[str, Any] = {"t": None, "tn": (1, 2)}
# As CLDR names the forms, in the order of the catalogue's.
FORMS = {"de": ("one", "other"), "ar": ("zero", "one", "two", "few", "many", "other")}
# Django's own for Arabic; Babel numbers two of the forms the other way round.
PLURALS = {
    "ar": "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 :"
    " n%100>=11 && n%100<=99 ? 4 : 5;",
}
# A file changes when its words do, not with the day.
DAY = datetime(2026, 1, 1, tzinfo=UTC)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|</?\w+[^>]*>")
Found = tuple[str, str | tuple[str, ...], str | None]


def languages() -> list[str]:
    """Those into which English is translated."""
    return [code for code, _name in settings.LANGUAGES if code != "en"]


def po_path(language: str) -> Path:
    """The file that people edit."""
    return ROOT / language / "LC_MESSAGES" / "django.po"


@functools.cache
def marked() -> Catalog:
    """Everything that is marked, with the files where it stands; looked for once."""
    catalog = Catalog(project="TwitterLite", charset="utf-8", fuzzy=False)
    for place, words, context in _found():
        # Without a line: a file changes when its words do.
        catalog.add(words, locations=[(place, 0)], context=context)
    return catalog


def _found() -> Iterator[Found]:
    for path in sorted(_sources()):
        place = path.relative_to(BASE_DIR).as_posix()
        if path.suffix == ".py":
            code, kind, words = path.read_bytes(), "python", PYTHON_WORDS
        elif path.suffix == ".js":
            code, kind, words = path.read_bytes(), "javascript", SCRIPT_WORDS
        else:
            # In brackets, the indentation of what templatize makes means nothing.
            code = b"(" + templatize(path.read_text(), origin=place).encode() + b")"
            kind, words = "python", PYTHON_WORDS
        for _line, text, _comments, context in extract(
            kind, io.BytesIO(code), keywords=words, options={"encoding": "utf-8"}
        ):
            if text:
                yield place, text, context


def _sources() -> Iterator[Path]:
    for folder, ending in (
        ("apps", "py"), ("twitterlite", "py"), ("templates", "html"), ("templates", "txt"),
        ("static/js", "js"),
    ):  # fmt: skip
        for path in (BASE_DIR / folder).rglob(f"*.{ending}"):
            if not LEFT_OUT.search(path.as_posix()) and path != Path(__file__):
                yield path


def catalogue(language: str) -> Catalog:
    """What was translated so far."""
    with po_path(language).open("rb") as file:
        catalog = read_po(file, locale=language)
    catalog.creation_date = catalog.revision_date = DAY
    return catalog


def renewed(language: str) -> Catalog:
    """The catalogue with exactly what is marked now; new words are empty, old ones go."""
    old, new = (
        catalogue(language),
        Catalog(locale=language, project="TwitterLite", charset="utf-8", fuzzy=False),
    )
    for message in marked():
        if not message.id:
            continue
        kept = old.get(message.id, message.context)
        new.add(
            message.id,
            kept.string if kept is not None and _same_shape(kept, message) else None,
            locations=message.locations,
            context=message.context,
        )
    return new


def _same_shape(one: Message, other: Message) -> bool:
    return isinstance(one.id, str) is isinstance(other.id, str)


def faults(language: str) -> list[str]:
    """What is wrong with a language, one line each: words that are marked and missing or no longer
    marked, and placeholders that are not those of the English words."""
    has, wants = catalogue(language), marked()
    found = [f"not translated: {one.id!r}" for one in wants if one.id and not _is_done(has, one)]
    for message in has:
        if not message.id:
            continue
        if wants.get(message.id, message.context) is None:
            found.append(f"marked nowhere: {message.id!r}")
        found += _wrong_placeholders(message)
    return found


def _is_done(catalog: Catalog, wanted: Message) -> bool:
    message = catalog.get(wanted.id, wanted.context)
    if message is None or not message.string or not _same_shape(message, wanted):
        return False
    return isinstance(message.string, str) or all(message.string)


def _wrong_placeholders(message: Message) -> Iterator[str]:
    """Of a plural, forms for exactly none, one and two may do without the number."""
    allowed = [set(PLACEHOLDER.findall(one)) for one in _forms(message.id)]
    needed = allowed[-1]
    forms = _forms(message.string)
    for place, form in enumerate(forms):
        has = set(PLACEHOLDER.findall(form))
        may_leave_out = len(forms) > 1 and place < len(forms) - 1
        if form and (has - needed or (needed - has and not may_leave_out)):
            yield f"placeholders of {message.id!r}: {sorted(has ^ needed)}"


def _forms(words: str | list[str] | tuple[str, ...] | None) -> list[str]:
    return [words] if isinstance(words, str) else list(words or ())


def compiled(language: str) -> dict[Path, bytes]:
    """What is made of a catalogue: file and content."""
    catalog, binary = catalogue(language), io.BytesIO()
    write_mo(binary, catalog)
    return {
        po_path(language).with_suffix(".mo"): binary.getvalue(),
        SCRIPTS / f"words.{language}.js": _script(language, catalog).encode(),
    }


def _script(language: str, catalog: Catalog) -> str:
    """The words of the scripts, by the English ones; of a plural, the forms by their names."""
    words: dict[str, Any] = {}
    for message in sorted(catalog, key=lambda one: str(one.id)):
        if not any(place.startswith("static/") for place, _line in message.locations):
            continue
        if isinstance(message.id, str):
            words[message.id] = message.string
        else:
            words[message.id[0]] = dict(zip(FORMS[language], _forms(message.string), strict=True))
    return f"window.WORDS = {json.dumps(words, ensure_ascii=False, indent=0, sort_keys=True)};\n"


def renew() -> list[str]:
    """Bring all files up to date; what is still wrong."""
    wrong = []
    for language in languages():
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(_written(Catalog(locale=language)))
        path.write_bytes(_written(renewed(language)))
        for file, content in compiled(language).items():
            file.write_bytes(content)
        wrong += [f"{language}: {one}" for one in faults(language)]
    return wrong


def _written(catalog: Catalog) -> bytes:
    catalog.header_comment = f"# TwitterLite: {catalog.locale_identifier}."
    file = io.BytesIO()
    write_po(file, catalog, width=100, no_location=False, omit_header=True, include_lineno=False,
             sort_output=True)  # fmt: skip
    return _head(catalog).encode() + file.getvalue()


def _head(catalog: Catalog) -> str:
    plurals = PLURALS.get(str(catalog.locale_identifier), catalog.plural_forms)
    return (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Language: {catalog.locale_identifier}\\n"\n"Plural-Forms: {plurals}\\n"\n\n'
    )
