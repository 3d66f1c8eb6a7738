# Get what the browser tests need: axe-core, and a Chromium from PATH, else from Debian, else Playwright's own.
set -eu
npm install --prefix tests/browser --no-audit --no-fund --silent
command -v chromium >/dev/null || command -v google-chrome >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install --yes -qq chromium >/dev/null && exit 0
fi
"$BIN/playwright" install --with-deps chromium
