package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/check"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/publishednodes"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// errFindings means that something would be refused, which has been said already.
var errFindings = errors.New("something would be refused")

type checkCommand struct {
	File   string   `arg:"" default:"deployment.template.json" help:"A deployment template or manifest, or the desired section of a twin; - reads standard input."`
	Layers []string `arg:"" optional:"" help:"Layered deployments over it, the one of the lowest priority first."`
	Module string   `default:"wasmOnEdge" help:"What the deployment calls this module."`
	Diff   string   `placeholder:"TWIN" help:"Compare a device's twin with what the deployment gives it, and tell what somebody has changed."`
	Guests string   `env:"WASM_ON_EDGE_GUESTS" default:"build/guests" placeholder:"DIR" help:"Directory of the file: sources of signalsFrom; where it is not there their signals are not looked at."`
	Rate   []string `placeholder:"input:NAME=N/s" sep:"none" help:"How many messages an input brings, a second (s), minute (min) or hour (h); 1/s where nothing is said. May be repeated."`
	Nodes  string   `name:"from-published-nodes" placeholder:"FILE" help:"Print the signals that do the same as OPC Publisher's published nodes; what has no equivalent goes to standard error."`
	Health bool     `help:"Ask the module that runs beside this command, in its container, whether it is well."`
	Input  string   `default:"opc" help:"With --from-published-nodes: the input that OPC Publisher's messages are routed into."`
}

// Help is what --help adds.
func (checkCommand) Help() string {
	return `Tells everything that the module would refuse, each with its place and path, and what it would take but is probably not
meant: outputs that no route takes, inputs that no route feeds, messages that edgeHub would forget too soon, more memory
than the container has. It counts the bytes of the twin as IoT Hub does, and estimates the messages of a day from how often
inputs bring one (--rate). Exits with 1 if anything would be refused.

Layers are put over the base as IoT Hub does it, and the whole is checked. With --diff it tells where the twin of a device,
as az iot hub module-twin show prints it, is otherwise than deployed, and exits with 1 if it is anywhere.

With --health it looks at no file, but asks /healthz where WASM_ON_EDGE_METRICS says: for a container's HEALTHCHECK.
With --from-published-nodes it prints a desired twin: the signals that do what OPC Publisher's file asks for.

  wasm-on-edge check deployment.template.json
  wasm-on-edge check docs/fleet/base.json docs/fleet/pressure.layer.json
  wasm-on-edge check --diff twin.json deployment.json
  wasm-on-edge check --from-published-nodes publishednodes.json > twin.json
  az iot hub module-twin show … --query properties.desired | wasm-on-edge check -`
}

func (c checkCommand) Run(env *environment) error {
	if c.Health {
		return checkHealth(env)
	}
	if c.Nodes != "" {
		return c.convert(env)
	}
	rates, err := readRates(c.Rate)
	if err != nil {
		return err
	}
	document, err := c.read(env.stdin)
	if err != nil {
		return hint(err, "name a deployment or a twin: wasm-on-edge check FILE, or - for standard input")
	}
	if document, err = c.compose(document); err != nil {
		return err
	}
	if c.Diff != "" {
		return c.drift(env, document)
	}
	var report check.Report
	if check.IsDeployment(document) {
		if report, err = check.Deployment(document, c.Module, atHand(c.Module, c.Guests)); err != nil {
			return c.deploymentError(err)
		}
	} else {
		report = check.Twin(document, atHand(c.Module, c.Guests))
	}
	return c.print(env.stdout, report, rates)
}

func (c checkCommand) deploymentError(err error) error {
	wrapped := fmt.Errorf("check %s: %w", c.name(), err)
	if _, malformed := errors.AsType[*manifest.Error](err); malformed {
		return wrapped
	}
	return hint(wrapped, "--module NAME says what the deployment calls this module")
}

// placeholders stand in for what only the device knows: any variable counts as set.
func placeholders(moduleID string) twin.Environment {
	return twin.Environment{DeviceID: "device", ModuleID: moduleID, Getenv: func(name string) string { return "${env:" + name + "}" }}
}

