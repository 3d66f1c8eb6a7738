# Install a Chromium for the browser tests. Its headless shell needs half the CPU time of the whole browser.
set -eu
command -v chromium-headless-shell >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install --yes -qq chromium-headless-shell >/dev/null && exit 0
fi
command -v chromium >/dev/null || command -v google-chrome >/dev/null && exit 0
"$BIN/playwright" install --with-deps --only-shell chromium
