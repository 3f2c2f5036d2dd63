#!/usr/bin/env bash
# Installs what building, testing and the demo need and this machine lacks: the
# PostgreSQL server's programs (not a running server: momentcast starts its own),
# make, git, curl, CA certificates and a C compiler for the race detector; for the
# tests of the pages Chromium and a font with Chinese characters.
#
#   scripts/setup.sh        everything
#   scripts/setup.sh run    without what only the tests need
#
# Quick and silent when all is there; may be run any number of times.
set -euo pipefail

what=${1:-all}

# The places where internal/localpg looks for a server.
has_postgres() {
  local dir
  shopt -s nullglob
  for dir in \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/lib/postgresql[0-9]*/bin \
    /usr/lib64/postgresql-*/bin /usr/libexec/postgresql[0-9]* \
    /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
    /opt/local/lib/postgresql*/bin /Applications/Postgres.app/Contents/Versions/*/bin; do
    if [[ -x $dir/postgres && -x $dir/initdb ]]; then return 0; fi
  done
  command -v postgres >/dev/null && command -v initdb >/dev/null
}

has() { command -v "$1" >/dev/null; }

# The names that internal/browser looks for.
has_browser() {
  local name
  if [[ -n ${MOMENTCAST_TEST_BROWSER:-} ]]; then has "$MOMENTCAST_TEST_BROWSER" && return 0; fi
  for name in chromium chromium-browser google-chrome google-chrome-stable headless-shell chrome; do
    if has "$name"; then return 0; fi
  done
  [[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" || -x /Applications/Chromium.app/Contents/MacOS/Chromium ]]
}

# Without one the pages' screenshots show boxes. macOS always has one.
has_chinese() {
  [[ $(uname -s) == Darwin ]] && return 0
  if has fc-list; then [[ -n $(fc-list :lang=zh-cn family) ]] && return 0 || return 1; fi
  [[ -n $(find /usr/share/fonts /usr/local/share/fonts "${HOME:-/root}/.local/share/fonts" "${HOME:-/root}/.fonts" \
    \( -iname '*wqy*' -o -iname '*cjk*' -o -iname '*sourcehan*' -o -iname '*droidsansfallback*' \) -print -quit 2>/dev/null) ]]
}

# Ubuntu knows Chromium by another name.
browser_package() {
  if [[ -r /etc/os-release ]] && grep -q '^ID=ubuntu' /etc/os-release; then echo chromium-browser; else echo chromium; fi
}

missing=() # as Debian names them
has_postgres || missing+=(postgresql)
has make || missing+=(make)
has git || missing+=(git)
has curl || missing+=(curl)
has cc || has gcc || has clang || missing+=(gcc libc6-dev)
if [[ $(uname -s) == Linux && ! -e /etc/ssl/certs/ca-certificates.crt && ! -e /etc/pki/tls/certs/ca-bundle.crt && ! -e /etc/ssl/ca-bundle.pem ]]; then
  missing+=(ca-certificates)
fi
if [[ $what == all ]]; then
  has_browser || missing+=("$(browser_package)")
  has_chinese || missing+=(fonts-wqy-microhei)
fi

if ! has go; then
  echo "setup: Go is missing: install the version that go.mod names (or a newer one) and run this again" >&2
  exit 1
fi
if ((${#missing[@]} == 0)); then
  exit 0
fi

# There is nobody to install these for us here: say what to do.
by_hand() {
  echo "setup: missing: ${missing[*]} (as Debian names these packages). $1" >&2
  exit 1
}

if ! has apt-get; then
  case "$(uname -s)" in
    Darwin) by_hand "Install them with: brew install postgresql@17 make git curl; brew install --cask google-chrome; and a compiler with: xcode-select --install" ;;
    *) by_hand "Install them with your system's package manager, for example: dnf install postgresql-server make git curl ca-certificates gcc chromium google-noto-sans-cjk-fonts; apk add postgresql make git curl ca-certificates gcc musl-dev chromium font-noto-cjk; pacman -S postgresql make git curl ca-certificates gcc chromium noto-fonts-cjk" ;;
  esac
fi

as_root=()
if ((EUID != 0)); then
  has sudo || by_hand "As root: apt-get install ${missing[*]}"
  as_root=(sudo)
  [[ -t 0 ]] || as_root=(sudo -n)
  "${as_root[@]}" true || by_hand "Run: sudo apt-get install ${missing[*]}"
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@" </dev/null
}

echo "setup: installing ${missing[*]}"
apt update
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
  # Debian's package makes and starts a server of its own, which nobody here needs.
  # It asks this directory first; the answer is taken back when the package is in.
  apt install -y --no-install-recommends postgresql-common >/dev/null
  no_cluster=/etc/postgresql-common/createcluster.d/momentcast-setup.conf
  "${as_root[@]}" mkdir -p "$(dirname "$no_cluster")"
  echo "create_main_cluster = false" | "${as_root[@]}" tee "$no_cluster" >/dev/null
  trap '"${as_root[@]}" rm -f "$no_cluster"' EXIT
fi
apt install -y --no-install-recommends "${missing[@]}" >/dev/null

if ! has_postgres; then
  echo "setup: the postgresql package is installed, but no server is where momentcast looks for one" >&2
  exit 1
fi
if [[ $what == all ]] && ! has_browser; then
  echo "setup: the tests of the pages need Chromium or Chrome, and its package brought none: install one, or name it in MOMENTCAST_TEST_BROWSER" >&2
  exit 1
fi
