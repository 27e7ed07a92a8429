"""Every metric of the service, in one place; `docs/architecture.md` lists them.

Multi-process: each process writes to PROMETHEUS_MULTIPROC_DIR, and /metrics adds them up.
"""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("tl_requests", "Answered requests", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "tl_request_seconds",
    "Time from the first byte of a request to the last of its answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
CACHE_READS = Counter("tl_cache_reads", "Reads of an in-process cache", ["cache", "result"])
INVALIDATION_FAILURES = Counter(
    "tl_invalidation_failures", "Announcements that a state Redis did not take"
)
RATE_LIMITED = Counter("tl_rate_limited", "Decisions of rate limits", ["rule", "outcome"])
ADMITTED = Counter(
    "tl_admission",
    "Requests by level, and whether they were let in or refused",
    ["level", "outcome"],
)
ADMISSION_PLACES = Gauge(
    "tl_admission_places",
    "Requests that may be worked on at once, of all processes",
    multiprocess_mode="livesum",
)
ADMISSION_WAITING = Gauge(
    "tl_admission_waiting", "Requests that wait for a place", multiprocess_mode="livesum"
)
BREAKER_STATE = Gauge(
    "tl_breaker_state",
    "Circuit breaker of an engine: 0 closed, 1 half-open, 2 open; the worst of all processes",
    ["engine"],
    multiprocess_mode="livemax",
)
BREAKER_REFUSED = Counter(
    "tl_breaker_refused", "Calls that an open circuit breaker did not make", ["engine"]
)
REPLICA_LAG_SECONDS = Gauge(
    "tl_replica_lag_seconds",
    "How old the replica's data may be; +Inf where it does not answer or is no replica",
    multiprocess_mode="mostrecent",
)
STALE_READS = Counter(
    "tl_stale_reads",
    "Reads that may be old, by who answered, and why it was not the replica",
    ["server", "why"],
)
RETRIES = Counter(
    "tl_retries", "Calls repeated (made), and not for want of budget (refused)", ["engine", "what"]
)
BROWNOUT = Gauge(
    "tl_brownout_level",
    "Brownout level, 0 normal to 5 closed; the highest of all processes",
    multiprocess_mode="livemax",
)
RESTARTS = Counter(
    "tl_restarts", "Processes that took the place of another by `manage.py restart`", ["process"]
)
DRAINS = Counter(
    "tl_drains",
    "Web processes that left: every answer was given (clean), or some were cut off",
    ["outcome"],
)
DEFAULT_PARTITION_ROWS = Gauge(
    "tl_default_partition_rows",
    "Tweets in the DEFAULT partition; above 0 a month is missing",
    multiprocess_mode="max",
)
FANOUT_DELIVERIES = Counter("tl_fanout_deliveries", "Ids pushed to home timelines")
PASSWORD_HASHES = Counter(
    "tl_password_hashes",
    "Requests that hash a password: made, and refused because enough waited",
    ["outcome"],
)

# The event log. Gauges are those of the leading relay: the most recent value counts.
EVENTS_HANDED_OUT = Counter("tl_events_handed_out", "Events that the relay has handed out")
DELIVERIES_PUBLISHED = Counter(
    "tl_deliveries_published", "Batches sent to the workers", ["subscriber", "why"]
)
EVENTS_DELIVERED = Counter(
    "tl_events_delivered", "Events that a subscriber has finished", ["subscriber"]
)
DELIVERY_SECONDS = Histogram(
    "tl_delivery_seconds",
    "Time of a subscriber's work on one batch",
    ["subscriber"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
DELIVERY_RETRIES = Counter(
    "tl_delivery_retries", "Repeats inside a task while an engine was down", ["subscriber"]
)
DELIVERY_FAILURES = Counter(
    "tl_delivery_failures", "Batches that a subscriber could not take", ["subscriber"]
)
DEAD_LETTERS = Counter("tl_dead_letters", "Events parked for good", ["subscriber"])
SUBSCRIBER_LAG_SECONDS = Gauge(
    "tl_subscriber_lag_seconds",
    "Age of the oldest event that a subscriber has not finished",
    ["subscriber"],
    multiprocess_mode="mostrecent",
)
SUBSCRIBER_LAG_EVENTS = Gauge(
    "tl_subscriber_lag_events",
    "Events that a subscriber has not finished",
    ["subscriber"],
    multiprocess_mode="mostrecent",
)
OLDEST_UNDELIVERED_SECONDS = Gauge(
    "tl_oldest_undelivered_seconds",
    "Age of the oldest event that some subscriber has not finished",
    multiprocess_mode="mostrecent",
)
EVENT_LOG_DAYS_AHEAD = Gauge(
    "tl_event_log_days_ahead",
    "Days of the event log that exist beyond today; at 0 posts would fail",
    multiprocess_mode="mostrecent",
)
RELAY_LEADS = Gauge("tl_relay_leads", "1 in the relay that leads", multiprocess_mode="livesum")

# Home timelines.
HOME_READS = Counter("tl_home_reads", "Home timeline reads by where the page came from", ["source"])
HOME_REBUILDS = Counter("tl_home_rebuilds", "Rebuilds of home timelines", ["result"])

# Posts that wait for their time.
SCHEDULED_POSTS = Counter(
    "tl_scheduled_posts", "Scheduled posts whose time has come, by outcome", ["outcome"]
)
SCHEDULED_LATE = Histogram(
    "tl_scheduled_late_seconds",
    "How long after its time a scheduled post was made",
    buckets=(0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3600),
)

# Live streams of pages.
LIVE_STREAMS = Gauge("tl_live_streams", "Live streams that are open", multiprocess_mode="livesum")
LIVE_EVENTS = Counter("tl_live_events", "Events sent on live streams", ["kind"])
LIVE_CUT = Counter("tl_live_cut", "Live streams that were ended from here, by why", ["why"])
LIVE_FAILURES = Counter("tl_live_failures", "Live events that a state Redis did not take")

# Pictures.
MEDIA_UPLOADS = Counter("tl_media_uploads", "Uploads that ended, by how", ["outcome"])
MEDIA_UPLOAD_BYTES = Counter("tl_media_upload_bytes", "Bytes of uploads that became pictures")
MEDIA_PROCESSING_SECONDS = Histogram(
    "tl_media_processing_seconds",
    "Time to decode a picture and encode its variants",
    ["kind"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
MEDIA_SWEPT = Counter("tl_media_swept", "Pictures removed because no tweet took them in time")

# What people are told.
NOTIFICATIONS_WRITTEN = Counter(
    "tl_notifications_written", "Groups of notifications written or changed", ["kind"]
)
NOTIFICATIONS_SUPPRESSED = Counter(
    "tl_notifications_suppressed", "Doings that somebody was not told of, by why", ["reason"]
)

# Trends.
TRENDS_COUNTED = Counter("tl_trends_counted", "Terms that a new voice has said")
TRENDS_TERMS = Gauge(
    "tl_trends_terms", "Terms that the hours of trends keep", multiprocess_mode="mostrecent"
)
TRENDS_LAG = Gauge(
    "tl_trends_lag_seconds",
    "Age of the oldest post that the newest lists of trends were the first to count",
    multiprocess_mode="mostrecent",
)
TRENDS_SECONDS = Histogram(
    "tl_trends_seconds",
    "Time to make the lists of trends",
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)

# Hot tweets.
HOT_TWEETS = Gauge(
    "tl_hot_tweets", "Tweets that are called hot now", multiprocess_mode="mostrecent"
)
HOT_PREDICTIONS = Counter("tl_hot_predictions", "Tweets judged, by whom and how", ["by", "hot"])
HOT_LEARNED = Counter("tl_hot_learned", "Tweets whose end the predictor has learned from")
HOT_LEFT_OUT = Counter(
    "tl_hot_left_out", "Acts upon tweets that were not watched because too many are"
)
HOT_WATCHED = Gauge(
    "tl_hot_watched",
    "Tweets that are watched: young, or open until their end",
    ["state"],
    multiprocess_mode="mostrecent",
)
HOT_MODEL_AGE = Gauge(
    "tl_hot_model_age_seconds",
    "Time since the predictor judged or learned last",
    multiprocess_mode="mostrecent",
)
HOT_LAG = Gauge(
    "tl_hot_lag_seconds",
    "How late the longest waiting tweet was judged",
    multiprocess_mode="mostrecent",
)

# Operators.
LAST_BACKUP = Gauge(
    "tl_last_backup_timestamp_seconds",
    "When the last backup was taken, as Unix time; 0 if never",
    multiprocess_mode="mostrecent",
)
