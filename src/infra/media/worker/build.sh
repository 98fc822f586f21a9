#!/usr/bin/env bash
# Compiles mediasoup's worker from the npm package's own source against Debian's (or Ubuntu's)
# libraries, for machines that cannot fetch mediasoup's prebuilt binary nor the archives that its
# own build downloads. The result links libc and libm only.
#
#   build.sh MEDIASOUP_PACKAGE_DIR OUTPUT_FILE     compiles; progress goes to stderr
#   build.sh --needs                               prints the packages that must be installed
#
# README.md says where this differs from mediasoup's own build, and why.
set -euo pipefail

needs=(g++ meson ninja-build pkg-config flatbuffers-compiler libflatbuffers-dev libabsl-dev
  libuv1-dev libssl-dev)

# How often a progress line is written where there is no terminal to update one on.
progress_seconds=20
# What one compiler process may need; fewer run at once where memory is short.
job_kib=$((1200 * 1024))

say() { printf '    %s\n' "$*" >&2; }

fail() {
  say "$1"
  [ -z "${2:-}" ] || tail -n 30 "$2" >&2
  exit 1
}

jobs_at_once() {
  local processors memory_kib
  processors=$(nproc)
  memory_kib=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
  local by_memory=$((${memory_kib:-0} / job_kib))
  [ "$by_memory" -ge 1 ] || by_memory=1
  echo $((by_memory < processors ? by_memory : processors))
}

# Reads ninja's "[done/all] …" lines and shows one line that changes, or a line now and then.
show_progress() {
  local line last=-$progress_seconds count
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    count="${BASH_REMATCH[1]}/${BASH_REMATCH[2]}"
    if [ -t 2 ]; then
      printf '\r    compiling %s ' "$count" >&2
    elif [ $((SECONDS - last)) -ge "$progress_seconds" ]; then
      last=$SECONDS
      say "compiling $count (${SECONDS} s)"
    fi
  done
  [ ! -t 2 ] || printf '\n' >&2
}

# A private copy of the distribution's own package sources with its source packages named instead,
# both in the old one-line form and in deb822. The system's lists are not touched.
source_lists() {
  mkdir -p apt/parts apt/lists/partial apt/cache/archives/partial
  local file
  for file in /etc/apt/sources.list.d/{debian,ubuntu}.sources; do
    [ -f "$file" ] || continue
    sed -E 's/^Types:.*/Types: deb-src/' "$file" > "apt/parts/$(basename "$file")"
  done
  if [ -f /etc/apt/sources.list ]; then
    sed -nE 's/^[[:space:]]*deb[[:space:]]/deb-src /p' /etc/apt/sources.list \
      > apt/parts/classic.list
  fi
}

# Debian's binary libsrtp uses NSS and costs half as much again per packet as one with OpenSSL.
build_srtp() {
  source_lists
  local options=(-qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/apt/parts"
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache"
    -o APT::Sandbox::User=root)
  say "fetching libsrtp's source package"
  apt-get "${options[@]}" update > apt.log 2>&1 || fail "apt-get update failed:" apt.log
  apt-get "${options[@]}" source --download-only libsrtp2 >> apt.log 2>&1 ||
    fail "libsrtp's source package cannot be fetched:" apt.log
  mkdir srtp-source
  tar xf libsrtp2_*.orig.tar.* -C srtp-source --strip-components 1
  say "compiling libsrtp with OpenSSL"
  {
    meson setup srtp-build srtp-source --buildtype release --prefix "$work/srtp" --libdir lib \
      -Ddefault_library=static -Dcrypto-library=openssl -Dtests=disabled &&
      ninja -C srtp-build -j "$jobs" install
  } > srtp.log 2>&1 || fail "libsrtp does not compile:" srtp.log
}

# Puts a Meson project from stdin in the place of one that mediasoup's build would download.
subproject() {
  mkdir -p "subprojects/$1"
  cat > "subprojects/$1/meson.build"
  # mediasoup links each subproject's library whole: an empty one satisfies that.
  echo 'int unused;' > "subprojects/$1/empty.c"
}

