"""Permits in this process's memory, taken from a bucket some at a time.

A round trip for each request costs too much, so a process takes a lease: several permits, charged
in the bucket before any is spent, so all processes together never spend more than it gives. A
lease grows while it is spent in time, shrinks while it is not, and is never more than a 50th of the
limit nor a 16th of what is left; so what lies unused in other processes is never much, and limits
of less than a hundred, and the rest of any bucket, are counted one by one.

A held permit ages: one per refill of one in the bucket. So permits are lost no faster than they
come back, nothing needs to be given back, and no burst is larger than the bucket by more than one.
For the thread of the event loop.
"""

from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.conf import settings

from apps.infra.resilience import gcra
from apps.infra.resilience.gcra import US, Bucket, Verdict
from apps.infra.resilience.rules import Rule
from apps.infra.stores.sharding import instance_of, shard_of
from apps.infra.telemetry import metrics
from apps.infra.telemetry.tally import Tally

# Who is counted: a person's id, or text that says which address or application.
Caller = int | str
MAX_SHARE = 50
FIRST_SHARE = 100
LEAST_SHARE = 400
MAX_LEASES = 20_000


class Lease:
    """What one caller has left of a bucket here, and what a bucket that was empty said."""

    __slots__ = (
        "base",
        "between",
        "granted",
        "head",
        "interval",
        "is_asking",
        "left",
        "refusal",
        "refused_until",
        "until",
    )

    def __init__(self) -> None:
        # Permits here, and until when (`monotonic()`) the next of them is good.
        self.left, self.until, self.interval = 0, 0.0, 0.0
        # What the answers say: the headers up to the number of requests that remain and from there
        # to where it stands once more, and how many are in the bucket.
        self.head, self.between, self.base = b"", b"", 0
        self.granted = 0
        self.is_asking = False
        self.refused_until = 0.0
        self.refusal: Verdict | None = None


class Allowance:
    """The leases of one rule; `limit` is that of the rule times RATE_LIMIT_FACTOR."""

    __slots__ = (
        "_head",
        "_key_end",
        "_policy",
        "_sizes",
        "allowed",
        "failed",
        "interval",
        "leases",
        "limit",
        "refused",
        "rule",
    )

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.leases: dict[Caller, Lease] = {}
        self.allowed = Tally(metrics.RATE_LIMITED.labels(rule.name, "allowed"))
        self.refused = Tally(metrics.RATE_LIMITED.labels(rule.name, "refused"))
        # Decided without the state Redis, whatever the decision was.
        how = "failed_closed" if rule.is_strict else "failed_open"
        self.failed = Tally(metrics.RATE_LIMITED.labels(rule.name, how))
        self.limit, self.interval = 0, 0.0
        self._key_end = f"}}:{rule.name}".encode()
        self.resize()

    def resize(self) -> None:
        """Forget all leases, and read the setting again."""
        self.leases.clear()
        self.fit(max(1, round(self.rule.limit * (settings.RATE_LIMIT_FACTOR or 1))))

    def fit(self, limit: int) -> None:
        """Allow so many requests in the rule's window."""
        self.limit = limit
        self.interval = self.rule.window_seconds / limit
        self._sizes = gcra.sizes_of(limit, self.rule.window_seconds)
        name = self.rule.name.encode()
        self._head = b"x-rate-limit-limit: %d\r\nx-rate-limit-reset: " % limit
        self._policy = b'\r\nratelimit-policy: "%b";q=%d;w=%d\r\nratelimit: "%b";t=' % (
            name,
            limit,
            self.rule.window_seconds,
            name,
        )

    def spend(self, caller: Caller) -> bytes | None:
        """Spend a permit that is here: the headers that say so, or None. The hot path."""
        lease = self.leases.get(caller)
        if lease is None or not lease.left or monotonic() > lease.until:
            return None
        lease.left = left = lease.left - 1
        lease.until -= lease.interval
        self.allowed.n += 1
        left += lease.base
        return b"%b%d%b%d\r\n" % (lease.head, left, lease.between, left)

    def refusal(self, caller: Caller) -> Verdict | None:
        """The bucket's last word, as long as it holds: nobody asks an empty bucket again."""
        lease = self.leases.get(caller)
        if lease is None or lease.refusal is None or monotonic() >= lease.refused_until:
            return None
        wait_us = int((lease.refused_until - monotonic()) * US)
        return lease.refusal._replace(now_us=lease.refusal.at_us - wait_us)

    def bucket(self, caller: Caller) -> Bucket:
        """Where a caller's permits are."""
        return Bucket(self._key(caller), self.limit, self.rule.window_seconds)

    def question(self, caller: Caller, wanted: int) -> bytes:
        """The encoded command for permits of one caller."""
        return gcra.encoded(self._key(caller), self._sizes, wanted)

    def _key(self, caller: Caller) -> bytes:
        if isinstance(caller, int):
            return b"rl:{u%d%b" % (caller, self._key_end)
        return b"rl:{%b%b" % (caller.encode("utf-8", "replace"), self._key_end)

    def _lease_of(self, caller: Caller) -> Lease:
        lease = self.leases.get(caller)
        if lease is None:
            lease = self.leases[caller] = Lease()
            if len(self.leases) > MAX_LEASES:
                # A lease that is lost costs its permits, no more.
                del self.leases[next(iter(self.leases))]
        return lease


