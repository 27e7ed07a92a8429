"""How a new process says that it is ready: a line in a pipe that it was given at its start.

Only a process that is to take the place of another has one. It begins its work at once, except
where that would be seen before it can be done well: web processes do not accept before.
"""

import os
import select

# The number of the descriptor, in the environment of the new process.
VARIABLE = "READY_FD"
_READY = "ready"
_MOST_BYTES = 65_536
_LONGEST_REASON = 300


class Waiter:
    """The end of the pipe at which somebody waits."""

    def __init__(self) -> None:
        """Open the pipe."""
        self._read, self.write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self.write, False)
        self._text = ""

    def heard(self) -> tuple[int, str]:
        """How many said that they are ready, and what the last of the others said."""
        while True:
            try:
                text = os.read(self._read, _MOST_BYTES)
            except BlockingIOError:
                break
            if not text:
                break
            self._text += text.decode(errors="replace")
        lines = self._text.splitlines()
        reasons = [line for line in lines if line != _READY]
        return lines.count(_READY), reasons[-1] if reasons else ""

    def close_read(self) -> None:
        """Wait no more; who asks then is told that nobody waits."""
        os.close(self._read)

    def close_write(self) -> None:
        """Leave speaking to the new process."""
        os.close(self.write)


def is_awaited() -> bool:
    """Whether somebody waits for this process to be ready."""
    given = os.environ.get(VARIABLE, "")
    if not given:
        return False
    poll = select.poll()
    poll.register(int(given), select.POLLOUT)
    # The other end is closed, or was never there.
    gone = select.POLLERR | select.POLLHUP | select.POLLNVAL
    return not any(event & gone for _, event in poll.poll(0))


def tell() -> bool:
    """Say that this process is ready; whether somebody waited for it."""
    return _say(_READY)


def excuse(reason: str) -> bool:
    """Say why it is not ready yet; whether somebody waits."""
    return _say(" ".join(reason.split())[:_LONGEST_REASON])


def _say(line: str) -> bool:
    if not is_awaited():
        return False
    try:
        os.write(int(os.environ[VARIABLE]), f"{line}\n".encode())
    except OSError:
        return False
    return True
