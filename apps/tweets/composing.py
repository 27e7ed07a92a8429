"""What the compose form brings besides its text: pictures, and a poll."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.infra.errors import Invalid
from apps.infra.web import pages
from apps.media import uploading
from apps.media.services.attaching import MAX_PICTURES
from apps.tweets.services_polls import MAX_OPTIONS, NewPoll, checked_poll

MAX_PICTURE_BYTES = 5 * 1024 * 1024
# Four pictures, their descriptions, and the rest of the form.
MAX_COMPOSE_BYTES = MAX_PICTURES * MAX_PICTURE_BYTES + 131_072
ONE_DAY = 1_440


@dataclass(slots=True)
class Extras:
    """What goes out with a post. `media_ids` are uploaded; a form that comes back keeps them."""

    media_ids: list[int] = field(default_factory=list)
    poll: NewPoll | None = None

    def form(self, request: HttpRequest) -> dict[str, Any]:
        """What the form shows again, or at first."""
        given = request.POST
        options = [given.get(f"option{number}", "") for number in range(1, MAX_OPTIONS + 1)]
        return {
            "media_ids": self.media_ids,
            "poll_options": list(enumerate(options, 1)),
            "asks": any(options),
            "minutes": _minutes(request),
        }


async def upload_pictures(request: HttpRequest, owner_id: int, extras: Extras) -> None:
    """Make pictures of the files of a form, after those that it kept; all in `extras`.

    Raises:
        Invalid: more than four. BadPicture: a file is none; those before it are in `extras`.
    """
    kept = request.POST.getlist("media")[:MAX_PICTURES]
    extras.media_ids.extend(number for one in kept if (number := pages.id_from(one)))
    for number in range(1, MAX_PICTURES + 1):
        file: Any = request.FILES.get(f"picture{number}")
        if file is None or not file.size:
            continue
        if len(extras.media_ids) >= MAX_PICTURES:
            raise Invalid(_("A post has at most four pictures."))
        upload = await uploading.once(owner_id, {"media": file.read()})
        extras.media_ids.append(upload.id)
        if text := request.POST.get(f"alt{number}", "").strip():
            await uploading.describe(owner_id, upload.id, text)


def read_poll(request: HttpRequest, extras: Extras) -> None:
    """The poll of a form, where any of its options is filled in. Raises BadPoll."""
    given = [request.POST.get(f"option{number}", "") for number in range(1, MAX_OPTIONS + 1)]
    options = [option for option in given if option.strip()]
    if options:
        extras.poll = checked_poll(options, _minutes(request))


def _minutes(request: HttpRequest) -> int:
    return pages.id_from(request.POST.get("minutes"), fallback=ONE_DAY) or 0
