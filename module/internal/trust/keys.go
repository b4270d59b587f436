package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// Key is a public key whose signatures count.
type Key struct {
	Fingerprint string // "sha256:" and the digest of its SubjectPublicKeyInfo, in hexadecimal
	public      crypto.PublicKey
}

// Keys are all that count. During a rollover that is the old one and the new one. Nil Keys trust nobody.
type Keys []Key

// maxKeys bounds the file; each key is tried on each signature.
const maxKeys = 32

// ParseKeys reads public keys in PEM, one block after the other: ECDSA, as cosign makes them, Ed25519 or RSA.
func ParseKeys(text []byte) (Keys, error) {
	var keys Keys
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		key, err := parseKey(block)
		if err != nil {
			return nil, fmt.Errorf("read key %d: %w", len(keys)+1, err)
		}
		keys = append(keys, key)
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("read keys: there is no public key in PEM")
	case len(keys) > maxKeys:
		return nil, fmt.Errorf("read keys: there are %d, more than %d", len(keys), maxKeys)
	}
	return keys, nil
}

func parseKey(block *pem.Block) (Key, error) {
	if block.Type != "PUBLIC KEY" {
		return Key{}, fmt.Errorf("it is a %q, not a PUBLIC KEY", block.Type)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Key{}, err
	}
	switch public.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey:
	default:
		return Key{}, fmt.Errorf("keys of type %T are not known", public)
	}
	sum := sha256.Sum256(block.Bytes)
	return Key{Fingerprint: "sha256:" + hex.EncodeToString(sum[:]), public: public}, nil
}

// Only returns the keys with one of the given fingerprints.
func (k Keys) Only(fingerprints []string) Keys {
	return slices.DeleteFunc(slices.Clone(k), func(key Key) bool { return !slices.Contains(fingerprints, key.Fingerprint) })
}

// signer returns the fingerprint of the key that signed a message.
func (k Keys) signer(message, signature []byte) (fingerprint string, ok bool) {
	for _, key := range k {
		if key.signed(message, signature) {
			return key.Fingerprint, true
		}
	}
	return "", false
}

// signed verifies as cosign signs: SHA-256 for all but Ed25519, which has a hash of its own.
func (k Key) signed(message, signature []byte) bool {
	sum := sha256.Sum256(message)
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, sum[:], signature)
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}
