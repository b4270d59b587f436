#!/bin/sh
# build.sh prints the toolchain that it uses, or says what is missing and exits 3; build.sh OUT builds into the file OUT.
# Where a toolchain has no core for wasm32 but its source, as Debian's, core is built too.
set -eu
cd "$(dirname "$0")"

for RUSTC in ${RUSTC:-rustc /usr/bin/rustc} none; do
  ! command -v "$RUSTC" >/dev/null || LIB=$("$RUSTC" --print sysroot)/lib/rustlib
  CORE=
  [ ! -d "${LIB:-}/wasm32-unknown-unknown/lib" ] || { CORE=prebuilt; break; }
  [ ! -d "${LIB:-}/src/rust/library/core" ] || { CORE=built; break; }
done
[ -n "$CORE" ] && command -v cargo >/dev/null ||
  { echo "Rust for wasm32 (rustup target add wasm32-unknown-unknown; or apt-get install rustc-web libstd-rust-web-dev rust-web-src lld-19)"; exit 3; }
for LINKER in rust-lld wasm-ld-19 wasm-ld none; do
  ! command -v "$LINKER" >/dev/null && [ ! -x "$LIB/x86_64-unknown-linux-gnu/bin/$LINKER" ] || break
done
[ "$LINKER" != none ] || { echo "a linker for wasm32 (apt-get install lld-19)"; exit 3; }

if [ $# -eq 0 ]; then
  echo "$("$RUSTC" --version), core $CORE"
  [ "$LINKER" = rust-lld ] || "$LINKER" --version
  exit
fi
set -- "$1" --release --offline --locked --quiet
if [ $CORE = built ]; then
  export RUSTC_BOOTSTRAP=1
  set -- "$@" -Zbuild-std=core --config 'source.crates-io.replace-with="std"' \
    --config "source.std.directory=\"$(realpath "$LIB/src/rust/library")/vendor\""
fi
OUT=$1; shift
export RUSTC CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$LINKER CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-../../../build/rust}
cargo build "$@"
cp "$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/average.wasm" "$OUT"
