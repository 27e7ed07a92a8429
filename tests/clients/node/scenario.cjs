// What people do with twitter-api-v2: `node -r ./redirect.cjs scenario.cjs NAME`, with what is
// needed as JSON on standard input; prints what was found as JSON. test_node.py runs it.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const { TwitterApi, ETwitterStreamEvent, ApiResponseError } = require('twitter-api-v2');

const given = JSON.parse(fs.readFileSync(0, 'utf8'));
const { keys, me, other } = given;
const signed = () =>
  new TwitterApi({
    appKey: keys.consumer_key,
    appSecret: keys.consumer_secret,
    accessToken: keys.access_token,
    accessSecret: keys.access_token_secret,
  });
const person = () => new TwitterApi(keys.bearer);
const ids = (tweets) => tweets.map((tweet) => tweet.id);

async function all(paginator) {
  const found = [];
  for await (const one of paginator) found.push(one.id);
  return found;
}

async function refused(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ApiResponseError, String(error));
    assert.equal(error.code, code, JSON.stringify(error.data));
    assert.ok(error.data.title && error.data.detail && error.data.type);
    return true;
  });
}

const scenarios = {
  async oauth2Link() {
    const client = new TwitterApi({ clientId: keys.client_id, clientSecret: keys.client_secret });
    return client.generateOAuth2AuthLink(given.back, { scope: given.scope, state: 's' });
  },

  async oauth2Login() {
    const client = new TwitterApi({ clientId: keys.client_id, clientSecret: keys.client_secret });
    const told = await client.loginWithOAuth2({
      code: given.code, codeVerifier: given.codeVerifier, redirectUri: given.back,
    });
    assert.deepEqual([...told.scope].sort(), [...given.scope].sort());
    assert.ok(told.expiresIn > 7000);
    const { data } = await told.client.v2.me();
    const fresh = await client.refreshOAuth2Token(told.refreshToken);
    assert.notEqual(fresh.accessToken, told.accessToken);
    assert.equal((await fresh.client.v2.me()).data.id, data.id);
    await client.revokeOAuth2Token(fresh.accessToken);
    await refused(fresh.client.v2.me(), 401);
    return data;
  },

  async oauth1Link() {
    const client = new TwitterApi({ appKey: keys.consumer_key, appSecret: keys.consumer_secret });
    return client.generateAuthLink(given.back ?? 'oob', { linkMode: 'authorize' });
  },

  async oauth1Login() {
    const client = new TwitterApi({
      appKey: keys.consumer_key, appSecret: keys.consumer_secret,
      accessToken: given.token, accessSecret: given.secret,
    });
    const told = await client.login(given.verifier);
    assert.ok(told.accessToken.startsWith(`${told.userId}-`));
    return { told: told.screenName, asked: (await told.client.v2.me()).data.username };
  },

  async appLogin() {
    const client = new TwitterApi({ appKey: keys.consumer_key, appSecret: keys.consumer_secret });
    const app = await client.appLogin();
    await refused(app.v2.tweet('no'), 403);
    return (await app.v2.userByUsername('alice')).data;
  },

  async verbs() {
    const client = signed().v2;
    const made = (await client.tweet('written in JavaScript ☂')).data;
    assert.equal(made.text, 'written in JavaScript ☂');
    const reply = (await client.reply('and answered', made.id)).data;
    const quote = (await client.quote('and quoted', made.id)).data;
    assert.deepEqual(ids((await client.quotes(made.id)).data.data), [quote.id]);
    assert.equal((await client.hideReply(reply.id, true)).data.hidden, true);
    const thread = await client.tweetThread(['one', 'two']);
    assert.equal(thread.length, 2);
    const tweet = given.tweet;
    assert.equal((await client.like(me, tweet)).data.liked, true);
    assert.deepEqual(ids((await client.tweetLikedBy(tweet)).data), [me]);
    assert.deepEqual(await all(await client.userLikedTweets(me)), [tweet]);
    assert.equal((await client.unlike(me, tweet)).data.liked, false);
    assert.equal((await client.retweet(me, tweet)).data.retweeted, true);
    assert.deepEqual(ids((await client.tweetRetweetedBy(tweet)).data), [me]);
    assert.equal((await client.unretweet(me, tweet)).data.retweeted, false);
    const bearer = person().v2;
    assert.equal((await bearer.bookmark(tweet)).data.bookmarked, true);
    assert.deepEqual(await all(await bearer.bookmarks()), [tweet]);
    assert.equal((await bearer.deleteBookmark(tweet)).data.bookmarked, false);
    for (const one of [...thread.map(({ data }) => data), quote, reply, made]) {
      assert.equal((await client.deleteTweet(one.id)).data.deleted, true);
    }
    return made.id;
  },

  async people() {
    const client = signed().v2;
    assert.equal((await client.follow(me, other)).data.following, true);
    assert.deepEqual(ids((await client.following(me)).data), [other]);
    assert.deepEqual(ids((await client.followers(other)).data), [me]);
    assert.equal((await client.unfollow(me, other)).data.following, false);
    assert.equal((await client.mute(me, other)).data.muting, true);
    assert.deepEqual(await all(await client.userMutingUsers(me)), [other]);
    assert.equal((await client.unmute(me, other)).data.muting, false);
    assert.equal((await client.block(me, other)).data.blocking, true);
    assert.deepEqual(await all(await client.userBlockingUsers(me)), [other]);
    assert.equal((await client.unblock(me, other)).data.blocking, false);
    const found = await client.usersByUsernames(['alice', 'nobody_here']);
    assert.equal(found.data[0].id, other);
    assert.equal(found.errors[0].value, 'nobody_here');
    return (await client.user(other, { 'user.fields': ['public_metrics', 'created_at'] })).data;
  },

  async lists() {
    const client = signed().v2;
    const { id } = (await client.createList({ name: 'Birds', private: false })).data;
    assert.equal((await client.addListMember(id, other)).data.is_member, true);
    assert.deepEqual(await all(await client.listMembers(id)), [other]);
    assert.deepEqual(await all(await client.listTweets(id)), [given.tweet]);
    assert.equal((await client.subscribeToList(me, id)).data.following, true);
    assert.deepEqual(await all(await client.listFollowed(me)), [id]);
    assert.equal((await client.unsubscribeOfList(me, id)).data.following, false);
    assert.equal((await client.pinList(me, id)).data.pinned, true);
    assert.equal((await client.unpinList(me, id)).data.pinned, false);
    assert.equal((await client.updateList(id, { name: 'Owls' })).data.updated, true);
    assert.equal((await client.list(id)).data.name, 'Owls');
    assert.deepEqual(await all(await client.listsOwned(me)), [id]);
    assert.equal((await client.removeListMember(id, other)).data.is_member, false);
    assert.equal((await client.removeList(id)).data.deleted, true);
    return id;
  },

  async reads() {
    const client = signed().v2;
    const small = { max_results: 10 };
    const found = await client.search('tea', {
      ...small, expansions: ['author_id', 'referenced_tweets.id'],
      'tweet.fields': ['created_at', 'public_metrics'], 'user.fields': ['created_at'],
    });
    await found.fetchLast(1000);
    for (const tweet of found) assert.equal(found.includes.author(tweet).username, 'alice');
    const first = await client.search('tea', small);
    const next = await first.next();
    const counts = await client.tweetCountRecent('tea', { granularity: 'day' });
    const app = new TwitterApi(keys.app_bearer).v2;
    const latest = await client.userTimeline(other, small);
    const before = await latest.next();
    assert.deepEqual(ids((await before.previous()).tweets), ids(latest.tweets));
    return {
      search: ids(found.tweets),
      everything: await all(await app.searchAll('tea', small)),
      pages: [ids(first.tweets), ids(next.tweets)],
      timeline: await all(await client.userTimeline(other, small)),
      mentions: await all(await client.userMentionTimeline(me, small)),
      home: await all(await client.homeTimeline(small)),
      looked: ids((await client.tweets([given.tweet, '1'])).data),
      count: counts.meta.total_tweet_count,
      rateLimit: found.rateLimit ?? null,
    };
  },

  async refusals() {
    await refused(new TwitterApi('wrong').v2.me(), 401);
    await refused(signed().v2.deleteTweet(given.tweet), 403);
    await refused(signed().v2.search('tea ('), 400);
    await refused(signed().v2.tweet('x'.repeat(281)), 400);
    await refused(signed().v2.get('nowhere'), 404);
    return true;
  },

  async limits() {
    const client = person().v2;
    let left = Infinity;
    for (;;) {
      try {
        const found = await client.get(`users/${other}`, {}, { fullResponse: true });
        assert.ok(found.rateLimit.remaining < left);
        left = found.rateLimit.remaining;
      } catch (error) {
        assert.ok(error.rateLimitError, String(error));
        assert.equal(error.rateLimit.remaining, 0);
        return { ...error.rateLimit, now: Date.now() / 1000 };
      }
    }
  },

  async stream() {
    const client = new TwitterApi(keys.app_bearer).v2;
    const made = await client.updateStreamRules({ add: [{ value: 'tea', tag: 'hot' }] });
    assert.equal(made.meta.summary.created, 1);
    const rules = await client.streamRules();
    const stream = await client.searchStream({ expansions: ['author_id'] });
    const heard = await new Promise((resolve, reject) => {
      stream.on(ETwitterStreamEvent.Data, resolve);
      stream.on(ETwitterStreamEvent.Error, reject);
    });
    stream.close();
    assert.equal(heard.matching_rules[0].tag, 'hot');
    await client.updateStreamRules({ delete: { ids: ids(rules.data) } });
    assert.equal((await client.streamRules()).data, undefined);
    return heard.data.text;
  },

  async media() {
    const picture = Buffer.from(given.picture, 'base64');
    const client = signed();
    const options = { media_type: 'image/png' };
    const id = await person().v2.uploadMedia(picture, options, 1024);
    await person().v2.createMediaMetadata(id, { alt_text: { text: 'a square' } });
    const old = await client.v1.uploadMedia(picture, { mimeType: 'image/png' });
    const made = (await client.v2.tweet('look', { media: { media_ids: [id, old] } })).data;
    return client.v2.singleTweet(made.id, {
      expansions: ['attachments.media_keys'], 'media.fields': ['url', 'alt_text', 'type'],
    });
  },
};

scenarios[process.argv[2]]()
  .then((found) => {
    fs.writeSync(1, JSON.stringify(found ?? null));
    process.exit(0);
  })
  .catch((error) => {
    console.error(error, JSON.stringify(error.data ?? null));
    process.exit(1);
  });
