//go:build cgo

package chaos

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// process is a process that the campaign has started, and will end.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has
	err   error         // how; to be read once ended is closed
}

func launch(t *testing.T, cmd *exec.Cmd, before func() error) *process {
	t.Helper()
	require.NoError(t, cmd.Start())
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() { // ends with the process, which kill and stop wait for
		defer close(p.ended)
		read := before()
		if p.err = cmd.Wait(); p.err == nil {
			p.err = read
		}
	}()
	return p
}

// kill ends it as a loss of power would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// stop asks it to end, and returns how long that took and how it ended. It has ten seconds to live.
func (p *process) stop() (time.Duration, error) {
	start := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
		return time.Since(start), p.err
	case <-time.After(10 * time.Second):
		p.kill()
		return time.Since(start), errors.New("it had to be killed after ten seconds")
	}
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// device is the two processes and what they keep.
type device struct {
	t           *testing.T
	dir, binary string
	edge        string // addresses of the hub
	control     string
	account     *account
	log         *os.File
	disk        *disk // of the module's storage

	environment map[string]string // of the module: its identity
	hub, module *process
}

// newDevice builds the binary, and starts nothing yet.
func newDevice(t *testing.T, deployment string) *device {
	dir, err := os.MkdirTemp("", "chaos") // short: sockets lie in it
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("ledger, logs and state are left in %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	d := &device{t: t, dir: dir, binary: filepath.Join(dir, "wasm-on-edge"), edge: address(t), control: address(t), account: newAccount()}
	d.disk = mountDisk(t, filepath.Join(dir, "disk"))
	d.log, err = os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	buildBinary(t, d.binary)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "deployment.json"), []byte(deployment), 0o600))
	return d
}

// buildBinary puts the binary where it stays as it is, whoever builds another one. It is linked anew only where it is not what
// make build has built.
func buildBinary(t *testing.T, path string) {
	t.Helper()
	const bin = "../../../build/bin/"
	out, err := exec.Command("go", "build", "-o", bin, "../../cmd/wasm-on-edge").CombinedOutput()
	require.NoError(t, err, string(out))
	binary, err := os.ReadFile(bin + "wasm-on-edge")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, binary, 0o700))
}

// address returns one that is free, for a hub that is to have the same after each start: its port is below those that the
// kernel hands out by itself, as it does to other tests while the hub is away.
func address(t *testing.T) string {
	for range 100 {
		listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(10_000)))
		if err == nil {
			require.NoError(t, listener.Close())
			return listener.Addr().String()
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// simulate returns the command that runs the hub on the state that it left.
func (d *device) simulate(args ...string) *exec.Cmd {
	cmd := exec.Command(d.binary, append([]string{"simulate", filepath.Join(d.dir, "deployment.json"), "--no-module", "--listen", d.edge,
		"--state", filepath.Join(d.dir, "hub")}, args...)...)
	cmd.Stderr = d.log
	return cmd
}

// identity has a hub that runs for a moment say what a module needs to connect, also to those that come after it.
func (d *device) identity(module string) map[string]string {
	text, err := d.simulate("--env", "--module", module, "--duration", "10ms").Output()
	require.NoError(d.t, err)
	environment := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.HasPrefix(name, "IOTEDGE_") {
			environment[name] = value
		}
	}
	return environment
}

// startHub starts the hub, and returns when it listens.
func (d *device) startHub() {
	cmd := d.simulate("--json", "--control", d.control, "--ledger", filepath.Join(d.dir, "ledger"))
	stdout, err := cmd.StdoutPipe()
	require.NoError(d.t, err)
	d.hub = launch(d.t, cmd, func() error { return d.read(stdout) })
	require.Eventually(d.t, func() bool {
		require.True(d.t, d.hub.running(), "the hub did not start: see the log")
		response, err := http.Get("http://" + d.control + "/stats")
		return err == nil && response.Body.Close() == nil
	}, 30*time.Second, 20*time.Millisecond, "the hub does not answer")
}

// read takes what the hub prints, a JSON object a line, until it ends.
func (d *device) read(stdout io.Reader) error {
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil // what the hub was about to say it will say again
		}
		if err := d.account.take(line); err != nil {
			return err
		}
	}
}

// startModule starts the module on the storage that it left, with a quota in MiB.
func (d *device) startModule(quota int) {
	cmd := exec.Command(d.binary, "run")
	cmd.Env = append(os.Environ(), "WASM_ON_EDGE_LOG_FORMAT=json", "WASM_ON_EDGE_STORAGE="+filepath.Join(d.disk.dir, "storage"),
		"WASM_ON_EDGE_GUESTS="+filepath.Join(d.dir, "guests"), fmt.Sprint("WASM_ON_EDGE_STORAGE_MIB=", quota))
	for name, value := range d.environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = d.log
	d.module = launch(d.t, cmd, func() error { return nil })
}

// stats returns what the hub counts of the module.
func (d *device) stats() (sim.ModuleStats, error) {
	response, err := http.Get("http://" + d.control + "/stats")
	if err != nil {
		return sim.ModuleStats{}, fmt.Errorf("ask hub: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var stats sim.Stats
	err = json.NewDecoder(response.Body).Decode(&stats)
	return stats.Modules["wasmOnEdge"], err
}

// tell gives the hub a line: a fault, or a change of the twin.
func (d *device) tell(line string) error {
	response, err := http.Post("http://"+d.control+"/", "text/plain", strings.NewReader(line))
	if err != nil {
		return fmt.Errorf("tell hub %q: %w", line, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("tell hub %q: %s", line, text)
	}
	return nil
}
