package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Proof is a signature with all that leads from it to a binary.
type Proof struct {
	Format    Format `json:"format"`
	Signature []byte `json:"signature"`
	// Payload is what was signed; none where that is the binary itself.
	Payload []byte `json:"payload,omitempty"`
	// PayloadType goes with the payload of an Envelope.
	PayloadType string `json:"payloadType,omitempty"`
	// Manifest is the OCI manifest whose digest the payload names, and that names the binary; none where the payload names
	// the binary's.
	Manifest []byte `json:"manifest,omitempty"`
}

// Format says what was signed.
type Format string

// The formats.
const (
	Detached      Format = "detached"      // the binary itself: cosign sign-blob, openssl dgst -sign
	SimpleSigning Format = "simpleSigning" // JSON that names an OCI manifest by its digest: cosign sign
	Envelope      Format = "dsse"          // an in-toto statement that does, in a DSSE envelope: cosign sign, from 3 on
)

// ErrUnsigned means that there is no signature at all.
var ErrUnsigned = errors.New("it is not signed")

// maxProofs bounds what is looked at, and kept beside a binary.
const maxProofs = 32

// Check returns the fingerprint of a key that vouches for the binary, by one of the proofs. The error says what is wrong
// with the first proof where there is one, else it is ErrUnsigned.
func (k Keys) Check(binary []byte, proofs []Proof) (fingerprint string, err error) {
	err = ErrUnsigned
	for i, p := range proofs[:min(len(proofs), maxProofs)] {
		fingerprint, wrong := k.check(binary, p)
		if wrong == nil {
			return fingerprint, nil
		}
		if i == 0 {
			err = wrong
		}
	}
	return "", err
}

func (k Keys) check(binary []byte, p Proof) (fingerprint string, err error) {
	fingerprint, ok := k.signer(p.message(binary), p.Signature)
	switch {
	case !ok && p.Format == Detached:
		return "", errors.New("its signature is not one of a trusted key, or is of another binary")
	case !ok:
		return "", errors.New("its signature is not one of a trusted key")
	case p.Format == Detached:
		return fingerprint, nil
	}
	if err := p.leadsTo(binary); err != nil {
		return "", err
	}
	return fingerprint, nil
}

// message returns the bytes that were signed.
func (p Proof) message(binary []byte) []byte {
	switch p.Format {
	case Detached:
		return binary
	case Envelope: // DSSE's pre-authentication encoding
		return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(p.PayloadType), p.PayloadType, len(p.Payload), p.Payload)
	}
	return p.Payload
}

// leadsTo follows what was signed to the binary, by digests.
func (p Proof) leadsTo(binary []byte) error {
	want := digest(binary)
	if p.Manifest != nil {
		if !layers(p.Manifest)[want] {
			return fmt.Errorf("the signed manifest does not hold the binary %s", want)
		}
		want = digest(p.Manifest)
	}
	signed, err := p.subjects()
	if err != nil {
		return err
	}
	if !signed[want] {
		return fmt.Errorf("its signature is of something else than %s", want)
	}
	return nil
}

// subjects returns the digests that the payload vouches for.
func (p Proof) subjects() (map[string]bool, error) {
	if p.Format == SimpleSigning {
		var payload struct {
			Critical struct {
				Type  string
				Image struct {
					Digest string `json:"docker-manifest-digest"` // compared without case, as all keys are
				}
			}
		}
		if err := json.Unmarshal(p.Payload, &payload); err != nil {
			return nil, fmt.Errorf("read signed payload: %w", err)
		}
		return map[string]bool{payload.Critical.Image.Digest: true}, nil
	}
	if p.PayloadType != "application/vnd.in-toto+json" {
		return nil, fmt.Errorf("read signed payload: its type %q is not known", p.PayloadType)
	}
	var statement struct {
		PredicateType string
		Subject       []struct{ Digest map[string]string }
	}
	if err := json.Unmarshal(p.Payload, &statement); err != nil {
		return nil, fmt.Errorf("read signed payload: %w", err)
	}
	// Other predicates are claims about an artifact, that it was scanned perhaps, and no approval of it.
	if statement.PredicateType != signPredicate {
		return nil, fmt.Errorf("the signed statement is a %q, not a signature", statement.PredicateType)
	}
	subjects := make(map[string]bool)
	for _, s := range statement.Subject {
		subjects["sha256:"+s.Digest["sha256"]] = true
	}
	return subjects, nil
}

const signPredicate = "https://sigstore.dev/cosign/sign/v1"

func layers(manifest []byte) map[string]bool {
	var m struct{ Layers []struct{ Digest string } }
	if json.Unmarshal(manifest, &m) != nil {
		return nil
	}
	named := make(map[string]bool, len(m.Layers))
	for _, l := range m.Layers {
		named[l.Digest] = true
	}
	return named
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
