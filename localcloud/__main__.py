"""The command that runs the chat on this machine.

python -m localcloud; PORT chooses the port, 8000 by default. Ctrl-C, SIGINT or SIGTERM stops it.
"""

import sys
from pathlib import Path

from deployment.errors import PackageError
from localcloud.cloud import chosen_port, local_cloud
from localcloud.errors import LocalCloudError
from localcloud.page_build import page_rebuilt_on_save
from localcloud.reload import Reloader
from localcloud.signals import interrupt_on_signals, interrupt_with_make
from localcloud.stack import Stack


def say(step: str) -> None:
    print(step, flush=True)


def serve(port: int) -> None:
    """Run the local cloud, with reload, until a KeyboardInterrupt. Raises LocalCloudError or PackageError."""
    folder = Path(f"build/local-{port}")
    reloader = Reloader(folder, say)
    with local_cloud(port, folder, say) as cloud, reloader.watching(Stack(port)), page_rebuilt_on_save():
        say(f"REST:      {cloud.rest_url}")
        say(f"WebSocket: {cloud.websocket_url}")
        say(f"Page: {cloud.rest_url}/")
        cloud.process.wait()
        raise LocalCloudError(f"MiniStack ended unexpectedly, with exit code {cloud.process.returncode}")


def main() -> int:
    """Serve until stopped, and return the exit code."""
    interrupt_on_signals()
    try:
        with interrupt_with_make():
            serve(chosen_port())
    except KeyboardInterrupt:
        say("\nStopped.")
    except (LocalCloudError, PackageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
