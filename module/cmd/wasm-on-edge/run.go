package main

import (
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
)

type runCommand struct{}

// Help is what --help adds.
func (runCommand) Help() string {
	return `In the container edgeAgent gives the identity (IOTEDGE_*); elsewhere EdgeHubConnectionString and
EdgeModuleCACertificateFile do, as iotedgehubdev prints them. Further variables:

  WASM_ON_EDGE_GUESTS      directory of file: guests (/guests)
  WASM_ON_EDGE_CREDENTIALS directory of what credentials of the twin name (/credentials)
  WASM_ON_EDGE_CA_FILE     authorities in PEM for servers of guests, besides the system's
  WASM_ON_EDGE_TRUSTED_KEYS file of public keys in PEM: nothing runs that none of them has signed
  WASM_ON_EDGE_POLICY      file that bounds what the twin may ask for
  WASM_ON_EDGE_STORAGE     directory that survives a restart (/var/lib/wasm-on-edge)
  WASM_ON_EDGE_STORAGE_MIB what that directory may come to (512)
  WASM_ON_EDGE_MEMORY_MIB  what the memory limits of all signals may come to (70 % of the container's memory)
  WASM_ON_EDGE_METRICS     HOST:PORT of /metrics, /healthz and /readyz; off for none (:9600)
  WASM_ON_EDGE_LOG_FORMAT  edge, terminal or json (edge)
  WASM_ON_EDGE_METHODS     which direct methods may be called: read, those that change nothing, or all (read)
  RuntimeLogLevel          log level until the twin names one (info)

  WASM_ON_EDGE_GUESTS=build/guests WASM_ON_EDGE_STORAGE=/tmp/woe WASM_ON_EDGE_LOG_FORMAT=terminal wasm-on-edge run`
}

func (runCommand) Run(env *environment) error {
	config, err := app.ConfigFromEnvironment(env.getenv, version())
	if err != nil {
		return err
	}
	config.LogTo = env.stderr
	a, err := app.New(config)
	if err != nil {
		return hint(err, "to try it without a device: wasm-on-edge simulate")
	}
	return a.Run(env.ctx)
}
