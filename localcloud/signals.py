"""Stop signals of `make run`: every way to stop it raises KeyboardInterrupt in the main thread, once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from watchfiles import watch

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt at the first SIGINT or SIGTERM, and ignore further ones so that cleanup can finish.

    Python handles SIGINT by default, but not when the process starts with SIGINT ignored, as the background processes
    of a shell script do.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        for one in STOP_SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for one in STOP_SIGNALS:
        signal.signal(one, interrupt)


@contextmanager
def interrupt_with_make() -> Iterator[None]:
    """Send this process SIGINT when SIGINT reaches only the `make` that started it.

    `make` passes SIGTERM on to its recipe, but not SIGINT: it deletes the target and waits for the recipe to end (GNU
    make manual, "Interrupting or Killing make"). So this creates the target, MAKE_TARGET, and waits for its deletion.
    """
    if not (name := os.environ.get("MAKE_TARGET")):
        yield
        return
    target, stop = Path(name), threading.Event()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch()

    def follow() -> None:
        for _ in watch(target.parent, recursive=False, stop_event=stop, rust_timeout=1_000, yield_on_timeout=True):
            if not target.exists():
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        target.unlink(missing_ok=True)
