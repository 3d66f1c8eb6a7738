"""Run the chat on a laptop: python -m localcloud. PORT chooses the port, 8000 otherwise; Ctrl-C stops it."""

import os
import sys
from pathlib import Path

from localcloud.cloud import local_cloud
from localcloud.errors import LocalCloudError


def main() -> int:
    """Serve until Ctrl-C, and return the exit code."""
    port = os.environ.get("PORT", "8000")
    try:
        if not port.isdigit() or not 0 < int(port) < 65_536:
            raise LocalCloudError(f"PORT must be a number from 1 to 65,535, not {port!r}")
        with local_cloud(int(port), Path(f"build/local-{port}"), lambda step: print(step, flush=True)) as cloud:
            print(f"REST:      {cloud.rest_url}")
            print(f"WebSocket: {cloud.websocket_url}")
            print(f"Page: {cloud.rest_url}/", flush=True)
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
