#!/usr/bin/env bash
# Takes a fresh Debian, Ubuntu or macOS machine to a built ./server, step by step; each step is
# skipped where its result is already there. Registries are reached by their clients' own settings.
set -euo pipefail

usage() {
  cat << 'TEXT'
usage: ./install.sh [--serve [ARGS…] | --test [ARGS…] | --help]

  (no option)        installs what is missing and builds ./server
  --serve [ARGS…]    the same, then runs ./server serve ARGS…
  --test [ARGS…]     the same, then checks format, lint and types and runs the tests (ARGS go to
                     "bun test"); the last line is "N passed, N failed"
  --help             this text

Runs as root, or as a user who may use sudo: that is needed for the system's packages only.

environment:
  XDG_CACHE_HOME         where Bun and the media worker are kept (parvis/ in it; default ~/.cache)
  PARVIS_MEDIA_WORKER    a media worker to use instead of fetching or compiling one
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# How often a long step shows what it is at.
pulse_seconds=15
# The prebuilt worker is given up when nothing has arrived, or not everything, by then.
prebuilt_first_byte_seconds=10
prebuilt_total_seconds=180
# What mediasoup's worker exits with when it is started by hand: it runs on this machine.
worker_alone_status=41

# ---------------------------------------------------------------------------------- reporting

step() { printf '==> %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }

die() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# Passes over the output of a long command and shows a line of it now and then.
pulse() {
  local line next=$((SECONDS + pulse_seconds))
  while IFS= read -r line; do
    [ "$SECONDS" -ge "$next" ] || continue
    next=$((SECONDS + pulse_seconds))
    note "${line:0:90}"
  done
}

# Runs a command without its output; shows the end of that when the command fails.
quietly() {
  local log="$scratch/step.log"
  if "$@" 2>&1 < /dev/null | tee "$log" | pulse; then return 0; fi
  tail -n 25 "$log" >&2
  return 1
}

# ---------------------------------------------------------------------------- system packages

has() { command -v "$1" > /dev/null 2>&1; }

as_root() {
  if [ "$EUID" -eq 0 ]; then
    "$@"
  elif has sudo; then
    sudo "$@"
  else
    printf 'root or sudo is needed for: %s\n' "$*" >&2
    return 1
  fi
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 "$@"
}

package_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

# Installs those of the named Debian packages that are missing.
apt_install() {
  local package missing=()
  for package in "$@"; do
    package_installed "$package" || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  note "installing with apt: ${missing[*]}"
  if [ -z "${apt_updated:-}" ]; then
    quietly apt_get update || note "apt-get update failed; trying with the lists that are there"
    apt_updated=yes
  fi
  quietly apt_get install --no-install-recommends "${missing[@]}"
}

ensure_npm() {
  if has npm; then return; fi
  if has apt-get; then
    step "npm (Debian's, some 40 MB, to fetch Bun with)"
    apt_install ca-certificates npm || die "npm cannot be installed"
  elif has brew; then
    step "npm (Homebrew's node, to fetch Bun with)"
    quietly brew install node || die "npm cannot be installed"
  else
    die "npm is missing, and neither apt-get nor brew is here to install it"
  fi
}

# ---------------------------------------------------------------------------------------- Bun

# The version that package.json pins in "engines".
pinned_bun() {
  sed -nE '/"engines"/,/}/s/.*"bun": *"([^"]+)".*/\1/p' "$root/package.json"
}

# npm package that holds Bun's executable for this machine. The package "bun" itself only fetches
# one of these in an install script, which newer versions of npm do not run.
bun_package() {
  local system machine variant=''
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  machine=$(uname -m)
  case "$machine" in
    x86_64 | amd64) machine=x64 ;;
    arm64 | aarch64) machine=aarch64 ;;
  esac
  if [ "$system" = linux ]; then
    case "$(ldd --version 2>&1 || true)" in *musl*) variant=-musl ;; esac
    # Without AVX2 only the baseline build runs.
    if [ "$machine" = x64 ] && ! grep -qw avx2 /proc/cpuinfo; then variant=$variant-baseline; fi
  fi
  echo "@oven/bun-$system-$machine$variant"
}

