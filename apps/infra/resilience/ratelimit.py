"""Who is let through: charges requests, says what is left, refuses with the time to come back.

An answer of the API carries three headers. They belong to the request, whichever door answers it:
the door opens a `Bill`, whoever finds out who calls charges it (`charge`, `charge_stranger`), and
the door puts `bill.head` on whatever the answer is. While the state Redis does not answer,
`apps.infra.resilience.local` decides.
"""

import contextlib
import logging
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NoReturn

from django.conf import settings

from apps.infra import clock
from apps.infra.errors import RateLimited
from apps.infra.resilience import gcra, leases, rules
from apps.infra.resilience.breaker import breaker_of, state_name
from apps.infra.resilience.gcra import US, Verdict
from apps.infra.resilience.leases import Allowance, Caller, instance_of_caller, whole_head
from apps.infra.resilience.local import LocalBuckets
from apps.infra.resilience.rules import Rule
from apps.infra.stores import aioredis

log = logging.getLogger(__name__)

# At most one line per rule in so many seconds.
LOG_SECONDS = 1.0

_RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (*rules.PERSON.values(), *rules.APPLICATION.values(), *rules.GUARDS, *rules.SITE)
}
# Made when first asked for: the settings must be there.
_allowances: dict[str, Allowance] = {}
_local = LocalBuckets()
# Rule → when it was last logged, and how many refusals since.
_logged: dict[str, tuple[float, int]] = {}


