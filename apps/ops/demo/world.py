"""Build the demo world in memory: people, follows, posts, replies, retweets, quotes, likes.

The same seed and the same moment give the same world. Ids carry the times that they stand for.
"""

import random
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from apps.infra import clock, ids
from apps.infra.web.avatars import face_of
from apps.ops.demo.content import Content, Interest, Star
from apps.tweets.services_import import LikeRow, TweetRow
from apps.users.services_import import UserRow

HEROES = ("alice", "bob", "carol")
CROWD = 250
DAYS = 21
_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_RANDOM_BITS = 22
_FOLLOWED_STARS = 40
_GAP = re.compile(r"\{(\w+)\}")
_SENTENCE = re.compile(r"(^|[.!?] )([a-zà-ÿ])")


@dataclass(slots=True)
class Person:
    """Somebody of the world, with the part of the graph around them."""

    row: UserRow
    interest: Interest | None
    star: Star | None
    followers: list["Person"] = field(default_factory=list)
    following: set[int] = field(default_factory=set)


@dataclass(slots=True)
class World:
    """Rows to store."""

    people: list[Person] = field(default_factory=list)
    # (follower, followee) → edge id.
    follows: dict[tuple[int, int], int] = field(default_factory=dict)
    tweets: list[TweetRow] = field(default_factory=list)
    likes: list[LikeRow] = field(default_factory=list)