is_bun() { [ "$("$1" --version 2> /dev/null)" = "$2" ]; }

install_bun() {
  local version=$1 home=$2 package
  ensure_npm
  package=$(bun_package)
  step "Bun $version ($package, from npm)"
  mkdir -p "$scratch/bun" "$home/bin"
  (cd "$scratch/bun" && quietly npm install --prefix . --no-save --no-package-lock \
    --ignore-scripts --no-audit --no-fund "$package@$version") || die "Bun cannot be fetched"
  mv -f "$scratch/bun/node_modules/$package/bin/bun" "$home/bin/bun.new"
  is_bun "$home/bin/bun.new" "$version" || die "the fetched Bun does not run on this machine"
  mv -f "$home/bin/bun.new" "$home/bin/bun"
  ln -sf bun "$home/bin/bunx"
}

# Puts the pinned Bun first in PATH: a private copy, so that the system's own stays as it is.
ensure_bun() {
  local version home
  version=$(pinned_bun)
  [ -n "$version" ] || die "package.json names no version of Bun"
  home="$cache/bun/$version"
  if ! is_bun "$home/bin/bun" "$version"; then
    if is_bun bun "$version"; then return; fi
    install_bun "$version" "$home"
  fi
  export PATH="$home/bin:$PATH"
}

# ----------------------------------------------------------------------------------- packages

# Install scripts stay blocked (Bun's default): mediasoup's would fetch or compile the worker, and
# fail where neither can be done.
ensure_packages() {
  step "npm packages (bun.lock)"
  (cd "$root" && quietly bun install --frozen-lockfile) || die "the packages cannot be installed"
}

# ------------------------------------------------------------------------------- media worker

recipe="$root/src/infra/media/worker"
mediasoup="$root/node_modules/mediasoup"

sha256() {
  if has sha256sum; then sha256sum; else shasum -a 256; fi
}

