package app

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

// Where things are in the container, unless the environment says otherwise.
const (
	defaultStorage = "/var/lib/wasm-on-edge"
	defaultGuests  = "/guests"

	defaultCredentials = "/credentials"
	defaultSecrets     = "/run/secrets/wasm-on-edge"
)

const (
	defaultStorageMiB = 512
	// defaultMetrics is where IoT Edge's metrics collector looks.
	defaultMetrics = ":9600"
	metricsOff     = "off"
)

// Config is what the module reads from its environment.
type Config struct {
	Getenv      func(string) string // identity, ${env:NAME} in the twin
	Storage     string              // WASM_ON_EDGE_STORAGE: what survives a restart; "" keeps nothing
	Guests      string              // WASM_ON_EDGE_GUESTS: where file: sources lie
	Credentials string              // WASM_ON_EDGE_CREDENTIALS: directory of the files that a guest's credentials name
	Secrets     string              // WASM_ON_EDGE_SECRETS: directory of the files that permissions.secrets name
	TrustedKeys string              // WASM_ON_EDGE_TRUSTED_KEYS: file of public keys in PEM, one of which must have signed a guest; "": none has to
	Policy      string              // WASM_ON_EDGE_POLICY: file that bounds what the twin may ask for; "": nothing does
	CAFile      string              // WASM_ON_EDGE_CA_FILE: file of authorities for servers of guests, and those that guests reach, besides the system's
	Memory      int64               // WASM_ON_EDGE_MEMORY_MIB, in bytes: what the guests' limits may come to; 0: 70 % of the container's
	// StorageLimit is what the storage directory may come to, in bytes, before nothing more is stored: WASM_ON_EDGE_STORAGE_MIB.
	StorageLimit int64
	LogFormat    observe.LogFormat // WASM_ON_EDGE_LOG_FORMAT
	LogLevel     string            // RuntimeLogLevel, until the twin says otherwise
	LogTo        io.Writer

	// Metrics is the address that metrics and health are told at, HOST:PORT: WASM_ON_EDGE_METRICS; "" tells nobody.
	Metrics string

	// Methods says which direct methods may be called: WASM_ON_EDGE_METHODS.
	Methods methods.Access

	// FixedLogLevel keeps LogLevel whatever the twin says; simulate shows warnings only.
	FixedLogLevel bool
	Version       string // of this program
}

// ConfigFromEnvironment reads the configuration of the module in its container.
func ConfigFromEnvironment(getenv func(string) string, version string) (Config, error) {
	format, err := observe.ParseLogFormat(getenv("WASM_ON_EDGE_LOG_FORMAT"))
	if err != nil {
		return Config{}, err
	}
	memory, err := mebibytes(getenv, "WASM_ON_EDGE_MEMORY_MIB", 0)
	if err != nil {
		return Config{}, err
	}
	storage, err := mebibytes(getenv, "WASM_ON_EDGE_STORAGE_MIB", defaultStorageMiB)
	if err != nil {
		return Config{}, err
	}
	access, err := methods.ParseAccess(getenv("WASM_ON_EDGE_METHODS"))
	if err != nil {
		return Config{}, err
	}
	or := func(name, otherwise string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return otherwise
	}
	return Config{
		Getenv:       getenv,
		Storage:      or("WASM_ON_EDGE_STORAGE", defaultStorage),
		Guests:       or("WASM_ON_EDGE_GUESTS", defaultGuests),
		Credentials:  or("WASM_ON_EDGE_CREDENTIALS", defaultCredentials),
		Secrets:      or("WASM_ON_EDGE_SECRETS", defaultSecrets),
		TrustedKeys:  getenv("WASM_ON_EDGE_TRUSTED_KEYS"),
		Policy:       getenv("WASM_ON_EDGE_POLICY"),
		CAFile:       getenv("WASM_ON_EDGE_CA_FILE"),
		Memory:       memory,
		StorageLimit: storage,
		LogFormat:    format,
		LogLevel:     getenv("RuntimeLogLevel"),
		LogTo:        os.Stderr,
		Metrics:      MetricsAddress(getenv),
		Methods:      access,
		Version:      version,
	}, nil
}

// MetricsAddress returns the address that metrics and health are told at, "" where they are off.
func MetricsAddress(getenv func(string) string) string {
	switch address := getenv("WASM_ON_EDGE_METRICS"); address {
	case "":
		return defaultMetrics
	case metricsOff:
		return ""
	default:
		return address
	}
}

// mebibytes reads a number of MiB, in bytes.
func mebibytes(getenv func(string) string, name string, otherwise int64) (int64, error) {
	text := getenv(name)
	if text == "" {
		return otherwise << 20, nil
	}
	mib, err := strconv.ParseInt(text, 10, 32)
	if err != nil || mib < 1 {
		return 0, fmt.Errorf("read %s: %q is not a whole number of MiB from 1 on", name, text)
	}
	return mib << 20, nil
}
