#!/bin/sh
# build.sh prints the toolchain that it uses, or says what is missing and exits 3; build.sh OUT builds into the file OUT.
set -eu
cd "$(dirname "$0")"

ASC=../../sdk/assemblyscript/node_modules/assemblyscript/bin/asc.js
command -v node >/dev/null || { echo "Node.js 20 or newer"; exit 3; }
[ -f $ASC ] || { echo "the AssemblyScript compiler (npm ci in wasm-guests/sdk/assemblyscript)"; exit 3; }

[ $# -gt 0 ] || { echo "AssemblyScript $(node $ASC --version)"; exit; }
exec node $ASC average.ts -O3 --noAssert --runtime incremental --use abort= --exportStart _initialize -o "$1"
