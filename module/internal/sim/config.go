package sim

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// Defaults of a Config: edgeHub's own.
const (
	defaultListen     = "127.0.0.1:0"
	defaultInFlight   = 1
	defaultAckTimeout = 30 * time.Second
	defaultRetryMin   = time.Second
	defaultRetryMax   = time.Minute
	defaultQueueLimit = 10000
)

// Config says what to simulate. Zero values stand for edgeHub's own.
type Config struct {
	Manifest   manifest.Manifest
	Dir        string        // for sockets and certificates; made if need be, with mode 0700, and left to the caller to remove
	Keep       bool          // keep identities, sessions, twins and messages in Dir, and go on with what a hub that was killed has left there
	Ledger     string        // file to account for every message in, appended to; "" for none
	Listen     string        // TCP address for MQTT over TLS; 127.0.0.1 and any free port
	ListenHTTP string        // TCP address for direct methods over HTTPS; 127.0.0.1 and any free port
	InFlight   int           // inputs of one module that may wait for their acknowledgement; 1
	AckTimeout time.Duration // after which an input is delivered again; 30 s
	RetryMin   time.Duration // wait after a first failed delivery; 1 s
	RetryMax   time.Duration // wait after many; 60 s
	QueueLimit int           // messages that wait for one input, or for $upstream, before their senders do; 10000
	Number     bool          // have the sensors number their bodies: "n" counts from 1
	Log        zerolog.Logger
	Observer   Observer
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Dir == "" {
		return cfg, errors.New("no directory given")
	}
	if cfg.InFlight < 0 || cfg.QueueLimit < 0 || cfg.AckTimeout < 0 || cfg.RetryMin < 0 || cfg.RetryMax < 0 {
		return cfg, errors.New("negative limit or duration")
	}
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil { // modules have working directories of their own
		return cfg, fmt.Errorf("find directory: %w", err)
	}
	setDefault(&cfg.Listen, defaultListen)
	setDefault(&cfg.ListenHTTP, defaultListen)
	setDefault(&cfg.InFlight, defaultInFlight)
	setDefault(&cfg.AckTimeout, defaultAckTimeout)
	setDefault(&cfg.RetryMin, defaultRetryMin)
	setDefault(&cfg.RetryMax, max(defaultRetryMax, cfg.RetryMin))
	setDefault(&cfg.QueueLimit, defaultQueueLimit)
	return cfg, nil
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
