package observe

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
)

// Crash is what the Go runtime wrote when a fault ended the process.
type Crash struct {
	Reason string // its first line: "SIGSEGV: segmentation violation", "panic: …"

	// Labels are the pprof labels of the goroutine in whose call of C code the fault was; nil for any other crash.
	Labels map[string]string
}

const (
	lastCrash = ".last"  // is added to the name of a crash that was read
	crashHead = 64 << 10 // bytes that are read; what follows are other goroutines

	withLabels = "tracebacklabels=1" // for GODEBUG: labels are written with a goroutine
)

// RecordCrash has the runtime write what ends this process into the file at path too, whatever happens to the log. It
// returns what the process before this one wrote there, nil if that did not crash, and keeps it beside. An end that the
// runtime has no part in (SIGKILL, the out-of-memory killer, a power cut) leaves nothing. It changes GODEBUG: call it once,
// before there are goroutines.
func RecordCrash(path string) (*Crash, error) {
	before, err := readCrash(path)
	if err == nil && before != nil {
		err = os.Rename(path, path+lastCrash)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Setenv("GODEBUG", strings.TrimPrefix(os.Getenv("GODEBUG")+","+withLabels, ",")); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return before, errors.Join(debug.SetCrashOutput(file, debug.CrashOptions{}), file.Close()) // it has a copy
}

func readCrash(path string) (*Crash, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseCrash(io.LimitReader(file, crashHead))
}

// headOfGoroutine is the line before a goroutine's stack. The first one in a crash is of the goroutine that it met.
var (
	headOfGoroutine = regexp.MustCompile(`^goroutine \d+ .*\[[^\]]*?(?: labels:\{(.*)\})?\]:$`)
	label           = regexp.MustCompile(`"([^"\\]*)": "([^"\\]*)"`)
)

// parseCrash reads the head of what the runtime writes, nil where that is nothing.
func parseCrash(r io.Reader) (*Crash, error) {
	var c *Crash
	inC := false
	for lines := bufio.NewScanner(r); ; {
		if !lines.Scan() {
			return c, lines.Err()
		}
		line := lines.Text()
		if c == nil {
			c = &Crash{Reason: strings.ToValidUTF8(line, "")}
		}
		inC = inC || line == "signal arrived during cgo execution"
		if head := headOfGoroutine.FindStringSubmatch(line); head != nil {
			if inC {
				c.Labels = parseLabels(head[1])
			}
			return c, nil
		}
	}
}

func parseLabels(text string) map[string]string {
	labels := make(map[string]string)
	for _, pair := range label.FindAllStringSubmatch(text, -1) {
		labels[pair[1]] = pair[2]
	}
	return labels
}
