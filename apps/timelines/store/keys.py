"""Keys of home timelines and the bounds on which their correctness rests.

All keys of one person lie in one hash slot, on the state instance of their shard.
`tl:{s}:user`  LIST of tweet ids, newest at the tail. A head "0": complete down to the first tweet.
`rd4:{s}:user` present: the list is ready, by these bounds (another number when they shrink, so
               that lists from before are built anew). Its value is the day of the last renewal,
               and "+" after it says that a side list was made (so that one that is lost is
               noticed).
`sl:{s}:user`  side list: ids that came too late for the list's order. Read whole at every read.
`bd:{s}:user`  token of the one rebuild that is under way.
`bp:{s}:user`  present: not to be built again yet, whatever became of it.
Of an instance: `fo:wm` the highest id handed to pushing, `fo:handed` how many ids were, `fo:low`
the lowest id of the unit that was handed last; `fo:bulk:event` how far the bulk lane has come with
one event, `fo:bulk:wm` … the same as `fo:…` for what is handed to that lane.
"""

from collections.abc import Iterator, Sequence

from django.conf import settings

from apps.infra.stores.sharding import instance_of, shard_of, shards_of

# Inside a chunk of events the ids of one author go together, so a list may hold up to 9 smaller
# ids behind a larger one. Every read must look so much deeper.
CHUNK_EVENTS = 10
# Events that are handed to pushing as one: a watermark, and a look whether others came in between.
UNIT_EVENTS = 2_000
# Ids of a unit that may lie behind larger ones of other pushers who were handed theirs later; where
# there may be more, the unit's ids are moved to the side lists.
OVERLAP_IDS = 5
# Ids of a list just rebuilt that may be pushed once more, behind larger ones. Where more may be,
# the rebuild has pushes take the exact way.
AGAIN_IDS = 2
# A list is cut back to its length when it is longer by more than this.
TRIM_SLACK = 32
# Ids of a tail that may be of deleted tweets before the whole list is read.
SPARE_IDS = 6
# A longer side list is dropped with its timeline: a rebuild is cheaper than merging it for ever.
MAX_SIDE = 256
# Homes of people who were not seen for so long go; the next read builds them again.
TTL_SECONDS = 30 * 86_400
# A rebuild that takes longer gives up; another one may begin.
BUILD_MS = 10_000
# After a rebuild no reader asks for the next one for so many times as long as it took, and reads
# come from PostgreSQL: nobody's home, however often it is lost, takes more than a twentieth of a
# worker.
PAUSE_FACTOR = 20
BULK_TTL_SECONDS = 86_400

# How the key of a ready marker begins; the scripts derive it from the list's.
READY = "rd4"
WATERMARK = b"fo:wm"
HANDED = b"fo:handed"
LOW = b"fo:low"
# The same of the bulk lane.
BULK_WATERMARKS = b"fo:bulk:wm", b"fo:bulk:handed", b"fo:bulk:low"


def disorder() -> int:
    """How many smaller ids may lie behind one id of a list, at most."""
    return CHUNK_EVENTS + OVERLAP_IDS + AGAIN_IDS - 1


def kept_ids() -> int:
    """How many ids a list keeps, so that HOME_TIMELINE_LENGTH of them are known for certain."""
    length: int = settings.HOME_TIMELINE_LENGTH
    return length + disorder()


def list_key(user_id: int) -> bytes:
    """Key of a home timeline's list."""
    return b"tl:{%d}:%d" % (shard_of(user_id), user_id)


def list_keys(user_ids: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Instance and list key of many people, given in decimal."""
    heads = [(instance_of(one), b"tl:{%d}:" % one) for one in range(settings.TIMELINE_SHARDS)]
    for user_id, shard in zip(user_ids, shards_of(map(int, user_ids)), strict=True):
        instance, head = heads[shard]
        yield instance, head + user_id


def home_keys(user_id: int) -> tuple[bytes, bytes, bytes, bytes]:
    """Keys of list, ready marker, side list and building token."""
    rest = b"{%d}:%d" % (shard_of(user_id), user_id)
    return b"tl:" + rest, READY.encode() + b":" + rest, b"sl:" + rest, b"bd:" + rest


def pause_key(user_id: int) -> bytes:
    """Key of the pause after a rebuild."""
    return b"bp:{%d}:%d" % (shard_of(user_id), user_id)


def home_instance(user_id: int) -> int:
    """Index of the state Redis that holds a person's home timeline."""
    return instance_of(shard_of(user_id))


def bulk_key(event_id: int) -> bytes:
    """Key of the bulk lane's place in one event."""
    return b"fo:bulk:%d" % event_id
