package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/check"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// errDrift means that a device's twin is not as deployed, which has been said already.
var errDrift = errors.New("the twin is not as deployed")

// compose puts the layers of the command line over a deployment.
func (c checkCommand) compose(base []byte) ([]byte, error) {
	if len(c.Layers) == 0 {
		return base, nil
	}
	if !check.IsDeployment(base) {
		return nil, fmt.Errorf("check %s: it is not a deployment, which layers could lie over", c.name())
	}
	layers := make([][]byte, len(c.Layers))
	for i, name := range c.Layers {
		layer, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("check: %w", err)
		}
		layers[i] = layer
	}
	whole, err := manifest.Compose(base, layers...)
	if err != nil {
		return nil, hint(fmt.Errorf("check: %w", err), `a layer's keys are "properties.desired.guests.NAME" and the like; the base comes first`)
	}
	return whole, nil
}

// drift tells where a device's twin is otherwise than deployed.
func (c checkCommand) drift(env *environment, deployment []byte) error {
	device, err := os.ReadFile(c.Diff)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	differences, err := check.Drift(deployment, c.Module, device)
	if err != nil {
		return hint(fmt.Errorf("check: %w", err), "--diff TWIN DEPLOYMENT, where TWIN is what az iot hub module-twin show prints")
	}
	for _, d := range differences {
		fmt.Fprintln(env.stdout, d)
	}
	fmt.Fprintf(env.stdout, "%s: %s from %s\n", c.Diff, count(len(differences), "difference"), c.name())
	if len(differences) > 0 {
		return errDrift
	}
	return nil
}