// atHand is like placeholders, with the files of signals in a guests directory, if there is one.
func atHand(moduleID, guests string) twin.Environment {
	env := placeholders(moduleID)
	if info, err := os.Stat(guests); err == nil && info.IsDir() {
		env.Fetch = func(f twin.File) ([]byte, error) {
			store, err := artifact.New(artifact.Config{Guests: guests})
			if err != nil {
				return nil, err
			}
			if !strings.HasPrefix(f.Source, "file:") {
				return nil, twin.ErrNotAtHand // check asks no network
			}
			file, err := store.Find(artifact.Request{Source: f.Source, Digest: f.Digest, Unsigned: true})
			return file.Bytes, err
		}
	}
	return env
}

// convert prints the signals that do the same as published nodes.
func (c checkCommand) convert(env *environment) error {
	if !module.ValidName(c.Input) {
		return fmt.Errorf("check: --input %q is not a name of 1 to 64 of A-Z a-z 0-9 _ -", c.Input)
	}
	document, err := os.ReadFile(c.Nodes)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	result, err := publishednodes.Convert(document, c.Input)
	if err != nil {
		return hint(fmt.Errorf("check %s: %w", c.Nodes, err), "it must be OPC Publisher's file, an array of entries with EndpointUrl and OpcNodes")
	}
	for _, note := range result.Notes {
		fmt.Fprintf(env.stderr, "note: %s\n", note)
	}
	if size, err := twin.Size(result.Twin); err == nil && size > check.WarnBytes {
		fmt.Fprintf(env.stderr, "note: a twin may have %d bytes, and this one has %d: put its signals into a file for signalsFrom\n", twin.MaxSection, size)
	}
	_, err = env.stdout.Write(result.Twin)
	return err
}

func (c checkCommand) read(stdin io.Reader) ([]byte, error) {
	if c.File == "-" {
		return io.ReadAll(stdin)
	}
	document, err := os.ReadFile(c.File)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	return document, nil
}

func (c checkCommand) name() string {
	if c.File == "-" {
		return "standard input"
	}
	return c.File
}

// readRates reads --rate: input:NAME=N/s, N/min or N/h.
func readRates(assignments []string) (check.Rates, error) {
	units := map[string]float64{"s": 1, "min": 60, "h": 3600}
	rates := make(check.Rates, len(assignments))
	for _, assignment := range assignments {
		input, rate, _ := strings.Cut(assignment, "=")
		number, unit, _ := strings.Cut(rate, "/")
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n >= 0 && n <= 1e6) || units[unit] == 0 || !strings.HasPrefix(input, "input:") {
			return nil, hint(fmt.Errorf("check: --rate %q is not input:NAME=N/s", assignment), "for example --rate input:opc=10/min, or /h")
		}
		rates[input] = n / units[unit]
	}
	return rates, nil
}

func (c checkCommand) print(w io.Writer, r check.Report, rates check.Rates) error {
	words := map[module.Severity]string{module.Refused: "refused", module.Ignored: "ignored", module.Warning: "warning"}
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(w, "%s%s: %s\n", c.place(&r, f), words[f.Severity], f); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "%s: %s, %s, %d of 32768 bytes as IoT Hub counts them, %s\n", c.name(),
		count(r.Guests, "guest"), count(r.Signals, "signal"), r.Bytes, count(len(r.Findings), "finding")); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s\n%s\n", r.Memory, r.Traffic(rates)); err != nil {
		return err
	}
	if r.Refused() {
		return errFindings
	}
	return nil
}

// place returns where a finding stands, as compilers write it, so that editors and terminals lead there. What layers come to
// stands nowhere.
func (c checkCommand) place(r *check.Report, f module.Finding) string {
	if len(c.Layers) > 0 {
		return ""
	}
	at := r.Position(f)
	return fmt.Sprintf("%s:%d:%d: ", c.name(), at.Line, at.Column)
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
