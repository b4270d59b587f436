// Package trust says whether somebody who is trusted vouches for a guest binary: public keys, and the signatures that
// cosign's keys, or openssl's, leave in a registry or beside a file. It is pure, so that what was proved once can be
// proved again offline, from what is kept beside a cached binary.
//
//	keys, err := trust.ParseKeys(pem)
//	fingerprint, err := keys.Check(binary, proofs)
//
// Formats: cosign's signature specification (specs/SIGNATURE_SPEC.md in github.com/sigstore/cosign) for simple signing,
// its bundle specification (specs/BUNDLE_SPEC.md there) for what cosign 3 writes, and secure-systems-lab/dsse for the
// envelope within a bundle.
//
// # Concurrency
//
// All of it is pure functions of plain values, and may be called from any goroutine.
package trust
