"""What people do: posts and edges. Each verb is done by the service, then by the model."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from apps.graph import services as graph
from apps.infra import clock, ids
from apps.timelines.services import homes
from apps.tweets import services as tweets
from apps.users import services as users
from tests.timelines.oracle.model import Post
from tests.timelines.oracle.stage import Stage


class PeoplesVerbs(Stage):
    """Posting, following, blocking, muting, protecting, suspending."""

    def do_post(self, one: int, two: int, _three: int) -> None:
        author = self._person(one)
        for _ in range(1 + two % 3):
            self._posted(tweets.post_tweet(author_id=author, text="hello", now=clock.now()))

    def _posted(self, tweet: Any) -> None:
        if tweet.id not in self.model.posts:
            post = Post(id=tweet.id, author=tweet.author_id, original=tweet.retweet_of_id)
            self.model.posts[tweet.id] = post

    def do_reply(self, one: int, two: int, _three: int) -> None:
        if parent := self._some_post(two):
            self._posted(
                tweets.post_tweet(
                    author_id=self._person(one), text="yes", now=clock.now(),
                    in_reply_to_id=parent.id,
                )
            )  # fmt: skip

    def do_retweet(self, one: int, two: int, _three: int) -> None:
        if parent := self._some_post(two):
            author = self._person(one)
            self._posted(tweets.retweet(user_id=author, tweet_id=parent.id, now=clock.now()))

    def do_quote_late(self, one: int, two: int, _three: int) -> None:
        """A post whose id was made long before it is committed."""
        if not self.old_ids or two % 2:
            self.old_ids.append(ids.next_id())
            return
        old = self.old_ids.pop()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("apps.tweets.services.ids.next_id", lambda: old)
            tweet = tweets.post_tweet(author_id=self._person(one), text="late", now=clock.now())
        self._posted(tweet)

    def do_delete(self, one: int, two: int, _three: int) -> None:
        if post := self._some_post(one):
            tweets.delete_tweet(user_id=post.author, tweet_id=post.id, now=clock.now())
            post.is_deleted = True
            self.check_hidden(self._person(two))

    def do_hide(self, one: int, two: int, _three: int) -> None:
        if post := self._some_post(one):
            tweets.hide_tweet(tweet_id=post.id, now=clock.now())
            post.is_hidden = True
            self.check_hidden(self._person(two))

    def do_unhide(self, one: int, _two: int, _three: int) -> None:
        hidden = [post for post in self.model.posts.values() if post.is_hidden]
        if hidden:
            post = hidden[one % len(hidden)]
            tweets.unhide_tweet(tweet_id=post.id, now=clock.now())
            post.is_hidden = post.is_settled = False
            # A home that was built meanwhile gets it with the event, as a new one.
            for seen in self.seen.values():
                seen.discard(post.id)

    # Edges.

    def do_follow(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        state = graph.follow_user(follower_id=who, followee_id=whom, now=clock.now())
        (self.model.follows if state == "following" else self.model.requests).add((who, whom))
        self.check_first(who)

    def do_follow_slowly(self, one: int, two: int, three: int) -> None:
        """A follow during whose transaction others read, rebuild and push."""
        who = self._person(one)

        def meanwhile(_follower: int) -> None:
            if meanwhile in graph.on_new_follow:
                graph.on_new_follow.remove(meanwhile)
                self._elsewhere(lambda: self.do_deliver(three, three, 0))
                self.check_hidden(who)
                if who in self.asked:
                    homes.rebuild_home(user_id=who, token=self.asked.pop(who))

        graph.on_new_follow.append(meanwhile)
        try:
            self.do_follow(one, two, 0)
        finally:
            if meanwhile in graph.on_new_follow:
                graph.on_new_follow.remove(meanwhile)

    def _elsewhere(self, work: Callable[[], None]) -> None:
        """Outside of this thread's transaction."""

        def run() -> None:
            try:
                work()
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    def do_unfollow(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.unfollow_user(follower_id=who, followee_id=whom, now=clock.now())
        self.model.follows.discard((who, whom))
        self.model.requests.discard((who, whom))
        self.check_hidden(who)

    def do_block(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.block_user(blocker_id=who, blocked_id=whom, now=clock.now())
        self.model.block(who, whom)
        self.check_hidden(who)
        self.check_hidden(whom)

    def do_unblock(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.unblock_user(blocker_id=who, blocked_id=whom, now=clock.now())
        self.model.blocks.discard((who, whom))

    def do_mute(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.mute_user(muter_id=who, muted_id=whom, now=clock.now())
        self.model.mutes.add((who, whom))
        self.check_hidden(who)

    def do_unmute(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.unmute_user(muter_id=who, muted_id=whom, now=clock.now())
        self.model.mutes.discard((who, whom))
        self.check_first(who)

    def do_accept(self, one: int, _two: int, _three: int) -> None:
        waiting = sorted(self.model.requests)
        if waiting:
            who, whom = waiting[one % len(waiting)]
            graph.accept_request(user_id=whom, follower_id=who, now=clock.now())
            self.model.requests.discard((who, whom))
            self.model.follows.add((who, whom))

    def do_protect(self, one: int, two: int, _three: int) -> None:
        who = self._person(one)
        users.set_protected(user_id=who, protected=True, now=clock.now())
        self.model.protected.add(who)
        self.check_hidden(self._person(two))

    def do_unprotect(self, one: int, _two: int, _three: int) -> None:
        who = self._person(one)
        users.set_protected(user_id=who, protected=False, now=clock.now())
        self.model.protected.discard(who)

    def do_suspend(self, one: int, two: int, _three: int) -> None:
        who = self._person(one)
        users.suspend_user(user_id=who, now=clock.now())
        self.model.suspended.add(who)
        self.check_hidden(self._person(two))

    def do_unsuspend(self, one: int, _two: int, _three: int) -> None:
        if self.model.suspended:
            who = sorted(self.model.suspended)[one % len(self.model.suspended)]
            users.unsuspend_user(user_id=who, now=clock.now())
            self.model.suspended.discard(who)