@dataclass(slots=True)
class Asking:
    """A question for permits that is on its way; `settle` takes the reply, or what went wrong."""

    allowance: Allowance
    caller: Caller
    lease: Lease
    wanted: int
    # Whether what comes is kept; who asks while another does takes one permit for itself.
    is_lease: bool
    sent: float

    @property
    def question(self) -> bytes:
        """One command, encoded, for the instance `instance_of_caller`."""
        return self.allowance.question(self.caller, self.wanted)

    def command(self, *, whole: bool = False) -> list[bytes]:
        """The command; `whole` as in `gcra.take`."""
        return gcra.take([self.allowance.bucket(self.caller)], self.wanted, whole=whole)

    def settle(self, reply: Any) -> Verdict | None:
        """Take the reply to the question; one permit of it is spent.

        Args:
            reply: None where there was none.
        """
        lease = self.lease
        if self.is_lease:
            lease.is_asking = False
        verdict = None if reply is None else gcra.verdict_of(reply)
        if verdict is None:
            return None
        if not verdict.granted:
            # From the question on, not from the reply: never longer than the bucket meant.
            lease.refused_until = self.sent + (verdict.at_us - verdict.now_us) / US
            lease.refusal = verdict
        elif self.is_lease:
            allowance = self.allowance
            lease.granted, lease.left = verdict.granted, verdict.granted - 1
            lease.interval = allowance.interval
            lease.until = self.sent + lease.left * allowance.interval
            lease.head, lease.between = heads_of(allowance, verdict)
            lease.base = verdict.left
            lease.refusal = None
        return verdict


def begin(allowance: Allowance, caller: Caller) -> Asking:
    """Prepare a question for as many permits as suit how fast the last ones went."""
    lease = allowance._lease_of(caller)
    if lease.is_asking:
        return Asking(allowance, caller, lease, 1, False, monotonic())
    most = max(1, allowance.limit // MAX_SHARE)
    if not lease.granted:
        wanted = max(1, allowance.limit // FIRST_SHARE)
    elif not lease.left:
        wanted = min(lease.granted * 2, most)
    else:
        wanted = max(1, lease.granted // 2, allowance.limit // LEAST_SHARE)
    # What was not spent in time is not spent any more.
    lease.left, lease.is_asking = 0, True
    return Asking(allowance, caller, lease, wanted, True, monotonic())


def instance_of_caller(caller: Caller) -> int:
    """The state Redis that keeps a caller's buckets; a person's are beside the home timeline."""
    return instance_of(shard_of(caller)) if isinstance(caller, int) else 0


def heads_of(allowance: Allowance, verdict: Verdict) -> tuple[bytes, bytes]:
    """The headers of an answer up to the number of requests that remain, and from there to where it
    stands once more: X's three, and `RateLimit` with its policy.

    The latter as in draft-ietf-httpapi-ratelimit-headers-10, of September 2025.

    What is told as the reset is the second from which the bucket is full again; when nothing
    remains, the one from which the next request is allowed.
    """
    at_us = verdict.at_us
    if verdict.granted and not verdict.left:
        at_us -= round((allowance.rule.window_seconds - allowance.interval) * US)
    full_in = max(0, -(-(at_us - verdict.now_us) // US))
    return (
        b"%b%d\r\nx-rate-limit-remaining: " % (allowance._head, -(-at_us // US)),
        b"%b%d;r=" % (allowance._policy, full_in),
    )


def whole_head(allowance: Allowance, verdict: Verdict) -> bytes:
    """The headers of an answer right after a decision."""
    before, between = heads_of(allowance, verdict)
    left = verdict.left + max(verdict.granted - 1, 0)
    return b"%b%d%b%d\r\n" % (before, left, between, left)
