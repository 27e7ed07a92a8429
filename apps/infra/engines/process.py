"""Start processes that never outlive their parent unseen, and find those that did."""

import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PROC = Path("/proc")
Process = subprocess.Popen[bytes]


@functools.cache
def dies_with_parent(death_signal: signal.Signals) -> list[str]:
    """Return a command prefix: the kernel sends `death_signal` when the parent thread ends.

    The prefix is empty where `setpriv` is missing; then the next start finds the leftovers.
    A prefix is used because a function between fork and exec is unsafe beside threads.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    prefix = [setpriv, "--pdeathsig", death_signal.name.removeprefix("SIG"), "--"]
    return prefix if _works([*prefix, "true"]) else []


@functools.cache
def unprivileged() -> list[str]:
    """Return a command prefix under which root's process is not root; empty for an ordinary user.

    PostgreSQL refuses to run as root. In a user namespace of its own the server sees itself as
    user 1000 while its files stay owned by root, so no account and no change of mode is needed.
    Where namespaces are closed, an existing account is used: see `engine_account`.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    if shutil.which("unshare") and _works([*namespace, "true"]):
        return namespace
    user, group = _fallback_account()
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--"]


def engine_account() -> tuple[int, int] | None:
    """Return the user and group id that must own PostgreSQL's files, None when it is our own."""
    if unprivileged()[:1] == ["setpriv"]:
        return _fallback_account()
    return None


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    run_as: Sequence[str] = (),
    death_signal: signal.Signals = signal.SIGTERM,
) -> Process:
    """Start a process in a session of its own, so that Ctrl-C reaches the supervisor alone.

    Args:
        log: output and errors are appended to it.
        run_as: command prefix that changes the account; it must come first, since the kernel
            forgets the death signal when the account changes.
        death_signal: what the process gets when we die without stopping it.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [*run_as, *dies_with_parent(death_signal), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
            # Python ignores SIGXFSZ, and so does what it starts: a file that may not grow any
            # more is an error of writing, which an engine survives, and no sudden death.
            restore_signals=False,
        )


def birth_mark(pid: int) -> str | None:
    """Return what tells a process from a later one with the same pid; None when it is gone.

    The mark is the boot id and the start time in clock ticks. A zombie counts as gone.
    """
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return None
    boot_id = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot_id}:{fields[19]}"


def working_in(directory: Path, programs: Iterable[str]) -> list[int]:
    """Return the pids of the named programs whose working directory is `directory`.

    Both engines change into their data directory, so this finds a server and its orphaned
    backends, whoever started them, and never a process of another installation.
    """
    names, home = set(programs), os.path.realpath(directory)
    found = []
    for pid in _pids():
        entry = PROC / str(pid)
        try:
            if (entry / "comm").read_text().strip() not in names:
                continue
            if (entry / "cwd").readlink() == Path(home) and birth_mark(pid):
                found.append(pid)
        except OSError:
            continue  # it ended meanwhile, or belongs to another user
    return found


def in_session(leader: int) -> list[int]:
    """Return the pids of the session that `spawn` opened: the process and what it started."""
    return [pid for pid in _pids() if (fields := _stat(pid)) and fields[3] == str(leader)]


def writing_into(directory: Path) -> list[int]:
    """Return the pids of the processes whose output or errors go to a file of this directory.

    So a child is known by its log, whoever started it and whatever it calls itself.
    """
    home = os.path.realpath(directory)
    found = []
    for pid in _pids():
        for descriptor in ("1", "2"):
            try:
                target = os.readlink(PROC / str(pid) / "fd" / descriptor)
            except OSError:
                break  # it ended meanwhile, or belongs to another user
            if os.path.dirname(target) == home and birth_mark(pid):
                found.append(pid)
                break
    return found


def kill_all(pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to processes, of which some may be gone."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def wait_gone(pids: Iterable[int], *, timeout_seconds: float) -> bool:
    """Wait until none of the processes is alive; False when the time is over."""
    waiting = set(pids)
    deadline = time.monotonic() + timeout_seconds
    while waiting := {pid for pid in waiting if birth_mark(pid)}:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _pids() -> list[int]:
    """Return every pid; none where there is no /proc."""
    return [int(entry.name) for entry in PROC.glob("[0-9]*")]


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on; None when the process is gone."""
    try:
        # The second field is the program's name in brackets and may hold spaces.
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _fallback_account() -> tuple[int, int]:
    """Return user and group id of `postgres`, else of `nobody`."""
    import pwd

    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return 65534, 65534


def _works(argv: Sequence[str]) -> bool:
    """Tell whether a command ends well."""
    try:
        return subprocess.run(argv, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
