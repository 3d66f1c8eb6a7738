# Install Chromium for the browser tests unless PATH has one: from Debian as root, otherwise Playwright's own.
set -eu
command -v chromium >/dev/null || command -v google-chrome >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install --yes -qq chromium >/dev/null && exit 0
fi
"$BIN/playwright" install --with-deps chromium
