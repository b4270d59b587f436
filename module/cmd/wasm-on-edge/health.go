package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

// healthTime is how long a module that works may take to say so.
const healthTime = 5 * time.Second

// errUnwell means that the module runs and is not well, which has been said already.
var errUnwell = errors.New("the module is not well")

// checkHealth asks the module of this container whether it works, and prints what does not.
func checkHealth(env *environment) error {
	address := app.MetricsAddress(env.getenv)
	if address == "" {
		_, err := fmt.Fprintln(env.stdout, "health is told nowhere: WASM_ON_EDGE_METRICS is off")
		return err
	}
	ctx, cancel := context.WithTimeout(env.ctx, healthTime)
	defer cancel()
	health, err := observe.AskHealth(ctx, address)
	if err != nil {
		return hint(err, "it asks the module at WASM_ON_EDGE_METRICS, by default :9600")
	}
	for _, c := range health.Checks {
		if c.OK {
			continue
		}
		if _, err := fmt.Fprintf(env.stdout, "%s: %s\n", c.Name, c.Reason); err != nil {
			return err
		}
	}
	if health.Status != observe.StatusOK {
		return errUnwell
	}
	_, err = fmt.Fprintf(env.stdout, "well: %s answer\n", count(len(health.Checks), "part"))
	return err
}
