package trust

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// ParseFile reads a signature file that lies beside a binary: base64, as `cosign sign-blob` and `openssl dgst -sign` with
// base64 write it, or a bundle of Sigstore's, as cosign writes it from version 3 on.
func ParseFile(content []byte) (Proof, error) {
	content = bytes.TrimSpace(content)
	if bytes.HasPrefix(content, []byte("{")) {
		return ParseBundle(content)
	}
	// openssl breaks lines; nothing else in base64 is white.
	signature, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(content), nil)))
	if err != nil || len(signature) == 0 {
		return Proof{}, errors.New("read signature: it is neither base64 nor a bundle")
	}
	return Proof{Format: Detached, Signature: signature}, nil
}

// ParseBundle reads a Sigstore bundle (github.com/sigstore/protobuf-specs, sigstore_bundle.proto, in JSON). What it says of
// certificates and transparency logs is passed over: who vouches is decided by keys.
func ParseBundle(content []byte) (Proof, error) {
	var bundle struct {
		MessageSignature *struct{ Signature []byte }
		DSSEEnvelope     *struct {
			Payload     []byte
			PayloadType string
			Signatures  []struct{ Sig []byte }
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(content, &bundle); err != nil {
		return Proof{}, fmt.Errorf("read bundle: %w", err)
	}
	switch envelope := bundle.DSSEEnvelope; {
	case bundle.MessageSignature != nil:
		return Proof{Format: Detached, Signature: bundle.MessageSignature.Signature}, nil
	case envelope != nil && len(envelope.Signatures) == 1: // the bundle's specification allows no more
		return Proof{Format: Envelope, Signature: envelope.Signatures[0].Sig, Payload: envelope.Payload, PayloadType: envelope.PayloadType}, nil
	}
	return Proof{}, errors.New("read bundle: it has no signature")
}
