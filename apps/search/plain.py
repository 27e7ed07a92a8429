"""The row of a plain tweet, such as most are: words in ASCII, nothing attached, nothing quoted.

The same as by way of a document, for a fifth of the work; whoever is in doubt takes the other way.
"""

from apps.search.documents import SEPARATOR, Row
from apps.search.query import tokens
from apps.tweets.schemas import TweetOut


def plain_row_of(tweet: TweetOut) -> Row | None:
    """What the index keeps of a plain tweet; None: it is not plain."""
    if tweet.retweet_of_id or tweet.quote_of_id or tweet.media_keys:
        return None
    words = tokens.plain_words(tweet.text)
    if words is None or len(words) > tokens.MAX_POSITIONS:
        return None
    lang = f"lang:{tweet.lang.lower()}"
    return Row(
        tweet.id,
        tweet.author_id,
        tweet.conversation_id,
        tweet.in_reply_to_id,
        tweet.in_reply_to_user_id,
        None,
        None,
        None,
        # Of a word that comes twice, PostgreSQL puts the places together.
        " ".join([f"{word}:{place}" for place, word in enumerate(words, 1)]),
        "",
        lang if tweet.in_reply_to_id is None else f"is:reply{SEPARATOR}{lang}",
    )
