"""Strings that look like posts, and strings that look for trouble."""

from hypothesis import strategies as st

PIECES = [
    "@maren", "＠maren", "@maren/list", "#tag", "＃タグ", "#1", "$TIDE", "$TIDE.A", "RT@",
    "://", "http://", "https://",
    "example.com", "t.co", "http://t.co/abc", "http://例え.みんな",
    "example.co.jp/path_(a)?q=1#f", "xn--", ".com",
    "foo_bar.com", "。", "日本語", "Русские.рф", "é", "e\u0301", "\ufb2c",
    "\u1112\u1161\u11ab", "😀", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪",
    "1\ufe0f\u20e3", "\ufe0f", "\u200d", "\u202e", "\u2066", "\ufeff", "\ufffe", "\ud800", "\x00",
    " ", "\n", "\u3000",
    "(", ")", "/", "?", "&", "<b>", "&amp;", "\"", "'", "-", "_", ".", ",", ":", "@", "#", "$",
    "a", "Z9",
]  # fmt: skip
# Half of them are put together from what means something, so that meaning is met.
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
