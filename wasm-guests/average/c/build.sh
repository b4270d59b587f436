#!/bin/sh
# build.sh prints the toolchain that it uses, or says what is missing and exits 3; build.sh OUT builds into the file OUT.
set -eu
cd "$(dirname "$0")"

for CLANG in ${CLANG:-clang-19 clang} none; do ! command -v "$CLANG" >/dev/null || break; done
[ "$CLANG" != none ] && "$CLANG" --print-targets 2>/dev/null | grep -q wasm32 ||
  { echo "clang for wasm32 (apt-get install clang-19 lld-19)"; exit 3; }
LINKER=$("$CLANG" --target=wasm32 --print-prog-name=wasm-ld)
command -v "$LINKER" >/dev/null || { echo "wasm-ld for $CLANG (apt-get install lld-19)"; exit 3; }

[ $# -gt 0 ] || { "$CLANG" --version | head -n 1; "$LINKER" --version; exit; }
exec "$CLANG" --target=wasm32 -std=c11 -ffreestanding -nostdlib -mbulk-memory -Oz -Wall -Wextra -Werror \
  -Wl,--no-entry,--stack-first,-z,stack-size=34304,--strip-all -o "$1" average.c
