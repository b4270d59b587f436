// Package artifact finds guest binaries: in the guests directory, on web servers and in OCI registries. It checks that they
// are the ones that the twin means and, where keys are configured, that one of those vouches for them. What came over the
// network is kept, with the signatures that vouch for it, and is checked anew each time that it is read.
//
//	store, err := artifact.New(artifact.Config{Guests: "/guests", Cache: "/var/lib/wasm-on-edge/binaries"})
//	binary, err := store.Find(request)                     // of this device; ErrAbsent: it must be downloaded
//	binary, err = store.Download(ctx, request, progress)   // until it is there, is refused, or ctx ends
//
// # Concurrency
//
// A Store may be used from any goroutine. Download works in its caller's goroutine, and calls progress there.
package artifact

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trust"
)

// maxBinary is the largest guest binary taken: what is larger would not compile within a gateway's memory.
const maxBinary = 16 << 20

// Config says where a Store looks, and whom it trusts.
type Config struct {
	Guests      string              // directory of file: sources
	Cache       string              // directory of what was downloaded, which is the Store's alone; "": it is kept in memory
	Credentials string              // directory of the files that Request.Credentials names
	Getenv      func(string) string // for credentials in variables; nil: there are none
	Keys        trust.Keys          // one of them must have signed a binary; nil: no signature is asked for
	Roots       *x509.CertPool      // certificate authorities of servers; nil: the system's
	Upstream    string              // host of the parent, for $upstream; "": there is none
	// UpstreamRoots are the authorities of the parent.
	UpstreamRoots func(context.Context) (*x509.CertPool, error)
	// Proxy is that of [http.Transport]; nil: as the environment says.
	Proxy func(*http.Request) (*url.URL, error)
}

// Store finds binaries. See the package comment.
type Store struct {
	config Config
	cache  *cache
	stats  stats
	slots  chan struct{} // one for each transfer that may run at once
}

// transfers is how many downloads share a gateway's uplink.
const transfers = 2

// New returns a Store. The directory of its cache is made where it is missing.
func New(c Config) (*Store, error) {
	cache, err := openCache(c.Cache)
	if err != nil {
		return nil, fmt.Errorf("open cache of binaries: %w", err)
	}
	if c.Proxy == nil {
		c.Proxy = http.ProxyFromEnvironment
	}
	return &Store{config: c, cache: cache, slots: make(chan struct{}, transfers)}, nil
}

// Request says what to find.
type Request struct {
	Source      string // "file:NAME", "https://…" or "oci://…"
	Digest      string // "sha256:…" of the content; "": any, of a file
	Credentials string // name of a file or variable of the device; "": none
	Unsigned    bool   // nobody has to vouch for it: it is no code
}

// Binary is a guest binary.
type Binary struct {
	Bytes  []byte
	Digest string // "sha256:" and 64 hexadecimal digits
	Signer string // fingerprint of the key that vouches for it; "": nobody was asked
}

// ErrAbsent means that something is not on this device, and must be downloaded.
var ErrAbsent = errors.New("it is not on this device yet")

// RefusedError is something that was found and is not taken. Trying again does not help before somebody changes it, or the
// twin.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

func refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// Refused reports whether an error says that something is not taken as it is.
func Refused(err error) bool {
	_, ok := errors.AsType[*RefusedError](err)
	return ok
}

// Find returns what is on this device: a file, or what was downloaded before.
func (s *Store) Find(r Request) (Binary, error) {
	b, err := s.find(r)
	if err != nil {
		return Binary{}, fmt.Errorf("fetch %q: %w", r.Source, err)
	}
	return b, nil
}

func (s *Store) find(r Request) (Binary, error) {
	name, ok := strings.CutPrefix(r.Source, "file:")
	if !ok {
		return s.cached(r)
	}
	bytes, err := s.read(name)
	if err != nil {
		return Binary{}, err
	}
	if digest := Digest(bytes); r.Digest != "" && r.Digest != digest {
		return Binary{}, mismatch(r.Digest, digest)
	}
	return s.vouched(r, bytes, func() ([]trust.Proof, error) { return s.readProof(name) })
}

// cached returns what was downloaded before. What lacks a signature that counts today is downloaded again, with those that
// there are by then.
func (s *Store) cached(r Request) (Binary, error) {
	if r.Digest == "" {
		return Binary{}, refuse("a remote source needs a digest")
	}
	bytes, proofs, ok := s.cache.find(r.Digest)
	if !ok {
		return Binary{}, ErrAbsent
	}
	b, err := s.vouched(r, bytes, func() ([]trust.Proof, error) { return proofs, nil })
	if err != nil {
		return Binary{}, ErrAbsent
	}
	return b, nil
}

// vouched returns a binary, once somebody who is trusted vouches for it.
func (s *Store) vouched(r Request, bytes []byte, proofs func() ([]trust.Proof, error)) (Binary, error) {
	b := Binary{Bytes: bytes, Digest: Digest(bytes)}
	if s.config.Keys == nil || r.Unsigned {
		return b, nil
	}
	found, err := proofs()
	if err != nil {
		return Binary{}, err
	}
	if b.Signer, err = s.config.Keys.Check(bytes, found); err != nil {
		return Binary{}, refuse("binary %s: %v; this device runs only what one of its %d trusted keys has signed", b.Digest, err, len(s.config.Keys))
	}
	return b, nil
}

func mismatch(want, is string) error {
	return refuse("its digest is %s, the twin asks for %s", is, want)
}

// Digest returns the digest of a binary as the twin spells it.
func Digest(bytes []byte) string {
	sum := sha256.Sum256(bytes)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// read reads a file below the guests directory. os.Root keeps it there, whatever ".." and links say.
func (s *Store) read(name string) ([]byte, error) {
	root, err := os.OpenRoot(s.config.Guests)
	if err != nil {
		return nil, fmt.Errorf("open guests directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingError{s.config.Guests}
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	bytes, err := io.ReadAll(io.LimitReader(file, maxBinary+1))
	if err != nil {
		return nil, err
	}
	if len(bytes) > maxBinary {
		return nil, errTooLarge()
	}
	return bytes, nil
}

// missingError is [fs.ErrNotExist] in words for the operator.
type missingError struct{ dir string }

func (e missingError) Error() string { return "there is no such file in the guests directory " + e.dir }

func (e missingError) Is(target error) bool { return target == fs.ErrNotExist }

func errTooLarge() error { return refuse("it is larger than %d MiB", maxBinary>>20) }

// signatureSuffix is what the name of a signature file adds to that of its binary.
const signatureSuffix = ".sig"

// readProof reads the signature beside a file. That there is none is no error.
func (s *Store) readProof(name string) ([]trust.Proof, error) {
	content, err := s.read(name + signatureSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	proof, err := trust.ParseFile(content)
	if err != nil {
		return nil, refuse("%v", err)
	}
	return []trust.Proof{proof}, nil
}