class Builder:
    """One world being built; the order of the calls in `build` matters to the dice."""

    def __init__(self, content: Content, *, now: datetime, seed: int) -> None:
        self.content = content
        self.world = World()
        self.now_ms = clock.to_ms(now)
        self.dice = random.Random(seed)  # noqa: S311 (a world of play, to be the same each time)
        self._face_dice = random.Random(seed)  # noqa: S311 (as above)
        self._used_ids: set[int] = set()
        self._said: set[str] = set()
        self._by_name: dict[str, Person] = {}
        self._by_id: dict[int, Person] = {}
        self._warmth: dict[int, int] = {}

    def build(self) -> World:
        """Build everything."""
        for star in self.content.stars:
            self._add_star(star)
        for number in range(CROWD):
            interests = self.content.interests
            self._add_stranger(interests[number % len(interests)])
        self._follow()
        self._written_posts()
        self._fresh_posts()
        self._talks()
        self._crowd_posts()
        self._rushes()
        self._answers()
        self._retweets()
        self._likes()
        return self.world

    # Ids and times.

    def _id(self, at_ms: int) -> int:
        while True:
            found = ids.at_ms(at_ms) | self.dice.getrandbits(_RANDOM_BITS)
            if found not in self._used_ids:
                self._used_ids.add(found)
                return found

    def _id_with_face(self, at_ms: int, wanted: set[str]) -> int:
        """An id whose drawn picture is the wanted one, after some hundred tries."""
        found = self._id(at_ms)
        while not wanted <= set(" ".join(face_of(found)).split()):
            found = ids.at_ms(at_ms) | self._face_dice.getrandbits(_RANDOM_BITS)
        self._used_ids.add(found)
        return found

    def _waking_hour(self, *, from_minutes: int = 200) -> int:
        """A moment of the last weeks, rarely at night, more often lately."""
        while True:
            age = int(DAYS * _DAY * self.dice.random() ** 1.4) + from_minutes * _MINUTE
            moment = self.now_ms - age
            hour = clock.from_ms(moment).hour
            if 6 <= hour <= 22 or self.dice.random() < 0.25:  # noqa: PLR2004
                return moment

    # People.

    def _add(self, person: Person) -> None:
        self.world.people.append(person)
        self._by_name[person.row.username] = person
        self._by_id[person.row.id] = person

    def _add_star(self, star: Star) -> None:
        opened = self.now_ms - self.dice.randint(400, 2_000) * _DAY
        row = UserRow(
            id=self._id_with_face(opened, set(star.face.split())),
            username=star.username,
            name=star.name,
            bio=star.bio,
            location=star.location,
            lang=star.lang,
            created_at=clock.from_ms(opened),
        )
        self._add(Person(row, None, star))

    def _add_stranger(self, interest: Interest) -> None:
        first = self.dice.choice(self.content.first_names)
        last = self.dice.choice(self.content.last_names)
        opened = self.now_ms - self.dice.randint(40, 1_500) * _DAY
        row = UserRow(
            id=self._id(opened),
            username=self._username(first, last),
            name=f"{first} {last}",
            bio=self.dice.choice(interest.bios),
            location=self.dice.choice(self.content.places),
            lang=interest.lang,
            created_at=clock.from_ms(opened),
        )
        self._add(Person(row, interest, None))

    def _username(self, first: str, last: str) -> str:
        one, two = _ascii(first), _ascii(last)
        forms = [
            f"{one}_{two}",
            f"{one}{two}",
            f"{two}_{one}",
            f"{one}_{two[:1]}",
            f"{one[:1]}{two}",
        ]
        self.dice.shuffle(forms)
        forms += [f"{one[:12]}{number}" for number in range(2, 999)]
        return next(
            form
            for form in forms
            if len(form) <= 15 and form not in self._by_name  # noqa: PLR2004
        )

    # Who follows whom.

    def _follow(self) -> None:
        people = self.world.people
        stars = [person for person in people if person.star]
        # One ticket each, many for those who are known, two more for every follower: who has
        # followers gets more (preferential attachment, Barabási and Albert 1999).
        tickets = [*people]
        for rank, star in enumerate(self.dice.sample(stars, len(stars)), start=1):
            tickets += [star] * int(60 / rank**0.7)
        for person in people:
            if person.row.username in HEROES:
                self._follow_as_hero(person, stars)
                continue
            kin = [other for other in people if other.interest is person.interest]
            for _ in range(min(8 + int(self.dice.lognormvariate(2.6, 0.8)), 150)):
                pool: Sequence[Person] = kin if self.dice.random() < 0.08 else tickets  # noqa: PLR2004
                other = self.dice.choice(pool)
                if self._add_follow(person, other):
                    tickets += [other, other]
                    if other.row.username not in HEROES and self.dice.random() < 0.2:  # noqa: PLR2004
                        self._add_follow(other, person)

    def _follow_as_hero(self, hero: Person, stars: list[Person]) -> None:
        others = [star for star in stars if star.row.username not in HEROES]
        talkative = {one.by for one in self.content.fresh} | {
            one.retweeted_by for one in self.content.fresh
        }
        for other in self.dice.sample(others, len(others)):
            if other.row.username in talkative or len(hero.following) < _FOLLOWED_STARS:
                self._add_follow(hero, other)
        strangers = [person for person in self.world.people if not person.star]
        for other in [*(self._by_name[name] for name in HEROES), *self.dice.sample(strangers, 6)]:
            self._add_follow(hero, other)

    def _add_follow(self, follower: Person, followee: Person) -> bool:
        edge = (follower.row.id, followee.row.id)
        if edge[0] == edge[1] or edge in self.world.follows:
            return False
        opened = max(clock.to_ms(one.row.created_at) for one in (follower, followee))
        self.world.follows[edge] = self._id(self.dice.randint(opened, self.now_ms - _HOUR))
        followee.followers.append(follower)
        follower.following.add(followee.row.id)
        return True

    # What is said.

    def _say(self, person: Person, text: str, at_ms: int, **more: int | None) -> TweetRow:
        row = TweetRow(
            id=self._id(at_ms),
            author_id=person.row.id,
            text=text,
            created_at=clock.from_ms(at_ms),
            lang=person.row.lang,
            source="TwitterLite Web",
        )
        row = replace(row, **more)  # type: ignore[arg-type]
        self.world.tweets.append(row)
        return row

    def _written_posts(self) -> None:
        for person in self.world.people:
            for text in person.star.posts if person.star else ():
                row = self._say(person, text, self._waking_hour())
                self._warmth[row.id] = 4

    def _fresh_posts(self) -> None:
        newest: dict[str, TweetRow] = {}
        for one in sorted(self.content.fresh, key=lambda post: -post.minutes):
            at_ms = self.now_ms - one.minutes * _MINUTE
            quoted = newest[one.quotes].id if one.quotes else None
            row = self._say(self._by_name[one.by], one.text, at_ms, quote_of_id=quoted)
            newest[one.by] = row
            self._warmth[row.id] = 2 * one.warmth
            if one.retweeted_by:
                at_ms = self.now_ms - one.retweeted_minutes * _MINUTE
                self._say(self._by_name[one.retweeted_by], "", at_ms, retweet_of_id=row.id)

    def _talks(self) -> None:
        for talk in self.content.talks:
            at_ms = self.now_ms - talk.hours * _HOUR
            (starter, text), *turns = talk.turns
            first = last = self._say(self._by_name[starter], text, at_ms)
            self._warmth[first.id] = 7
            for who, what in turns:
                at_ms += self.dice.randint(2, 20) * _MINUTE
                answered = last if who == starter or self.dice.random() < 0.3 else first  # noqa: PLR2004
                last = self._say(
                    self._by_name[who],
                    what,
                    min(at_ms, self.now_ms - _MINUTE),
                    in_reply_to_id=answered.id,
                    in_reply_to_user_id=answered.author_id,
                )
                self._warmth[last.id] = 3

    def _crowd_posts(self) -> None:
        for person in self.world.people:
            if person.interest is not None:
                for _ in range(self.dice.randint(4, 13)):
                    text = self._phrase(person, person.interest)
                    self._say(person, text, self._waking_hour(from_minutes=3))

    def _rushes(self) -> None:
        for rush in self.content.rushes:
            able = [one for one in self.world.people if one.interest and one.row.lang == rush.lang]
            voices = self.dice.sample(able, len(rush.posts))
            step = rush.minutes * _MINUTE / len(rush.posts)
            for number, (person, text) in enumerate(zip(voices, rush.posts, strict=True)):
                ago = rush.minutes * _MINUTE - step * (number + self.dice.random())
                self._say(person, text, self.now_ms - int(ago))

    def _phrase(self, person: Person, interest: Interest) -> str:
        """A sentence of the interest that nobody has said yet, if there is one left."""
        text = ""
        for _ in range(12):
            template = self.dice.choice(interest.posts)
            # One word for a gap, however often the sentence has it.
            words = {gap: self.dice.choice(interest.words[gap]) for gap in _gaps(template)}
            if interest.lang == "en" and "who" in words and self.dice.random() < 0.25:  # noqa: PLR2004
                friend = self._by_id[self.dice.choice(sorted(person.following))]
                words["who"] = f"@{friend.row.username}"
            text = _SENTENCE.sub(
                lambda start: start[1] + start[2].upper(), template.format_map(words)
            )
            if text not in self._said:
                break
        self._said.add(text)
        return text

    # What comes back.

    def _answers(self) -> None:
        for row in list(self.world.tweets):
            author = self._by_id[row.author_id]
            readers = _crowd(author.followers)
            if row.retweet_of_id is not None or not readers:
                continue
            warmth = self._warmth.get(row.id, 1)
            for _ in range(min(int(self.dice.expovariate(2.5 / warmth)), 6)):
                self._answer(self.dice.choice(readers), row)

    def _answer(self, reader: Person, row: TweetRow) -> None:
        at_ms = self._soon_after(row)
        if self.dice.random() < 0.12:  # noqa: PLR2004
            text = self.dice.choice(self.content.replies["quotes"])
            self._say(reader, text, at_ms, quote_of_id=row.id)
            return
        # In the language of the post, as somebody polite would.
        words = self.content.replies.get(row.lang) or self.content.replies["en"]
        self._say(
            reader,
            self.dice.choice(words),
            at_ms,
            in_reply_to_id=row.id,
            in_reply_to_user_id=row.author_id,
        )

    def _soon_after(self, row: TweetRow) -> int:
        """Minutes or hours after a tweet, and never in the future."""
        then = clock.to_ms(row.created_at)
        delay = int(self.dice.lognormvariate(3.2, 1.3) * _MINUTE)
        return min(then + delay, self.dice.randint(then, self.now_ms))

    def _retweets(self) -> None:
        for row in list(self.world.tweets):
            author = self._by_id[row.author_id]
            if row.retweet_of_id is not None or row.in_reply_to_id is not None:
                continue
            readers = _crowd(author.followers)
            warmth = self._warmth.get(row.id, 1)
            number = min(int(self.dice.expovariate(5 / warmth**1.3)), len(readers) // 2)
            for reader in self.dice.sample(readers, number):
                self._say(reader, "", self._soon_after(row), retweet_of_id=row.id)

    def _likes(self) -> None:
        for row in self.world.tweets:
            if row.retweet_of_id is not None:
                continue
            followers = self._by_id[row.author_id].followers
            warmth = self._warmth.get(row.id, 1)
            share = self.dice.betavariate(1.2, 9)
            if warmth > 1:
                share = min(warmth / 18 * self.dice.uniform(0.6, 1.2), 0.95)
            for reader in self.dice.sample(followers, int(len(followers) * share)):
                at_ms = self._soon_after(row)
                self.world.likes.append(
                    LikeRow(
                        id=self._id(at_ms),
                        user_id=reader.row.id,
                        tweet_id=row.id,
                        author_id=row.author_id,
                    )
                )


def _crowd(people: Sequence[Person]) -> list[Person]:
    """Those who say what anybody might say; the others have words of their own."""
    return [person for person in people if not person.star]


def _gaps(template: str) -> list[str]:
    return sorted(set(_GAP.findall(template)))


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in plain if "a" <= letter <= "z")
