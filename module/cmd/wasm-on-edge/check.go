package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/check"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// errFindings means that something would be refused, which has been said already.
var errFindings = errors.New("something would be refused")

type checkCommand struct {
	File   string `arg:"" default:"deployment.template.json" help:"A deployment template or manifest, or the desired section of a twin; - reads standard input."`
	Module string `default:"wasmOnEdge" help:"What the deployment calls this module."`
}

// Help is what --help adds.
func (checkCommand) Help() string {
	return `Tells everything that the module would refuse, each with its path, and what it would take but is probably not
meant: outputs that no route takes, inputs that no route feeds, messages that edgeHub would forget too soon. It counts
the bytes of the twin as IoT Hub does. Exits with 1 if anything would be refused.

  wasm-on-edge check deployment.template.json
  az iot hub module-twin show … --query properties.desired | wasm-on-edge check -`
}

func (c checkCommand) Run(env *environment) error {
	document, err := c.read()
	if err != nil {
		return err
	}
	// Variables of the device are not known here: any name counts as set.
	placeholders := twin.Environment{DeviceID: "device", ModuleID: c.Module, Getenv: func(name string) string { return "${env:" + name + "}" }}
	var report check.Report
	if check.IsDeployment(document) {
		if report, err = check.Deployment(document, c.Module, placeholders); err != nil {
			return hint(err, "--module NAME says what the deployment calls this module")
		}
	} else {
		report = check.Twin(document, placeholders)
	}
	return c.print(env.stdout, report)
}

func (c checkCommand) read() ([]byte, error) {
	if c.File == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(c.File)
}

func (c checkCommand) print(w io.Writer, r check.Report) error {
	words := map[module.Severity]string{module.Refused: "refused", module.Ignored: "ignored", module.Warning: "warning"}
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(w, "%s: %s\n", words[f.Severity], f); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "%s: %d guests, %d signals, %d bytes of 32768 as IoT Hub counts them, %d findings\n",
		c.File, r.Guests, r.Signals, r.Bytes, len(r.Findings)); err != nil {
		return err
	}
	if r.Refused() {
		return errFindings
	}
	return nil
}
