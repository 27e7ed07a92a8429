"""The verbs of this app as a test says them: `append(upload, alice, 0, data)`."""

from apps.infra import clock
from apps.media.services import uploads
from apps.media.services.attaching import attach
from tests.media.conftest import picture


def begin(owner, size, **more):
    return uploads.begin_upload(owner_id=owner.id, total_bytes=size, now=clock.now(), **more)


def append(upload, owner, segment, data):
    return uploads.append(
        media_id=upload.id, owner_id=owner.id, segment=segment, data=data, now=clock.now()
    )


def finalize(upload, owner):
    return uploads.finalize(media_id=upload.id, owner_id=owner.id, now=clock.now())


def once(owner, data=None, **more):
    return uploads.upload_once(owner_id=owner.id, data=data or picture(), now=clock.now(), **more)


def hang(owner, *ids, tweet_id=77):
    attach(media_ids=list(ids), owner_id=owner.id, tweet_id=tweet_id, now=clock.now())
