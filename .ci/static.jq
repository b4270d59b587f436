# Adds to an SBOM what is linked statically and is no Go module: Wasmtime, which a Go module carries as a library, and the C
# library of the builder.
def wasmtime: "pkg:cargo/wasmtime@\($wasmtime)";
def glibc: "pkg:generic/glibc@\($glibc)";
.components += [
  { "bom-ref": wasmtime, type: "library", name: "wasmtime", version: $wasmtime, scope: "required", purl: wasmtime,
    description: "libwasmtime.a, with the crates that it is linked from, as github.com/bytecodealliance/wasmtime-go carries it",
    hashes: [{ alg: "SHA-256", content: $hash }], licenses: [{ expression: "Apache-2.0 WITH LLVM-exception" }],
    externalReferences: [{ type: "vcs", url: "https://github.com/bytecodealliance/wasmtime" }] },
  { "bom-ref": glibc, type: "library", name: "glibc", version: $glibc, scope: "required", purl: glibc,
    description: "the C library of the builder, linked statically", licenses: [{ license: { id: "LGPL-2.1-or-later" } }] }
]
| .dependencies += [{ ref: wasmtime, dependsOn: [glibc] }, { ref: glibc }]
| (.dependencies[] | select(.ref | contains("bytecodealliance/wasmtime-go"))).dependsOn += [wasmtime]
