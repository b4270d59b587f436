package observe

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain ends this process as a test asks it to, where it is started for that.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "end" {
		endBadly(os.Args[2], os.Args[3])
	}
	os.Exit(m.Run())
}

func endBadly(how, path string) {
	_, err := RecordCrash(path)
	if err != nil {
		panic(err)
	}
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("signal", "press1")))
	switch how {
	case "panic":
		panic("dying")
	case "abort":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	time.Sleep(time.Minute)
}

// end has a process end badly that records its crash at path.
func end(t *testing.T, how, path string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	out, err := exec.Command(exe, "end", how, path).CombinedOutput()
	require.Error(t, err, "%s", out)
}

func TestACrashIsReadByTheNextProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.txt")
	for _, test := range []struct{ how, reason string }{{"panic", "panic: dying"}, {"abort", "SIGABRT: abort"}} {
		end(t, test.how, path)
		c, err := readCrash(path)
		require.NoError(t, err)
		assert.Equal(t, &Crash{Reason: test.reason}, c, "no fault in a call of C code")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Contains(t, string(text), `labels:{"signal": "press1"}`)
	}
	end(t, "kill", path)
	last, err := os.ReadFile(path + ".last")
	require.NoError(t, err)
	assert.Contains(t, string(last), "SIGABRT: abort", "the process that was killed kept what it read")
	c, err := readCrash(path)
	require.NoError(t, err)
	assert.Nil(t, c, "nobody is told of a kill")
}

func TestACrashNamesTheGoroutineWhoseCallOfCItMet(t *testing.T) {
	const head, others = "SIGSEGV: segmentation violation\nPC=0x7f m=3 sigcode=1 addr=0x0\n", "runtime.cgocall(0x1, 0x2)\n\ngoroutine 1 [running labels:{\"signal\": \"innocent\"}]:\nmain.main()\n"
	for name, test := range map[string]struct {
		text string
		want *Crash
	}{
		"nothing":       {"", nil},
		"one label":     {head + "signal arrived during cgo execution\n\ngoroutine 7 gp=0x1 m=3 mp=0x2 [syscall labels:{\"signal\": \"a-1\"}]:\n" + others, &Crash{"SIGSEGV: segmentation violation", map[string]string{"signal": "a-1"}}},
		"several":       {head + "signal arrived during cgo execution\n\ngoroutine 7 gp=0x1 m=3 mp=0x2 [syscall, 2 minutes, locked to thread labels:{\"digest\": \"sha256:ab\", \"signal\": \"a\"}]:\n" + others, &Crash{"SIGSEGV: segmentation violation", map[string]string{"signal": "a", "digest": "sha256:ab"}}},
		"no label":      {head + "signal arrived during cgo execution\n\ngoroutine 7 gp=0x1 m=3 mp=0x2 [syscall]:\n" + others, &Crash{"SIGSEGV: segmentation violation", map[string]string{}}},
		"not in C":      {head + "\ngoroutine 7 gp=0x1 m=3 mp=0x2 [running labels:{\"signal\": \"a\"}]:\n" + others, &Crash{Reason: "SIGSEGV: segmentation violation"}},
		"no goroutine":  {head + "signal arrived during cgo execution\n", &Crash{Reason: "SIGSEGV: segmentation violation"}},
		"another shape": {"fatal error: new\n\nGOROUTINE 7\n", &Crash{Reason: "fatal error: new"}},
	} {
		c, err := parseCrash(strings.NewReader(test.text))
		require.NoError(t, err, name)
		assert.Equal(t, test.want, c, name)
	}
}

func TestWhereNoFileCanBeNothingIsRecorded(t *testing.T) {
	_, err := RecordCrash(filepath.Join(t.TempDir(), "missing", "crash.txt"))
	assert.ErrorContains(t, err, "missing")
}
