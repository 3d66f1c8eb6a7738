# Install Firefox and WebKitGTK for tests/browser/test_engines.py, from Debian's packages.
set -eu
missing=
command -v firefox-esr >/dev/null || command -v firefox >/dev/null || missing=firefox-esr
command -v WebKitWebDriver >/dev/null || missing="$missing webkit2gtk-driver"
[ -n "${DISPLAY:-}" ] || command -v Xvfb >/dev/null || missing="$missing xvfb"
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing $missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list
    apt-get install --yes -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "The tests in three engines need Debian's packages $missing, or those of your system that have the same." >&2
exit 1