# Where the worker is kept: one per mediasoup version, recipe and kind of machine.
worker_file() {
  local version hash
  version=$(sed -nE '/^[[:space:]]*"version":/{s/.*: *"([^"]+)".*/\1/p;q;}' \
    "$mediasoup/package.json")
  hash=$({ uname -sm && cat "$recipe/build.sh" "$recipe"/shims/*; } | sha256 | cut -c 1-12)
  echo "$cache/media-worker/$version-$hash/mediasoup-worker"
}

worker_runs() {
  local status=0
  [ -x "$1" ] || return 1
  env -i "$1" > /dev/null 2>&1 < /dev/null || status=$?
  [ "$status" -eq "$worker_alone_status" ]
}

smoke_test() {
  local verdict status=0
  verdict=$(cd "$root" && bun "$recipe/smoke.ts" "$1" 2>&1 | tail -n 1) || status=$?
  note "$verdict"
  return "$status"
}

# Ends a download that has brought nothing after a moment, or goes on for too long.
wait_for_prebuilt() {
  local pid=$1 file=$2 started=$SECONDS waited
  while kill -0 "$pid" 2> /dev/null; do
    sleep 0.2
    waited=$((SECONDS - started))
    if [ "$waited" -ge "$prebuilt_total_seconds" ] ||
      { [ ! -e "$file" ] && [ "$waited" -ge "$prebuilt_first_byte_seconds" ]; }; then
      kill "$pid" 2> /dev/null || true
    fi
  done
  wait "$pid"
}

# mediasoup's install script downloads the prebuilt worker below the directory it is started in.
# Where it cannot, it would go on to compile with Python's package manager: PYTHON=false ends it.
fetch_prebuilt() {
  local output=$1 place="$scratch/prebuilt"
  local file="$place/worker/out/Release/mediasoup-worker"
  note "fetching mediasoup's prebuilt"
  mkdir -p "$place"
  (cd "$place" && PYTHON=false exec bun "$mediasoup/npm-scripts.mjs" postinstall) \
    > "$scratch/prebuilt.log" 2>&1 < /dev/null &
  if wait_for_prebuilt $! "$file" && [ -x "$file" ]; then
    mv "$file" "$output"
    return 0
  fi
  note "it cannot be fetched here"
  return 1
}

compile_worker() {
  local packages
  has apt-get || die "the media worker can be compiled on Debian and Ubuntu only"
  note "compiling it from mediasoup's source"
  read -r -a packages <<< "$("$recipe/build.sh" --needs)"
  apt_install "${packages[@]}" || die "the compiler and libraries cannot be installed"
  "$recipe/build.sh" "$mediasoup" "$1"
}

get_worker() {
  local final=$1 new
  new="$cache/media-worker/.new.$$/mediasoup-worker"
  mkdir -p "$(dirname "$new")"
  trash+=("$(dirname "$new")")
  if ! { fetch_prebuilt "$new" && smoke_test "$new"; }; then
    compile_worker "$new" || die "the media worker cannot be compiled"
    smoke_test "$new" || die "the media worker was compiled but does not work"
  fi
  # Within one directory tree a rename is atomic: a worker in its place is a tested one.
  mkdir -p "$(dirname "$final")"
  mv -f "$new" "$final"
}

# Sets and exports PARVIS_MEDIA_WORKER, the file that the build embeds and the tests run.
ensure_worker() {
  step "media worker"
  if [ -n "${PARVIS_MEDIA_WORKER:-}" ]; then
    worker_runs "$PARVIS_MEDIA_WORKER" || die "PARVIS_MEDIA_WORKER names no worker that runs here"
  else
    PARVIS_MEDIA_WORKER=$(worker_file)
    worker_runs "$PARVIS_MEDIA_WORKER" || get_worker "$PARVIS_MEDIA_WORKER"
  fi
  note "$PARVIS_MEDIA_WORKER"
  export PARVIS_MEDIA_WORKER
}

# ------------------------------------------------------------------------------ the executable

# What ./server is made of, as one checksum of contents.
build_stamp() {
  (
    cd "$root"
    {
      pinned_bun
      find src cli config package.json bun.lock "$PARVIS_MEDIA_WORKER" -type f -exec cksum {} + |
        LC_ALL=C sort
    } | cksum
  )
}

# True while ./server is the one that was built from this stamp: there, and not replaced since.
server_is_built() {
  local stamp_file=$1 stamp=$2
  [ -x "$root/server" ] && [ -f "$stamp_file" ] && [ "$(cat "$stamp_file")" = "$stamp" ] &&
    [ -z "$(find "$root/server" -newer "$stamp_file")" ]
}

ensure_server() {
  local stamp stamp_file="$root/node_modules/.cache/parvis/server.stamp"
  step "./server"
  stamp=$(build_stamp)
  if server_is_built "$stamp_file" "$stamp"; then
    note "built before, nothing changed since"
    return
  fi
  (cd "$root" && quietly bun run build) || die "./server cannot be built"
  mkdir -p "$(dirname "$stamp_file")"
  printf '%s\n' "$stamp" > "$stamp_file"
}

# Under sudo the checkout's owner gets what was made in it.
hand_back() {
  local made
  [ "$EUID" -eq 0 ] && [ -n "${SUDO_UID:-}" ] || return 0
  for made in node_modules server dist; do
    [ ! -e "$root/$made" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$root/$made"
  done
}

install_all() {
  ensure_bun
  ensure_packages
  ensure_worker
  ensure_server
  hand_back
}

# -------------------------------------------------------------------------------------- tests

# Installs what the browser tests use, where the distribution has it: PACKAGE COMMAND…
ensure_browser() {
  local package=$1 command
  shift
  for command in "$@"; do
    if has "$command"; then return 0; fi
  done
  step "$package (for the browser tests)"
  if has apt-get && [ -z "${apt_updated:-}" ]; then
    quietly apt_get update || true
    apt_updated=yes
  fi
  if ! has apt-get || ! apt-cache show "$package" > /dev/null 2>&1; then
    note "not in this system's packages: install it to run its tests"
  else
    apt_install "$package" || note "it cannot be installed: its tests cannot run"
  fi
}

ensure_browsers() {
  ensure_browser chromium chromium chromium-browser google-chrome
  ensure_browser firefox-esr firefox-esr firefox
  # For networks that lose packets; neither need be on everybody's path.
  ensure_browser iproute2 ip /usr/sbin/ip /sbin/ip
  ensure_browser iptables iptables /usr/sbin/iptables /sbin/iptables
}

# One pass or failure in the sum: LABEL COMMAND…
check() {
  local label=$1
  shift
  step "$label"
  if (cd "$root" && "$@"); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    note "FAILED: $label"
  fi
}

# The value of an attribute of the report's outermost element, 0 without one.
report_total() {
  local value=''
  [ ! -f "$1" ] || value=$(sed -nE "/<testsuites /{s/.* $2=\"([0-9]+)\".*/\1/p;q;}" "$1")
  echo "${value:-0}"
}

# Adds a run of bun test to the sum: REPORT OUTPUT STATUS. The report is the truth about tests; a
# file that does not load is in the printed summary only, and a runner that ends early (a crash, a
# stray exit) leaves no report: neither may pass unseen.
add_tests() {
  local report=$1 output=$2 status=$3 total lost skips printed
  total=$(report_total "$report" tests)
  lost=$(report_total "$report" failures)
  skips=$(report_total "$report" skipped)
  passed=$((passed + total - lost - skips))
  skipped=$((skipped + skips))
  printed=$(sed -nE 's/^ *([0-9]+) fail$/\1/p' "$output" | tail -n 1)
  if [ "${printed:-0}" -gt "$lost" ]; then lost=$printed; fi
  if ! grep -qE '^Ran [0-9]+ tests? across' "$output"; then
    note "FAILED: bun test ended before its summary (status $status)"
    lost=$((lost + 1))
  elif [ "$status" -ne 0 ] && [ "$lost" -eq 0 ]; then
    note "FAILED: bun test ended with status $status"
    lost=1
  fi
  failed=$((failed + lost))
}

run_tests() {
  local report="$scratch/tests.xml" output="$scratch/tests.txt" status=0
  step "tests"
  (cd "$root" && NO_COLOR=1 bun test --timeout=20000 --reporter=junit --reporter-outfile="$report" "$@") \
    2>&1 < /dev/null | tee "$output" || status=$?
  add_tests "$report" "$output" "$status"
}

print_sum() {
  local sum="$passed passed, $failed failed"
  if [ "$skipped" -gt 0 ]; then sum="$sum, $skipped skipped"; fi
  sum_printed=yes
  echo "$sum"
}

test_all() {
  testing=yes
  install_all
  ensure_browsers
  check "format and lint" bun run lint
  check "types" bun run types
  run_tests "$@"
  print_sum
  [ "$failed" -eq 0 ]
}

# --------------------------------------------------------------------------------------- main

# Runs on every exit. A test run whose set-up failed still ends with a sum.
finish() {
  local status=$?
  rm -rf ${trash[@]+"${trash[@]}"}
  if [ -n "${testing:-}" ] && [ -z "${sum_printed:-}" ]; then
    failed=$((failed + 1))
    print_sum
    exit $((status == 0 ? 1 : status))
  fi
}

prepare() {
  passed=0 failed=0 skipped=0 trash=()
  # Files of root's in the home of whoever called sudo would be in that user's way later.
  if [ "$EUID" -eq 0 ] && [ -n "${SUDO_UID:-}" ]; then export HOME=~root; fi
  cache="${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/parvis"
  scratch=$(mktemp -d)
  trash+=("$scratch")
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

main() {
  local mode=${1:-}
  [ $# -eq 0 ] || shift
  case "$mode" in
    '' | --serve | --test) ;;
    --help)
      usage
      return
      ;;
    *)
      printf 'install.sh: unknown option: %s\n\n' "$mode" >&2
      usage >&2
      return 2
      ;;
  esac
  prepare
  case "$mode" in
    --test) test_all "$@" ;;
    --serve)
      install_all
      step "./server serve${*:+ $*}"
      cd "$root"
      rm -rf "${trash[@]}"
      exec ./server serve "$@"
      ;;
    *)
      install_all
      note "built: ./server serve"
      ;;
  esac
}

# Sourced (by the tests of these functions), nothing runs.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi
