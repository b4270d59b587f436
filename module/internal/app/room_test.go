package app

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// newTestRoom returns a room of 1 MiB whose cache is a file of so many KiB.
func newTestRoom(t *testing.T, cacheKiB int) (r *room, cache string, pruned *int64) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "compiled"), 0o700))
	cache = filepath.Join(dir, "compiled", "code")
	require.NoError(t, os.WriteFile(cache, make([]byte, cacheKiB<<10), 0o600))
	pruned = new(int64)
	prune := func(bytes int64) {
		*pruned += bytes
		require.NoError(t, os.Truncate(cache, max(int64(cacheKiB)<<10-bytes, 0)))
	}
	return &room{dir: dir, limit: 1 << 20, journal: func() int64 { return 0 }, prune: prune, pruneBinaries: func(int64) {}}, cache, pruned
}

func TestTheCacheIsPrunedFromNineTenthsOn(t *testing.T) {
	r, _, pruned := newTestRoom(t, 900)
	require.NoError(t, r.tend(true))
	assert.Zero(t, *pruned)
	r, _, pruned = newTestRoom(t, 1000)
	require.NoError(t, r.tend(false))
	assert.Zero(t, *pruned, "guests are still to be compiled")
	require.NoError(t, r.tend(true))
	assert.NotZero(t, *pruned)
	assert.Less(t, r.taken(), r.limit/10*9)
}

func TestNothingMoreIsStoredWhenAllIsTaken(t *testing.T) {
	r, _, _ := newTestRoom(t, 1000)
	r.prune = func(int64) {} // all of it is in use
	require.NoError(t, r.tend(true))
	require.NoError(t, r.check())
	r.journal = func() int64 { return 64 << 10 } // grew since then
	require.ErrorIs(t, r.check(), journal.ErrFull)
	assert.ErrorContains(t, r.check(), "of the 1 MiB of WASM_ON_EDGE_STORAGE_MIB are taken")
}

func TestADirectoryThatIsGoneCannotBeMeasured(t *testing.T) {
	r, _, _ := newTestRoom(t, 1)
	require.NoError(t, os.RemoveAll(r.dir))
	assert.ErrorContains(t, r.tend(true), "measure storage: ")
}

const countingAndPassing = `{"schemaVersion":"1.0","guests":{"g":{"source":"file:count_state.wasm"},"p":{"source":"file:pass.wasm"}},
	"signals":{"counts":{"source":"input:a","guest":"g"},"passes":{"source":"input:b","guest":"p","output":"passed"}}}`

// sendUntilRefused sends inputs to the signal that counts until its state is not kept any more.
func (d *device) sendUntilRefused() {
	for n := 0; len(d.messages("deadletter")) == 0; n++ {
		require.Less(d.t, n, 5000, "the storage does not become full")
		d.send("a", "x")
		d.wait(func() bool { return len(d.messages("telemetry"))+len(d.messages("deadletter")) > n }, "input %d", n)
	}
	assert.Equal(d.t, "state-not-kept", property(d.t, d.messages("deadletter")[0], "deadletter-reason"))
}

func TestWhenTheStorageIsFullStateFailsAndMessagesPass(t *testing.T) {
	d := newDevice(t, countingAndPassing, "count_state", "pass")
	d.limit = 4 << 20
	d.run()
	d.waitReported("signals.counts.runtimeStatus", "running")
	d.send("a", "x")
	d.waitBodies("telemetry", "1")
	ballast := filepath.Join(d.storage, "files", "counts")
	require.NoError(t, os.MkdirAll(filepath.Dir(ballast), 0o700))
	require.NoError(t, os.WriteFile(ballast, make([]byte, 4<<20), 0o600))
	d.app.tendStorage()
	d.send("a", "x")
	d.waitBodies("deadletter", "x")
	assert.Equal(t, "state-not-kept", property(t, d.messages("deadletter")[0], "deadletter-reason"))
	assert.Contains(t, d.app.Reported().Runtime.Storage, "full: what is stored comes to WASM_ON_EDGE_STORAGE_MIB")
	d.send("b", "y")
	d.waitBodies("passed", "y")
	require.NoError(t, os.Remove(ballast))
	d.app.tendStorage()
	d.send("a", "x")
	d.waitBodies("telemetry", "1", "2")
}

// inNamespace runs the test once more where it may mount, with a disk in memory of so many bytes, and reports whether this
// is where it runs so.
func inNamespace(t *testing.T, bytes int) (dir string, inside bool) {
	t.Helper()
	const variable = "WASM_ON_EDGE_TEST_DISK"
	if dir = os.Getenv(variable); dir != "" {
		return dir, true
	}
	if err := exec.Command("unshare", "-Urm", "true").Run(); err != nil {
		t.Skipf("this test needs user namespaces to mount a small disk: unshare -Urm: %v", err)
	}
	dir = t.TempDir()
	script := fmt.Sprintf(`mount -t tmpfs -o size=%d none "$1" && exec "$2" -test.run "^$3\$" -test.v`, bytes)
	c := exec.CommandContext(t.Context(), "unshare", "-Urm", "sh", "-c", script, "sh", dir, os.Args[0], t.Name())
	c.Env = append(os.Environ(), variable+"="+dir)
	output, err := c.CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Contains(t, string(output), "--- PASS: "+t.Name())
	return "", false
}

func TestWhenTheDiskIsFullStateFailsMessagesPassAndItRecovers(t *testing.T) {
	disk, inside := inNamespace(t, 8<<20)
	if !inside {
		return
	}
	d := newDevice(t, countingAndPassing, "count_state", "pass")
	d.storage, d.limit = filepath.Join(disk, "storage"), 1<<20 // segments of 64 KiB
	d.run()
	d.waitReported("signals.counts.runtimeStatus", "running")
	ballast, err := os.Create(filepath.Join(disk, "ballast"))
	require.NoError(t, err)
	for block := make([]byte, 4096); err == nil; {
		_, err = ballast.Write(block)
	}
	require.NoError(t, ballast.Close())
	d.sendUntilRefused()
	assert.Contains(t, d.app.Reported().Runtime.Storage, "full: the disk has no room")
	d.send("b", "y")
	d.waitBodies("passed", "y")
	before := len(d.messages("telemetry"))
	require.NoError(t, os.Remove(ballast.Name()))
	d.send("a", "x")
	d.wait(func() bool { return len(d.messages("telemetry")) > before }, "state to be kept again")
	d.waitBodies("telemetry", append(d.bodies("telemetry")[:before:before], fmt.Sprint(before+1))...)
}
