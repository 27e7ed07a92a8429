"""Which language a text is in, guessed from its script or its commonest words.

Good enough to sort what trends into lists, and for nothing else: of short or mixed texts it says
that it does not know.
"""

import re
from functools import cache

UNKNOWN = "und"
# Two of the commonest words, and more of them than of any other language.
MIN_WORDS = 2

_SCRIPTS = (
    ("ja", "\u3041-\u30ff"),
    ("ko", "\u1100-\u11ff\uac00-\ud7af"),
    ("zh", "\u3400-\u9fff"),
    ("ar", "\u0600-\u06ff\u0750-\u077f"),
    ("he", "\u0590-\u05ff"),
    ("uk", "ґєіїҐЄІЇ"),
    ("ru", "\u0400-\u04ff"),
    ("el", "\u0370-\u03ff"),
    ("th", "\u0e00-\u0e7f"),
    ("hi", "\u0900-\u097f"),
)
_COMMON = {
    "en": "the of and to in is you that it for was on are with this be have from my your at not"
    " but they what all we when can just will about out has who now our their been i'm it's",
    "de": "der die das und ist ich nicht es ein eine zu den dem mit auf für von im sich auch"
    " wie wir aber noch nach bei aus wenn nur war mal schon oder einen kein",
    "fr": "le les des et est une pas que qui dans pour sur avec je il vous nous ce cette mais"
    " plus au aux être fait c'est j'ai tout leur",
    "es": "el los las y es una que en por para con no se lo su pero como más muy este esta ya"
    " del al está todo son hay mi porque",
    "pt": "o os as e é uma que em por para com não se um mas como mais muito este esta já do da"
    " dos das no na ao está são foi eu você",
    "it": "il lo gli e è una che di in per con non si un ma come più questo questa della del dei"
    " al sono ho hai anche ci perché nel",
    "nl": "de het een en is van ik niet te dat die met op voor zijn er maar om ook aan bij nog"
    " naar dan wat je wordt geen",
    "tr": "ve bir bu da de için çok ne ama var yok ben sen gibi daha mi kadar olarak",
}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


@cache
def _languages_of() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for language, words in _COMMON.items():
        for word in words.split():
            found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


@cache
def _scripts() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(f"[{letters}]") for _, letters in _SCRIPTS)


def is_common(word: str) -> bool:
    """Whether a word in lower case is one of those that stand in every text of some language."""
    return word in _languages_of()


def language_of(text: str) -> str:
    """A two-letter code, or `und`."""
    if not text.isascii():
        for (language, _), script in zip(_SCRIPTS, _scripts(), strict=True):
            if script.search(text):
                return language
    votes: dict[str, int] = {}
    of_word = _languages_of()
    for word in _WORD.findall(text.lower()):
        for language in of_word.get(word, ()):
            votes[language] = votes.get(language, 0) + 1
    if not votes:
        return UNKNOWN
    best, *others = sorted(votes, key=lambda one: (-votes[one], one))
    is_clear = votes[best] >= MIN_WORDS and (not others or votes[others[0]] < votes[best])
    return best if is_clear else UNKNOWN
