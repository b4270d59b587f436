package edgehub

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// DefaultPort is edgeHub's MQTT port.
const DefaultPort = "8883"

// Identity is who the module is, where its edgeHub is, and how it proves it. Take it from
// IdentityFromEnvironment. No format verb prints a key.
type Identity struct {
	IoTHub             string // host name of the IoT Hub
	Gateway            string // edgeHub: host or host:port
	DeviceID, ModuleID string
	GenerationID       string // changes when the module's identity is made anew; "" with a connection string

	source      string
	credentials credentials
}

// Roots returns the certificate authorities that this identity's edgeHub and its parent are trusted by, as they are now: the
// trust bundle of the workload API. Nil means the system's.
func (i Identity) Roots(ctx context.Context) (*x509.CertPool, error) { return i.credentials.roots(ctx) }

// credentials prove an identity: the workload API or a connection string.
type credentials interface {
	// sign returns the base64 HMAC-SHA256 of text under the module's key.
	sign(ctx context.Context, text string) (string, error)
	// roots returns whom to trust, nil for the system's certificates. It is asked anew at each connect.
	roots(ctx context.Context) (*x509.CertPool, error)
}

// The variables that edgeAgent sets in a module's container.
const (
	envWorkloadURI = "IOTEDGE_WORKLOADURI"
	envAuthScheme  = "IOTEDGE_AUTHSCHEME"
	envGeneration  = "IOTEDGE_MODULEGENERATIONID"
	envIoTHub      = "IOTEDGE_IOTHUBHOSTNAME"
	envGateway     = "IOTEDGE_GATEWAYHOSTNAME"
	envDevice      = "IOTEDGE_DEVICEID"
	envModule      = "IOTEDGE_MODULEID"
)

// The variables that iotedgehubdev sets.
const (
	envConnectionString = "EdgeHubConnectionString"
	envCAFile           = "EdgeModuleCACertificateFile"
)

// EnvironmentError tells why the environment gives no identity.
type EnvironmentError struct {
	Missing []string // variables that are not set
	Reason  string   // what is wrong with one that is; "" where some are missing
}

func (e *EnvironmentError) Error() string {
	if e.Reason != "" {
		return "read identity from the environment: " + e.Reason
	}
	return fmt.Sprintf("read identity from the environment: not set: %s (nor %s)", strings.Join(e.Missing, ", "), envConnectionString)
}

// IdentityFromEnvironment returns the identity that a module's environment gives it: edgeAgent's IOTEDGE_*
// variables where they are complete, else EdgeHubConnectionString with EdgeModuleCACertificateFile, as
// iotedgehubdev sets them. getenv is os.Getenv outside of tests. The error is an *EnvironmentError.
func IdentityFromEnvironment(getenv func(string) string) (Identity, error) {
	var missing []string
	for _, name := range []string{envWorkloadURI, envAuthScheme, envGeneration, envIoTHub, envGateway, envDevice, envModule} {
		if getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) == 0:
		return identityFromWorkload(getenv)
	case getenv(envConnectionString) != "":
		return identityFromConnectionString(getenv(envConnectionString), getenv(envCAFile))
	}
	return Identity{}, &EnvironmentError{Missing: missing}
}

func identityFromWorkload(getenv func(string) string) (Identity, error) {
	if scheme := getenv(envAuthScheme); !strings.EqualFold(scheme, "sasToken") {
		return Identity{}, &EnvironmentError{Reason: fmt.Sprintf("%s is %q, not sasToken", envAuthScheme, scheme)}
	}
	api, err := newWorkload(getenv(envWorkloadURI), getenv(envModule), getenv(envGeneration))
	if err != nil {
		return Identity{}, &EnvironmentError{Reason: fmt.Sprintf("%s: %v", envWorkloadURI, err)}
	}
	return Identity{
		IoTHub:       getenv(envIoTHub),
		Gateway:      getenv(envGateway),
		DeviceID:     getenv(envDevice),
		ModuleID:     getenv(envModule),
		GenerationID: getenv(envGeneration),
		source:       "workload API at " + getenv(envWorkloadURI),
		credentials:  api,
	}, nil
}

func identityFromConnectionString(text, caFile string) (Identity, error) {
	id, key, err := parseConnectionString(text)
	if err != nil {
		return Identity{}, &EnvironmentError{Reason: fmt.Sprintf("%s: %v", envConnectionString, err)}
	}
	id.source = envConnectionString
	id.credentials = &sharedKey{key: key, caFile: caFile}
	return id, nil
}

// Source says where the identity comes from: "workload API at unix:///var/run/iotedge/workload.sock" or
// "EdgeHubConnectionString".
func (i Identity) Source() string { return i.source }

// String says who the module is, for logs.
func (i Identity) String() string {
	return fmt.Sprintf("module %q of device %q at %s, from %s", i.ModuleID, i.DeviceID, i.Gateway, i.source)
}

// GoString keeps %#v from walking into the credentials.
func (i Identity) GoString() string { return "edgehub.Identity{" + i.String() + "}" }

// address returns edgeHub's host, for its certificate, and host:port, to dial.
func (i Identity) address() (host, hostPort string) {
	host, port, err := net.SplitHostPort(i.Gateway)
	if err != nil {
		host, port = strings.Trim(i.Gateway, "[]"), DefaultPort
	}
	return host, net.JoinHostPort(host, port)
}

// check refuses what cannot be spoken on the wire: ids are parts of topics and are not escaped there.
func (i Identity) check() error {
	if i.credentials == nil {
		return errors.New("identity has no credentials: take it from IdentityFromEnvironment")
	}
	if i.IoTHub == "" || i.Gateway == "" {
		return errors.New("identity has no IoT Hub or no gateway")
	}
	for _, name := range []string{i.DeviceID, i.ModuleID} {
		if name == "" || len(name) > 128 || strings.ContainsAny(name, "/+#") || !isText(name) {
			return fmt.Errorf("identity %q cannot be part of a topic", name)
		}
	}
	return nil
}

// readRoots returns the certificates of a PEM bundle.
func readRoots(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in it")
	}
	return pool, nil
}

func readRootsFile(name string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", envCAFile, err)
	}
	pool, err := readRoots(pem)
	if err != nil {
		return nil, fmt.Errorf("read %s %q: %w", envCAFile, name, err)
	}
	return pool, nil
}
