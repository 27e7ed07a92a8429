"""A small lively world for pictures: people of several scripts, posts, a conversation."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.graph import services as graph
from apps.infra import clock
from apps.media.services import uploads
from apps.tweets import services as tweets
from apps.tweets.models import Tweet
from apps.tweets.schemas import TweetOut
from apps.tweets.services_polls import checked_poll, vote
from apps.users.models import User
from apps.users.services import set_protected
from tests.factories import UserFactory
from tests.media.conftest import animation, picture

PEOPLE = {
    "norafeld": "Nora Feld",
    "priya_nightsky": "Priya Raman",
    "layla_haddad": "ليلى حدّاد",
    "adaeze_builds": "Adaeze Okoro",
    "haruka_kappan": "佐々木 遥",
    "pan_tomas": "Tomás Arriaga",
    "panarriaga": "Panadería Arriaga",
    "nighttrain": "Night Train Radio",
    "marenvoss": "Maren Voss",
    "jonasl": "Jonas Lindqvist",
    "olub": "Olu Bankole",
    "amarad": "Amara Diallo",
    "dmitris": "Dmitri Sokol",
    "ines28": "Inês Ribeiro",
    "quietbird": "Quiet Bird",
}
STRANGERS = ("amarad", "dmitris", "ines28", "quietbird")
INES = {
    "bio": "I drive the 28 and photograph what the windscreen sees. Lisbon before eight in the"
    " morning is a different city. Also: @jonasl, prints in the spring.",
    "location": "Graça, Lisboa",
    "url": "https://ines28.example",
    "created_at": datetime(2019, 3, 4, tzinfo=UTC),
}


@dataclass(frozen=True)
class Line:
    """One post: a key to refer to it, who, how many minutes ago, what; shown counts."""

    key: str
    by: str
    minutes: int
    text: str
    lang: str = "en"
    reply_to: str = ""
    quote: str = ""
    counts: tuple[int, int, int] | None = None


LINES = (
    Line("packing", "marenvoss", 1800, "Packing for the Wadden Sea."),
    Line(
        "kilometres", "ines28", 60 * 24 * 40,
        "A passenger asked if I ever get tired of the same eleven kilometres. I said they are never"
        " the same eleven kilometres.",
        counts=(203, 1100, 9400),
    ),
    Line(
        "cats", "ines28", 300, "Respondendo a todos: sim, o elétrico pára para gatos. #Tram28",
        "pt", counts=(57, 120, 1300),
    ),
    Line(
        "oven", "panarriaga", 190,
        "Primera hornada con la harina nueva de Temuco. Abrimos a las siete, como siempre.", "es",
    ),
    Line(
        "asked", "olub", 185,
        "Is it true you can hear a mudflat? My daughter insists and I have nothing to say against"
        " it.",
        reply_to="packing", counts=(1, 2, 88),
    ),
    Line(
        "focal", "marenvoss", 180,
        "Day 9 on the Wadden Sea. The mudflat at low tide is not silent: put a hydrophone in a pool"
        " and it crackles like a campfire. That is thousands of shrimp, clicking. #FieldNotes",
        reply_to="asked", counts=(3, 184, 1632),
    ),
    Line("kerning", "jonasl", 133, "Kerning is just listening,\nbut with your eyes.",
         counts=(14, 96, 1210)),
    Line(
        "radio", "nighttrain", 130,
        "Tonight at 23:00: two hours of field recordings from sleeper trains, Tromsø to Trieste. No"
        " talking until Salzburg. https://www.nighttrain.example.com/shows/the-long-way-south-part-4",
        counts=(12, 71, 389),
    ),
    Line(
        "crust", "pan_tomas", 125,
        "Le mandé la foto a mi abuela. Respondió con un audio de cuatro minutos sobre la corteza."
        " Aprobado.",
        "es", quote="oven", counts=(17, 44, 726),
    ),
    Line(
        "type", "haruka_kappan", 70,
        "今日は「活」の字だけを一日中刷りました。木の活字は百年前のもの。"
        "まだちゃんと働いてくれます。 #活版印刷",
        "ja", counts=(29, 508, 3120),
    ),
    Line(
        "sentence", "priya_nightsky", 60,
        "“Crackles like a campfire” is a better sentence than anything in my last three papers. Is"
        " there a recording?",
        reply_to="focal", counts=(2, 5, 211),
    ),
    Line("shrimp", "marenvoss", 58,
         "There is. Forty seconds, headphones on: https://tidelab.example.com/shrimp",
         reply_to="sentence", counts=(1, 19, 164)),
    Line("thrice", "haruka_kappan", 49, "三遍聞きました。", "ja", reply_to="shrimp"),
    Line("secret", "quietbird", 45, "For my followers only.", reply_to="sentence"),
    Line("laughs", "layla_haddad", 44, "كأنّ البحر يضحك بصوتٍ خافت.", "ar", reply_to="focal",
         counts=(0, 7, 95)),
    Line(
        "canteen", "adaeze_builds", 41,
        "Site canteen is choosing Friday’s lunch by poll again. Democracy is slow but it is"
        " delicious.",
        counts=(118, 23, 406),
    ),
    Line("same", "jonasl", 40, "Same here.", reply_to="thrice"),
    Line(
        "river", "ines28", 34,
        "06:52, Miradouro. The river did this for about ninety seconds and then behaved like"
        " nothing had happened.",
        counts=(22, 64, 811),
    ),
    Line("noise", "jonasl", 31, "So the sea has a noise floor and it is catering.",
         reply_to="focal", counts=(0, 12, 240)),
    Line(
        "poem", "layla_haddad", 26,
        "ترجمتُ اليوم قصيدةً من أربعة أسطر، وأخذت منّي أربع ساعات. الكلمة الأخيرة وحدها احتاجت"
        " فنجانين من القهوة. #ترجمة",
        "ar", counts=(41, 86, 903),
    ),
    Line(
        "sky", "priya_nightsky", 18,
        "Four hours, one tripod, two thermoses of chai. The dome at Kavalur went quiet at 3 and the"
        " whole band came out. #NightSky",
        counts=(64, 312, 2431),
    ),
)  # fmt: skip


class Scene:
    """The people by user name, and the posts by key."""

    def __init__(self) -> None:
        self._now = clock.now()
        self.people: dict[str, User] = {}
        self.posts: dict[str, TweetOut] = {}
        for username, name in PEOPLE.items():
            more: dict[str, Any] = INES if username == "ines28" else {}
            self.people[username] = UserFactory.create(username=username, name=name, **more)
        self._edges()
        for line in sorted(LINES, key=lambda one: -one.minutes):
            self._post(line)
        self._attach()
        self._deeds()

    @property
    def conversation(self) -> TweetOut:
        """The post with answers above and below."""
        return self.posts["focal"]

    def _post(self, line: Line) -> None:
        reply_to, quote = self.posts.get(line.reply_to), self.posts.get(line.quote)
        made = tweets.post_tweet(
            author_id=self.people[line.by].id,
            text=line.text,
            now=self._now - timedelta(minutes=line.minutes),
            in_reply_to_id=reply_to.id if reply_to else None,
            quote_of_id=quote.id if quote else None,
        )
        Tweet.objects.filter(id=made.id).update(lang=line.lang)
        self.posts[line.key] = made
        if line.key == "type":
            tweets.retweet(
                user_id=self.people["marenvoss"].id,
                tweet_id=made.id,
                now=self._now - timedelta(minutes=64),
            )

    def _attach(self) -> None:
        """Posts of dmitris with one to four pictures, a GIF, and two polls; nobody's home has
        them."""
        dmitri = self.people["dmitris"].id
        then = self._now - timedelta(days=60)
        for count in (1, 2, 3, 4):
            ids = [self._upload(dmitri, picture(size=(640, 300 + 90 * n))) for n in range(count)]
            text = f"{count} from the darkroom"
            tweets.post_tweet(author_id=dmitri, text=text, media_ids=ids, now=then)
        moving = self._upload(dmitri, animation(size=(320, 180)))
        tweets.post_tweet(author_id=dmitri, text="", media_ids=[moving], now=then)
        for key, minutes, when in (("open", 10_080, self._now), ("ended", 5, then)):
            poll = checked_poll(("Fibre", "Resin", "Neither", "What is that?"), minutes)
            made = tweets.post_tweet(author_id=dmitri, text="Which paper?", poll=poll, now=when)
            self.posts[key] = made
            for number, name in enumerate(("ines28", "marenvoss", "amarad")):
                vote(
                    user_id=self.people[name].id, tweet_id=made.id, position=1 + number // 2,
                    now=when,
                )  # fmt: skip

    def _upload(self, owner_id: int, data: bytes) -> int:
        made = uploads.upload_once(owner_id=owner_id, data=data, now=self._now)
        text = "Two colours, as on a test sheet"
        uploads.set_alt_text(media_id=made.id, owner_id=owner_id, text=text, now=self._now)
        return made.id

    def _edges(self) -> None:
        nora, ines = self.people["norafeld"].id, self.people["ines28"].id
        for username, user in self.people.items():
            if username not in (*STRANGERS, "norafeld"):
                graph.follow_user(follower_id=nora, followee_id=user.id, now=self._now)
            if username not in ("ines28", "norafeld"):
                graph.follow_user(follower_id=user.id, followee_id=ines, now=self._now)
        graph.follow_user(follower_id=ines, followee_id=nora, now=self._now)
        set_protected(user_id=self.people["quietbird"].id, protected=True, now=self._now)

    def _deeds(self) -> None:
        """Likes by the reader, and then the counts that are shown."""
        for key in ("focal", "sentence", "sky"):
            tweets.like_tweet(
                user_id=self.people["norafeld"].id, tweet_id=self.posts[key].id, now=self._now
            )
        for line in LINES:
            if line.counts is not None:
                replies, retweets, likes = line.counts
                Tweet.objects.filter(id=self.posts[line.key].id).update(
                    reply_count=replies, retweet_count=retweets, like_count=likes
                )
