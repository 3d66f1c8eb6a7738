"""Run the chat on a laptop: python -m localcloud. PORT chooses the port, 8000 otherwise; Ctrl-C stops it."""

import sys
from pathlib import Path

from localcloud.cloud import chosen_port, local_cloud
from localcloud.errors import LocalCloudError
from localcloud.reload import Reloader
from localcloud.stack import Stack


def say(step: str) -> None:
    print(step, flush=True)


def main() -> int:
    """Serve until Ctrl-C, and return the exit code."""
    try:
        port = chosen_port()
        folder = Path(f"build/local-{port}")
        reloader = Reloader(folder, say)
        with local_cloud(port, folder, say) as cloud, reloader.following(Stack(port)):
            say(f"REST:      {cloud.rest_url}")
            say(f"WebSocket: {cloud.websocket_url}")
            say(f"Page: {cloud.rest_url}/")
            cloud.process.wait()
            raise LocalCloudError(f"MiniStack ended by itself, with exit code {cloud.process.returncode}")
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