# Declares options that mediasoup's build sets on a subproject: name:type …
subproject_options() {
  local name=$1 option
  shift
  for option in "$@"; do
    echo "option('${option%%:*}', type: '${option##*:}')"
  done > "subprojects/$name/meson_options.txt"
}

replace_subprojects() {
  rm -rf subprojects
  subproject libuv << 'MESON'
project('libuv', 'c')
libuv_dep = declare_dependency(
  dependencies: [meson.get_compiler('c').find_library('uv_a'), dependency('threads')])
libuv = static_library('uv_empty', 'empty.c')
MESON
  subproject_options libuv build_tests:boolean build_benchmarks:boolean
  subproject openssl << 'MESON'
project('openssl', 'c')
openssl_dep = dependency('openssl', static: true)
libcrypto_lib = static_library('crypto_empty', 'empty.c')
libssl_lib = static_library('ssl_empty', 'empty.c')
MESON
  subproject libsrtp3 << 'MESON'
project('libsrtp3', 'c')
bio = static_library('bio_shim', 'bio.c', dependencies: dependency('openssl', static: true))
libsrtp3_dep = declare_dependency(
  include_directories: include_directories('include'), link_with: bio,
  dependencies: dependency('libsrtp2', static: true))
libsrtp3 = static_library('srtp_empty', 'empty.c')
MESON
  subproject_options libsrtp3 crypto-library:string crypto-library-kdf:string tests:string
  install -D -m 644 "$here/shims/srtp.h" subprojects/libsrtp3/include/srtp.h
  install -m 644 "$here/shims/bio.c" subprojects/libsrtp3/
  subproject flatbuffers << 'MESON'
project('flatbuffers', 'c')
flatbuffers_dep = declare_dependency()
flatbuffers_lib = static_library('flatbuffers_empty', 'empty.c')
MESON
  subproject abseil-cpp << 'MESON'
project('abseil-cpp', 'c')
absl_strings_dep = dependency('absl_strings', static: true)
absl_types_dep = dependency('absl_bad_optional_access', static: true)
absl_container_dep = declare_dependency()
absl_container_lib = static_library('absl_empty', 'empty.c')
MESON
  subproject unordered_dense << 'MESON'
project('unordered_dense', 'cpp')
ankerl_unordered_dense_dep = declare_dependency(include_directories: include_directories('include'))
meson.override_dependency('unordered_dense', ankerl_unordered_dense_dep)
MESON
  install -D -m 644 "$here/shims/unordered_dense.h" \
    subprojects/unordered_dense/include/ankerl/unordered_dense.h
}

build_worker() {
  cp -r "$package/worker" worker
  cd worker
  replace_subprojects
  # The source asks for a newer Meson than Debian 12 has, but uses nothing of it.
  sed -i "s/meson_version: '[^']*'/meson_version: '>= 1.0.0'/" meson.build
  export PKG_CONFIG_PATH="$work/srtp/lib/pkgconfig"
  meson setup build --buildtype release -Db_ndebug=true \
    -Dcpp_args=-DBIO_set_callback_ex=worker_bio_set_callback_ex \
    -Dcpp_link_args='-static-libstdc++ -static-libgcc' > setup.log 2>&1 ||
    fail "the worker's build cannot be set up:" setup.log
  say "compiling the worker, $jobs at once; this takes some minutes, once"
  ninja -C build -j "$jobs" mediasoup-worker 2>&1 | tee build.log | show_progress ||
    fail "the worker does not compile:" build.log
  strip build/mediasoup-worker
}

main() {
  if [ "${1:-}" = --needs ]; then
    echo "${needs[@]}"
    return
  fi
  [ $# -eq 2 ] || fail "usage: build.sh MEDIASOUP_PACKAGE_DIR OUTPUT_FILE | build.sh --needs"
  package=$(realpath "$1")
  output=$(realpath -m "$2")
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  jobs=$(jobs_at_once)
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  build_srtp
  build_worker
  mkdir -p "$(dirname "$output")"
  mv build/mediasoup-worker "$output"
}

main "$@"
