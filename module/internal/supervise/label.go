package supervise

import (
	"context"
	"runtime/pprof"
)

// The labels of a runner's goroutine, in profiles and in what the runtime writes when a fault ends the process: they say
// whose call it was.
const (
	LabelSignal = "signal"
	LabelDigest = "digest" // of the guest's binary
)

// label says that the goroutine works on w, until it says otherwise.
func label(w *Work) {
	labels := pprof.Labels(LabelSignal, string(w.Signal.Name), LabelDigest, w.Digest)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), labels))
}
