package edgehub

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Why a token is no good. Verify and ParseSASToken return them.
var (
	ErrTokenMalformed = errors.New("malformed shared access signature")
	ErrTokenSignature = errors.New("shared access signature does not match")
	ErrTokenExpired   = errors.New("shared access signature has expired")
)

const sasScheme = "SharedAccessSignature "

// SASToken is a shared access signature, the password of a CONNECT.
type SASToken struct {
	Resource  string // sr, percent-encoded, as it is signed
	Expires   int64  // se, Unix seconds
	Signature string // sig, base64, not percent-encoded
}

// NewSASToken returns the token, still to be signed, for a module at an IoT Hub (or at edgeHub's own host
// name, which edgeHub accepts as well).
//
// Ids are escaped once for themselves and once with the whole, since edgeHub unescapes twice.
func NewSASToken(ioTHub, deviceID, moduleID string, expires time.Time) SASToken {
	resource := ioTHub + "/devices/" + escape(deviceID) + "/modules/" + escape(moduleID)
	return SASToken{Resource: escape(resource), Expires: expires.Unix()}
}

// StringToSign is what the signature covers.
func (t SASToken) StringToSign() string {
	return t.Resource + "\n" + strconv.FormatInt(t.Expires, 10)
}

// Sign sets the signature that key (decoded) makes.
func (t *SASToken) Sign(key []byte) {
	t.Signature = signSAS(key, t.StringToSign())
}

// Verify tells whether key made the signature, and whether the token holds at now.
func (t SASToken) Verify(key []byte, now time.Time) error {
	if !hmac.Equal([]byte(signSAS(key, t.StringToSign())), []byte(t.Signature)) {
		return ErrTokenSignature
	}
	if now.Unix() >= t.Expires {
		return ErrTokenExpired
	}
	return nil
}

// Module returns whom the token is for; ok is false where it is not for a module.
func (t SASToken) Module() (host, deviceID, moduleID string, ok bool) {
	parts := strings.Split(unescape(t.Resource), "/")
	if len(parts) != 5 || parts[1] != "devices" || parts[3] != "modules" {
		return "", "", "", false
	}
	return parts[0], unescape(parts[2]), unescape(parts[4]), true
}

// String describes the token without its signature, so that it may be logged.
func (t SASToken) String() string {
	return fmt.Sprintf("token for %s until %s", unescape(t.Resource), time.Unix(t.Expires, 0).UTC().Format(time.RFC3339))
}

// Encode returns the token as it goes over the wire. That is a secret.
func (t SASToken) Encode() string {
	return sasScheme + "sr=" + t.Resource + "&sig=" + escape(t.Signature) + "&se=" + strconv.FormatInt(t.Expires, 10)
}

// ParseSASToken reads a token; its parts may come in any order. It wraps ErrTokenMalformed and never
// quotes the token.
func ParseSASToken(s string) (SASToken, error) {
	var t SASToken
	parts, ok := strings.CutPrefix(s, sasScheme)
	if !ok {
		return t, fmt.Errorf("%w: scheme missing", ErrTokenMalformed)
	}
	for part := range strings.SplitSeq(parts, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "sr":
			t.Resource = value
		case "sig":
			t.Signature = unescape(value)
		case "se":
			expires, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return SASToken{}, fmt.Errorf("%w: se is not a number", ErrTokenMalformed)
			}
			t.Expires = expires
		}
	}
	if t.Resource == "" || t.Signature == "" || t.Expires == 0 {
		return SASToken{}, fmt.Errorf("%w: sr, sig or se missing", ErrTokenMalformed)
	}
	return t, nil
}

func signSAS(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
