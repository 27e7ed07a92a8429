"""How each figure is measured: the texts of `docs/benchmarks.md`."""

HOW = """## How each is measured

- **World**: {world}. Tweets of the last two days, authors drawn evenly. PostgreSQL with fsync on,
  two state Valkeys with an append-only file (everysec), a cache Valkey; gunicorn with one uvicorn
  worker, relay, two solo Celery workers and beat, as `manage.py up` starts them. The data lies in
  `var/` and is removed afterwards."""

# By figure, or figures that are explained together; the first id of each is sorted by.
MEASURED = {
    "F2": """all home timelines exist and are full (800). The subscriber's function is called with
        batches of 2,000 posts, as the relay hands them out. Then the same number of events is
        committed to the event log and the time until the last acknowledgement is taken:
        `relay_celery_…`. The time in which the pushing process and the slower Valkey were ready to
        run but other programs had the cores does not count (`by_the_wall_clock` is with it). Lists
        are read back and held against the model.""",
    "F6": """both ways of F2 with the people of F1, 403 followers in the mean; the ratio is that of
        the medians. `by_cpu` is that of the CPU per delivery, which no neighbour changes.
        `at_…_per_post` is the same ratio with the people of F2, where the event log has fewer
        deliveries to share its cost among.""",
    "F1, F3, M3": """3,000 people, 1,200 authors with 403 followers in the mean and a long
        tail; all home timelines full (800). F1: the quick lane with one state Valkey, in turn with
        `redis-benchmark -P 1000 … RPUSHX` on as many full lists of the same server, as many pushes
        as there are deliveries; without that program, prepared buffers of 1,000 commands are sent
        as they are (`c_client` says which). F3: two Valkeys, and in turn a redis-py pipeline per
        tweet; Mastodon's commands one by one (ZSCORE, ZADD, ZREMRANGEBYRANK, ZREVRANGE,
        ZRANGEBYSCORE, without its job per follower); a Celery task per follower through a solo
        worker. Others get fewer tweets than ours; rates are per delivery. All lists are held
        against the graph. M3: what Python holds more (tracemalloc) once the blocks of all these
        authors are loaded, fragments of keys included, by the number of edges.""",
    "F4, F5": """an author with a million followers, each with a short, ready home timeline.
        F4: from the commit of a tweet's event, through relay, quick lane, deferred event and bulk
        lane, to the last acknowledgement; nothing else is posted, so pieces are appended. The very
        first tweet, whose followers the worker does not know yet, is in `also`. F5: from the
        commit of a small author's event until a follower on each instance has the tweet, one
        after the other; first idle, then while the large author's tweets are on their way, which
        are then no longer the newest, so every list is looked at. All million lists are read back
        after each part. `longest_redis_call_ms` is by SLOWLOG, time without a core included.""",
    "L1": """all home timelines full (800). 200,000 events by authors with 8.6 deliveries in the
        mean are committed at once; the CPU counts from that commit to the last acknowledgement:
        relay, worker, PostgreSQL, Valkeys. What it takes to write events is in W2.""",
    "R1, R2": """32 connections, closed loop, 300 readers with tokens of their own,
        `GET /2/users/:id/timelines/reverse_chronological`, 20 tweets with author, time and counts.
        In each round: the service, the constant body, the empty Django view. A tweet on the page
        of some readers is deleted before; all pages are checked. Limits are on, 10,000 times as
        wide, since 300 readers ask for what thousands would: permits come by lease. Who reads so
        seldom that a lease runs out between two pages asks the bucket in the page's own trip,
        about 17 µs of the process and 20 of the Valkey.""",
    "U1": """the readers of R1 with sessions, `GET /home` as Chromium asks for it, against R1's
        request, in turn. The page is what people get: frame, panels, forms with fresh tokens, own
        marks on the posts. All pages are checked against the model.""",
    "R3": """the readers of R1, in each round over HTTP, then by each peer's queries on a connection
        of the benchmark, whose CPU counts with PostgreSQL's: Django's ORM with the followees given,
        which makes 20 objects; and the five statements that Takahe's home issues (event, post,
        author, domain in one, then attachments, mentions, emoji, own interactions), whose rows are
        fetched and left at that. Neither peer pays for HTTP, authentication or JSON. All pages of
        all three are checked.""",
    "R4": """Poisson arrivals at half of what a closed loop of 32 connections gets from the same
        server just before; a latency counts from the intended moment of sending, so whoever had to
        wait counts. The reference is the constant body at half of its own saturation; what it does
        with the arrivals of the home timeline, which leave it half idle, is `x_same_arrivals`.
        Every fiftieth page is checked.""",
    "R5": """a crowd beside the world, so that every reader follows just so many: 5,000 authors,
        500 of them busy (20 tweets, the others 2), 200 more whose posts are merged at read. Readers
        of 50 are the first point; readers of 500 and of 5,000, readers of 50 and all 200, and the
        readers of the first point on later pages, by `next_token`, are the others; the ratio is
        the worst of the three last points (`x_…` has each). Every page on the way is checked.""",
    "R6": """readers of 400 busy authors of that crowd, one after the other, nothing else running.
        The home timeline is dropped, then the clock runs from the request until the mark of the
        built list is in Redis; each list is held against the model, all 800 ids.""",
    "W2": """64 connections, closed loop, 150 authors with tokens whose followers' home timelines
        are warm; the CPU counts until the last delivery is acknowledged. All posts are then looked
        for in the homes of a sample of followers.""",
    "W1": """the service's own group commit, without HTTP, 64 posts under way at any time, authors
        drawn from a thousand without followers; then COPY of the same number of rows by the same
        authors into the same two tables, in one transaction, its text made beforehand. In turn,
        with relay and workers stopped. All rows and events are looked for afterwards.""",
    "W4": """8,000 people with 75 followers in the mean and a long tail, all home timelines warm
        and full (800), authors of posts drawn evenly. `manage.py firehose` posts a file first with
        relay and workers stopped (`ingest_only_…`), then one to warm up, then one of about 20
        seconds. The clock runs from its first commit to the last acknowledgement. Processor time
        that went to other programs does not count (`by_the_wall_clock` is with it). There is no
        index for search and no count of trends behind it yet. All rows are held against the
        files, and the homes of a sample of followers against the graph.""",
    "I1": """two processes with a machine id of their own each make half of 100 million ids, 50 ms
        of them in one call; the median call of both, in which a millisecond that is begun counts
        whole. Every id is looked at: they rise, without a repeat in the other process's.""",
    "W3": """two authors post in turn, each on a new connection, the next when the last one's post
        is delivered. Above FANOUT_MAX_FOLLOWERS posts are merged at read; the follows are real
        rows.""",
    "C1, C2": """1,000 accounts like one tweet on 32 connections; new versions of its row are
        counted by a trigger until nothing is left to recount, then the count shown, the rows and
        the model must agree. Then 32 connections read another tweet with author and counts while
        four more like it; the rows of tweets that web loads are counted by its own metric, and no
        answer may show more likes than were made.""",
    "M1": """memory that two Valkeys hold with and without the home timelines of the followers of
        the three most-followed authors, after so many single pushes that every list was cut
        back.""",
    "M4": """a stack of its own as `manage.py up` makes it, with the demo world: supervisor, web,
        relay, two workers, beat, PostgreSQL and three Valkeys, some seconds after it is ready.
        Summed over all processes is the proportional set size of `/proc/PID/smaps_rollup`, which
        splits what processes share among them.""",
    "E": """300 home reads a second in an open loop, in turn idle and beside one of three: somebody
        who follows 100,000 people reads cold and then warm five times, again and again; 800 home
        timelines are dropped and their rebuilds started at once; 500 posts in a second, 25 times a
        mean of 20, with their deliveries. The ratio is the worst of the three (`x_…` has each).
        Pages are checked during the first two, and all of them at the end.""",
    "O1": """profiles read by people who are logged in. A closed loop of 8 connections tells how
        many a second the web process gives. Then requests come at ten times that rate, Poisson, on
        up to 1,000 connections; who has no answer after a second hangs up. `without_admission` is
        the same against a second server, with ADMISSION_MAX=0 instead of 64, which is given time
        afterwards to end what it began. Every page that counts shows the right profile; any status
        but 200 and 503 fails. `burst_recovery_s`: at half of the closed loop's rate, 25 times as
        many come for a second; how long after it until 98 % of those who come within half a second
        are answered in time again, the worst of three.""",
    "S1": """500 posts a second at even steps, by authors with the degrees of the graph. One in 50
        is searched for by a number that only it has, every 30 ms from its 201 on, until it is
        found; a search that finds anything else fails.""",
    "S3": """2 million texts of 12 words (Zipf's law, each text ten times) as a month of the index,
        and in a table of their own with a GIN index of the words, which is asked once so that this
        index is used and what it finds sorted (the ratio), and once as PostgreSQL's planner likes
        (`to_the_planner_x`): it walks as the service does as long as it knows how common a word is.
        Each query is asked of all three in turn, by the service's own function for statements, with
        the same limit of time; what they find must be the same. `rare_slower_x`: the worst of the
        queries with a rare word, against the better of the two.""",
    "T1": """three hours of posts of ten words, 60 % with a tag (Zipf's law), in the third hour some
        tags more and more, by 20,000 people. Events go to the worker's function in batches of
        1,000; in turn with it, the same rows are read and cut into terms by the same code for a
        set of pairs in Python and counters of it. The ratio is that of the third hour, which
        begins knowing the second; `cold_x` is that of the first, `peak_us` the cost where the
        hour before had 6,000 posts a second. Memory: what Redis took for the third hour, against
        the set (whole numbers) and the counters; lists are made at every twentieth of an hour.
        `missed`: of the exact ten strongest bursts at ten moments, those that are not in our ten.
        `lag_max_s`: from the last of four posts over HTTP to the list of the API that has their
        tag, by a running service.""",
    "X1": """R1, W2 and F2 by their CPU per operation, those of this run or else the last ones
        written: 600,000 reads, 6,000 posts without their deliveries, and 6,000 × 75 deliveries, a
        second. What a machine needs to stay below full load is not in it.""",
    "D1": """one author posts, and from the 201 on a follower reads their home timeline over HTTP
        again and again until it shows the post. Nothing else runs; the pages are checked.""",
}
