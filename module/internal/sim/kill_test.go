package sim

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// hubProcess is the argument with which the tests' binary is a hub and nothing else.
const hubProcess = "hub-process"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == hubProcess {
		if err := runHubProcess(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const relay = `FROM /messages/modules/source/outputs/out INTO BrokeredEndpoint("/modules/filter/inputs/in")`

// runHubProcess serves modules until it is interrupted, or killed.
func runHubProcess(dir string) error {
	route, err := manifest.ParseRoute("relay", relay)
	if err != nil {
		return err
	}
	h, err := New(Config{
		Dir: dir, Keep: true, Ledger: filepath.Join(dir, "ledger"), RetryMin: time.Millisecond, RetryMax: 4 * time.Millisecond,
		Manifest: manifest.Manifest{Modules: []manifest.Module{{Name: "source"}, {Name: "filter"}}, Routes: []manifest.Route{route}},
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, module := range []string{"source", "filter"} {
		text, ca := h.ConnectionString(module)
		fmt.Printf("EdgeHubConnectionString=%s\nEdgeModuleCACertificateFile=%s\n", text, ca)
	}
	return h.Run(ctx)
}

// startHubProcess starts a hub and returns what its modules need to connect.
func startHubProcess(t *testing.T, dir string) (hub *exec.Cmd, environments []map[string]string) {
	t.Helper()
	hub = exec.Command(os.Args[0], hubProcess, dir)
	hub.Stderr = os.Stderr
	stdout, err := hub.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, hub.Start())
	lines := bufio.NewScanner(stdout)
	for range 2 {
		environment := map[string]string{}
		for range 2 {
			require.True(t, lines.Scan())
			name, value, _ := strings.Cut(lines.Text(), "=")
			environment[name] = value
		}
		environments = append(environments, environment)
	}
	return hub, environments
}

// received is what a module has got, each message once.
type received struct {
	mu      sync.Mutex // guards the fields below
	bodies  map[string]int
	repeats int
}

func (r *received) take(body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bodies[body]++; r.bodies[body] > 1 {
		r.repeats++
	}
}

func (r *received) count() (messages, repeats int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies), r.repeats
}

func TestNothingThatWasAcknowledgedIsLostWhenTheHubIsKilled(t *testing.T) {
	const kills, messages = 4, 1000
	dir := shortDir(t)
	hub, environments := startHubProcess(t, dir)
	got := &received{bodies: map[string]int{}}
	runClient(t, edgehub.Config{OnInput: func(in *edgehub.Input) error {
		got.take(string(in.Body))
		in.Ack()
		return nil
	}}, environments[1])
	source := runClient(t, edgehub.Config{}, environments[0])

	sent := make(chan int, messages)
	var publishing sync.WaitGroup
	publishing.Go(func() {
		defer close(sent)
		for n := range messages {
			publishUntilAcknowledged(t, source, n)
			sent <- n
		}
	})
	for range kills {
		for range messages / (kills + 1) {
			<-sent
		}
		require.NoError(t, hub.Process.Kill())
		_ = hub.Wait() // it says that it was killed
		hub, _ = startHubProcess(t, dir)
	}
	publishing.Wait()
	require.Eventually(t, func() bool { n, _ := got.count(); return n == messages }, 3*patience, 10*time.Millisecond)
	_, repeats := got.count()
	t.Logf("%d messages, %d kills, %d repeats", messages, kills, repeats)
	require.NoError(t, hub.Process.Signal(syscall.SIGINT))
	require.NoError(t, hub.Wait())

	stored := map[int64]bool{}
	for _, e := range entries(t, filepath.Join(dir, "ledger")) {
		if e.Event == "stored" {
			stored[*e.N] = true
		}
	}
	assert.Len(t, stored, messages, "the ledger knows of each")
}

// publishUntilAcknowledged sends a message as long as it takes.
func publishUntilAcknowledged(t *testing.T, c *edgehub.Client, n int) {
	done := make(chan error, 1)
	for {
		err := c.Publish(t.Context(), "out", edgehub.Message{Body: fmt.Appendf(nil, `{"n":%d}`, n)}, func(err error) { done <- err })
		if err == nil {
			err = <-done
		}
		if err == nil || t.Context().Err() != nil {
			return
		}
		_ = c.WaitConnected(t.Context())
	}
}
