"""Every word of the site is there in every language, with its placeholders, and compiled."""

import shutil
from gettext import GNUTranslations

import pytest

from apps.infra.conf import BASE_DIR
from apps.ops import catalogues

LANGUAGES = ["ar", "de"]


def test_these_are_the_languages():
    assert sorted(catalogues.languages()) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_is_marked_is_translated(language):
    assert catalogues.faults(language) == [], "run `make messages` and fill in what it names"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_was_written(language):
    stale = [
        path.relative_to(BASE_DIR).as_posix()
        for path, content in catalogues.compiled(language).items()
        if path.read_bytes() != content
    ]

    assert stale == [], "run `make messages`"


def test_arabic_has_its_six_forms():
    catalog = catalogues.catalogue("ar")
    plurals = [one for one in catalog if not isinstance(one.id, str)]

    assert plurals
    assert {len(one.string or ()) for one in plurals} == {6}
    # None, one, two, few, many, other: as gettext counts.
    with catalogues.po_path("ar").with_suffix(".mo").open("rb") as file:
        words = GNUTranslations(file)
    many = [words.ngettext("%(shown)s vote", "%(shown)s votes", n) for n in (0, 1, 2, 5, 11, 100)]
    assert len(set(many)) == 6
    assert [one.string for one in plurals if one.id[0] == "%(shown)s vote"] == [tuple(many)]


# ── The check itself ─────────────────────────────────────────────────────────


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A copy of the German catalogue to break: `broken(before, after)` gives the faults."""
    shutil.copytree(catalogues.ROOT, tmp_path / "translations")
    monkeypatch.setattr(catalogues, "ROOT", tmp_path / "translations")
    path = catalogues.po_path("de")

    def change(before, after):
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))
        return catalogues.faults("de")

    return change


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('msgstr "Anmelden"', 'msgstr ""', "not translated"),
        ('msgid "Log in"', 'msgid "Log out of here"', "marked nowhere"),
        ("%(name)s blockieren?", "%(who)s blockieren?", "placeholders"),
        ("%(name)s blockieren?", "Blockieren?", "placeholders"),
        ("%(n)d Sekunden noch", "einigen Sekunden noch", "placeholders"),
        ("<bdi>%(name)s</bdi> dein Konto", "%(name)s dein Konto", "placeholders"),
    ],
)
def test_the_check_finds(broken, before, after, fault):
    assert any(fault in one for one in broken(before, after))


def test_a_changed_text_makes_the_compiled_one_stale(broken):
    mo = catalogues.po_path("de").with_suffix(".mo")
    broken('msgstr "Anmelden"', 'msgstr "Einloggen"')

    assert catalogues.compiled("de")[mo] != mo.read_bytes()


def test_marks_are_found_in_python_templates_and_scripts():
    found = {one.id for one in catalogues.marked() if isinstance(one.id, str)}

    assert {"Changes saved.", "Skip to the content", "Link copied."} <= found
