"""The row of a plain tweet, such as most are: words in ASCII, nothing attached, nothing quoted.

The same as by way of a document, for a fifth of the work; whoever is in doubt takes the other way.
"""

from apps.search.documents import SEPARATOR, Row
from apps.search.query import tokens
from apps.tweets.schemas import TweetOut
from apps.tweets.stored import Said

# A word and its place as a lexeme, and the places.
_PLACED = "{}:{}".format
_PLACES = range(1, tokens.MAX_POSITIONS + 1)


def plain_row_of(said: Said | TweetOut) -> Row | None:
    """What the index keeps of a plain tweet; None: it is not plain."""
    if said.retweet_of_id or said.quote_of_id or said.media_keys:
        return None
    words = tokens.plain_words(said.text)
    if words is None or len(words) > tokens.MAX_POSITIONS:
        return None
    row: Row = {
        "tweet_id": said.id,
        "author_id": said.author_id,
        "conversation_id": said.conversation_id,
        # Of a word that comes twice, PostgreSQL puts the places together.
        "tokens": " ".join(map(_PLACED, words, _PLACES)),
        "url_tokens": "",
        "marks": f"lang:{said.lang.lower()}",
    }
    if said.in_reply_to_id is not None:
        row["in_reply_to_id"] = said.in_reply_to_id
        row["in_reply_to_user_id"] = said.in_reply_to_user_id
        row["marks"] = f"is:reply{SEPARATOR}{row['marks']}"
    return row
