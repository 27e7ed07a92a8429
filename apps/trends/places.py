"""Places of the API by their WOEID: the world, and countries by the language of most posts there.

Posts have no place here, so what trends in a country is what trends in its language.
"""

from apps.trends.schemas import EVERYWHERE

_COUNTRIES = {
    "ar": (23424740, 23424753, 23424802, 23424855, 23424860, 23424870, 23424873, 23424893,
           23424898, 23424930, 23424938, 23424967, 23424738),
    "de": (23424829, 23424750, 23424957),
    "el": (23424833,),
    "en": (23424977, 23424975, 23424775, 23424748, 23424916, 23424803, 23424942, 23424908,
           23424824, 23424863, 23424934, 23424948),
    "es": (23424950, 23424900, 23424747, 23424782, 23424787, 23424919, 23424982, 23424801,
           23424834, 23424800),
    "fr": (23424819, 23424757),
    "he": (23424852,),
    "hi": (23424848,),
    "it": (23424853,),
    "ja": (23424856,),
    "ko": (23424868,),
    "nl": (23424909,),
    "pt": (23424768, 23424925),
    "ru": (23424936, 23424765),
    "th": (23424960,),
    "tr": (23424969,),
    "uk": (23424976,),
}  # fmt: skip
# WOEID -> language of the list.
LANGUAGES = {1: EVERYWHERE} | {
    woeid: language for language, woeids in _COUNTRIES.items() for woeid in woeids
}
