# Get a Chromium for the browser tests: from PATH, else from Debian, else Playwright's own.
set -eu
command -v chromium >/dev/null || command -v google-chrome >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install --yes -qq chromium >/dev/null && exit 0
fi
"$BIN/playwright" install --with-deps chromium