class Bill:
    """What one request is charged, and what its answer tells about it.

    `where` has the request's `method`, and its `route` once that is known; `address` is the
    caller's (`apps.infra.web.addresses.network_of`). `head` holds the headers as they go on the
    wire, empty while nothing was charged.
    """

    __slots__ = ("address", "head", "where")

    def __init__(self, where: Mapping[str, Any], address: str) -> None:
        self.where = where
        self.address = address
        self.head = b""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The same as pairs."""
        lines = [line.partition(b": ") for line in self.head.split(b"\r\n") if line]
        return [(name, value) for name, _, value in lines]

    async def settle(self) -> None:
        """Before the answer leaves: what nobody was charged for, the address is; this says no
        more than what is left."""
        if not self.head:
            await _charge(self, rules.STRANGERS, f"i{self.address}")


_bill: ContextVar[Bill | None] = ContextVar("bill", default=None)


def open_bill(where: Mapping[str, Any], address: str) -> Bill:
    """Note that the request that the running task answers is counted."""
    bill = Bill(where, address)
    _bill.set(bill)
    return bill


def note(head: bytes) -> None:
    """Say that the running request was charged already, and what its answer tells."""
    bill = _bill.get()
    if bill is not None:
        bill.head = head


def allowance(name: str) -> Allowance:
    """The leases of a rule, by its name."""
    found = _allowances.get(name)
    if found is None:
        found = _allowances[name] = Allowance(_RULES[name])
    return found


def is_off() -> bool:
    """Whether nothing is limited."""
    return not settings.RATE_LIMIT_FACTOR


def forget() -> None:
    """Forget what this process knows of buckets, and read the settings again."""
    for one in _allowances.values():
        one.resize()
    _local.clear()
    _logged.clear()


async def charge(*, person: int | None = None, application: int | None = None) -> None:
    """Charge the running request to whom its token speaks for; once, however often it is asked.

    Raises:
        RateLimited: the bucket of the operation's group is empty.
    """
    bill = _bill.get()
    if bill is None or bill.head:
        return
    group = rules.group_of(bill.where["method"], bill.where.get("route") or "")
    if person is not None:
        await _take(bill, rules.PERSON[group], person)
    else:
        await _take(bill, rules.APPLICATION[group], f"a{application}")


async def charge_stranger() -> None:
    """Charge the running request to its address: its token opens nothing.

    Raises:
        RateLimited: too many came from there.
    """
    bill = _bill.get()
    if bill is not None and not bill.head:
        await _take(bill, rules.STRANGERS, f"i{bill.address}")


async def charge_to(rule: Rule, caller: Caller) -> None:
    """Charge a request whose answer tells nothing of limits, as a page.

    Raises:
        RateLimited: the bucket is empty.
    """
    await _take(Bill({}, ""), rule, caller)


def spend_here(name: str, caller: Caller) -> bool:
    """Charge a caller, if this process has a permit; False: `charge_to` has to ask for one."""
    return is_off() or allowance(name).spend(caller) is not None


def ask_along(one: Allowance, caller: Caller) -> leases.Asking | None:
    """Prepare a question that goes along with a round trip to the caller's instance, which is
    made anyway; None where the general way (`charge`) has to decide."""
    if is_off() or one.refusal(caller) or _is_down(instance_of_caller(caller)):
        return None
    return leases.begin(one, caller)


def charge_soon(
    one: Allowance, caller: Caller, *, loop: AbstractEventLoop, then: Callable[[bytes | None], None]
) -> bool:
    """Charge a caller without a task, with a round trip of its own: `then` gets what `settled`
    gives. False where the general way (`charge`) has to decide."""
    asking = ask_along(one, caller)
    if asking is None:
        return False
    client = aioredis.client(instance_of_caller(caller), loop=loop)

    def come(came: list[Any] | aioredis.RedisDown) -> None:
        then(settled(asking, None if isinstance(came, aioredis.RedisDown) else came[0]))

    if client.call_now(asking.question, 1, come):
        return True
    asking.settle(None)
    return False


def settled(asking: leases.Asking, reply: Any) -> bytes | None:
    """The headers of the answer, if the reply allows one; `charge` says what else it means."""
    verdict = asking.settle(reply)
    if verdict is None or not verdict.granted:
        return None
    asking.allowance.allowed.n += 1
    return whole_head(asking.allowance, verdict)


async def take(*wanted: tuple[Rule, str]) -> None:
    """Take one permit of each of some buckets, or of none; the answer of a counted request tells
    of the scarcest.

    Raises:
        RateLimited: one is empty; it says which limit and when.
    """
    if is_off():
        _tell_off(_bill.get(), wanted[0][0])
        return
    chosen = [(allowance(rule.name), name) for rule, name in wanted]
    buckets = [one.bucket(name) for one, name in chosen]
    verdict = await _decide([(one.rule, name) for one, name in chosen], buckets)
    one = chosen[verdict.place][0]
    bill = _bill.get()
    if bill is not None:
        bill.head = whole_head(one, verdict)
    if not verdict.granted:
        _refuse(one, verdict)
    one.allowed.n += 1


async def give_back(*taken: tuple[Rule, str]) -> None:
    """Give back what `take` took a moment ago; is skipped when the state Redis is down."""
    if is_off() or _is_down(0):
        return
    buckets = [allowance(rule.name).bucket(name) for rule, name in taken]
    with contextlib.suppress(aioredis.RedisDown):
        await aioredis.client(0).pipe([gcra.give_back(buckets)])


async def _take(bill: Bill, rule: Rule, caller: Caller) -> None:
    """Charge one caller. Raises RateLimited."""
    refusal = await _charge(bill, rule, caller)
    if refusal is not None:
        _refuse(allowance(rule.name), refusal)


async def _charge(bill: Bill, rule: Rule, caller: Caller) -> Verdict | None:
    """Charge one caller, from a lease if there is one; gives why not, where not."""
    if is_off():
        _tell_off(bill, rule)
        return None
    one = allowance(rule.name)
    head = one.spend(caller)
    if head is not None:
        bill.head = head
        return None
    verdict = one.refusal(caller) or await _ask(one, caller)
    bill.head = whole_head(one, verdict)
    if not verdict.granted:
        return verdict
    one.allowed.n += 1
    return None


async def _ask(one: Allowance, caller: Caller) -> Verdict:
    """Ask the bucket; the one of this process if it does not answer."""
    instance = instance_of_caller(caller)
    if _is_down(instance):
        return _decide_here([(one.rule, caller)], [one.bucket(caller)])
    asking = leases.begin(one, caller)
    reply = None
    try:
        with contextlib.suppress(aioredis.RedisDown):
            client = aioredis.client(instance)
            (reply,) = await client.pipe([asking.command()])
            if gcra.verdict_of(reply) is None:
                (reply,) = await client.pipe([asking.command(whole=True)])
    finally:
        verdict = asking.settle(reply)
    if verdict is None:
        return _decide_here([(one.rule, caller)], [one.bucket(caller)])
    return verdict


async def _decide(wanted: Sequence[tuple[Rule, str]], buckets: Sequence[gcra.Bucket]) -> Verdict:
    """One decision about several buckets, all of which are on the first instance."""
    if not _is_down(0):
        with contextlib.suppress(aioredis.RedisDown):
            (reply,) = await aioredis.client(0).pipe([gcra.take(buckets, 1, whole=True)])
            verdict = gcra.verdict_of(reply)
            if verdict is not None:
                return verdict
            log.error("rate limits: the script failed", extra={"error": repr(reply)})
    return _decide_here(wanted, buckets)


def _decide_here(wanted: Sequence[tuple[Rule, Caller]], buckets: Sequence[gcra.Bucket]) -> Verdict:
    rule = wanted[0][0]
    allowance(rule.name).failed.n += 1
    return _local.take(
        [(bucket.key, one) for bucket, (one, _) in zip(buckets, wanted, strict=True)]
    )


def _is_down(instance: int) -> bool:
    return breaker_of(state_name(instance)).is_open


def _tell_off(bill: Bill | None, rule: Rule) -> None:
    """Nothing is limited, and clients still read the headers."""
    if bill is not None:
        now_us = clock.now_ms() * 1000
        bill.head = whole_head(allowance(rule.name), Verdict(1, 0, rule.limit, now_us, now_us))


def _refuse(one: Allowance, verdict: Verdict) -> NoReturn:
    one.refused.n += 1
    _log(one.rule)
    seconds = max(1, -(-(verdict.at_us - verdict.now_us) // US))
    moment = clock.from_ms(-(-verdict.at_us // US) * 1000)
    raise RateLimited(
        f"The limit of {one.limit:,} {one.rule.what} in {one.rule.window} is used up. The next"
        f" request is taken at {moment:%Y-%m-%dT%H:%M:%SZ}, in {seconds} s.",
        retry_after_seconds=seconds,
    )


def _log(rule: Rule) -> None:
    now = time.monotonic()
    last, unsaid = _logged.get(rule.name, (-LOG_SECONDS, 0))
    if now - last < LOG_SECONDS:
        _logged[rule.name] = (last, unsaid + 1)
        return
    _logged[rule.name] = (now, 0)
    log.info("rate limit reached", extra={"rule": rule.name, "unsaid": unsaid})
