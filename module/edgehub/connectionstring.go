package edgehub

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// sharedKey proves an identity with a key of its own.
type sharedKey struct {
	key    []byte
	caFile string // PEM; "" for the system's certificates
}

func (k *sharedKey) sign(_ context.Context, text string) (string, error) {
	return signSAS(k.key, text), nil
}

func (k *sharedKey) roots(context.Context) (*x509.CertPool, error) {
	if k.caFile == "" {
		return nil, nil
	}
	return readRootsFile(k.caFile)
}

// parseConnectionString reads "HostName=…;GatewayHostName=…;DeviceId=…;ModuleId=…;SharedAccessKey=…". Its
// errors never quote the text, which holds a key.
func parseConnectionString(text string) (id Identity, key []byte, err error) {
	var encoded string
	fields := map[string]*string{
		"HostName":        &id.IoTHub,
		"GatewayHostName": &id.Gateway,
		"DeviceId":        &id.DeviceID,
		"ModuleId":        &id.ModuleID,
		"SharedAccessKey": &encoded,
	}
	for part := range strings.SplitSeq(text, ";") {
		// A key is base64 and may end in "=": only the first one separates.
		name, value, _ := strings.Cut(part, "=")
		if field := fields[strings.TrimSpace(name)]; field != nil {
			*field = strings.TrimSpace(value)
		}
	}
	for _, name := range []string{"HostName", "GatewayHostName", "DeviceId", "ModuleId", "SharedAccessKey"} {
		if *fields[name] == "" {
			return Identity{}, nil, fmt.Errorf("%s is missing", name)
		}
	}
	key, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return Identity{}, nil, errors.New("SharedAccessKey is not base64")
	}
	return id, key, nil
}
