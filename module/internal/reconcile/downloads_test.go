package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/policy"
)

// network stands for web servers and registries in front of a store of files: what is there comes after ten seconds.
type network struct {
	*artifact.Store

	mu      sync.Mutex // guards what follows
	there   map[string]string
	kept    map[string]string
	refused error
	begun   []time.Time
	asked   []artifact.Request
	ended   int
	needed  map[string]bool
}

func (n *network) Find(r artifact.Request) (artifact.Binary, error) {
	if strings.HasPrefix(r.Source, "file:") {
		return n.Store.Find(r)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if content, ok := n.kept[r.Digest]; ok {
		return artifact.Binary{Bytes: []byte(content), Digest: r.Digest}, nil
	}
	return artifact.Binary{}, artifact.ErrAbsent
}

func (n *network) Download(ctx context.Context, r artifact.Request, progress func(artifact.Progress)) (artifact.Binary, error) {
	n.note(func() { n.begun, n.asked = append(n.begun, time.Now()), append(n.asked, r) })
	defer n.note(func() { n.ended++ })
	for {
		progress(artifact.Progress{Done: 4, Total: 10})
		sleep(ctx, 10*time.Second)
		if ctx.Err() != nil {
			return artifact.Binary{}, ctx.Err()
		}
		n.mu.Lock()
		content, ok := n.there[r.Source]
		if ok {
			n.kept[r.Digest] = content
		}
		refused := n.refused
		n.mu.Unlock()
		switch {
		case refused != nil:
			return artifact.Binary{}, refused
		case ok:
			return artifact.Binary{Bytes: []byte(content), Digest: r.Digest}, nil
		}
		progress(artifact.Progress{Err: errors.New("no route to host"), Retry: 20 * time.Second})
		sleep(ctx, 20*time.Second)
	}
}

func (n *network) Need(digests map[string]bool) { n.note(func() { n.needed = digests }) }

func (n *network) note(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

func (n *network) starts() (begun, ended int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.begun), n.ended
}

func digestOf(content string) string { return artifact.Digest([]byte(content)) }

// fromAfar is a guest of a registry.
func fromAfar(tag, content string) string {
	return fmt.Sprintf(`"guests": {"g": {"source": "oci://r.example/g:%s", "digest": %q}}`, tag, digestOf(content))
}

const readsIn = `, "signals": {"a": {"source": "input:in", "guest": "g"}, "b": {"source": "input:in"}}`

func TestASignalWaitsForItsGuestAndHoldsUpNobody(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.network.there["oci://r.example/g:1"] = "ok"
		d.desire(fromAfar("1", "ok") + readsIn)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"), "b's; a's part waits in its spool")
		assert.Equal(t, module.ReportedEntry{RuntimeStatus: module.Unknown, StatusDescription: "downloading 40 %"}, d.Reported().Signals["a"])
		assert.Equal(t, module.Unknown, d.Reported().Guests["g"].RuntimeStatus)
		assert.Equal(t, "signals.a: downloading 40 %", d.Reported().LastDesiredStatus.Description)
		d.settle(10 * time.Second)
		assert.Equal(t, []string{"telemetry: x"}, take(d.hub, &d.hub.outputs))
		assert.Equal(t, []string{"telemetry: y", "telemetry: y"}, d.deliver("in", "y"))
		assert.Equal(t, module.CodeOK, d.Reported().LastDesiredStatus.Code)
		assert.True(t, d.network.needed[digestOf("ok")])
	})
}

func TestTheOldGuestWorksUntilTheNewOneIsThere(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.network.there["oci://r.example/g:1"] = "ok"
		d.desire(`"module": {"downloadJitterMs": 600000}, ` + fromAfar("1", "ok") + readsIn)
		d.settle(10 * time.Second)
		assert.Equal(t, "ok", d.instance("a").binary, "at the first start nobody waits")

		d.desire(`"module": {"downloadJitterMs": 0}, ` + fromAfar("2", "better") + readsIn)
		d.settle(50 * time.Second)
		assert.Equal(t, "ok", d.instance("a").binary)
		assert.Contains(t, d.Reported().Signals["a"].StatusDescription, "download failed: no route to host; again in 20s")
		assert.EqualValues(t, 2, d.Reported().Signals["a"].RunningVersion)
		assert.True(t, d.network.needed[digestOf("ok")] && d.network.needed[digestOf("better")])
		d.network.note(func() { d.network.there["oci://r.example/g:2"] = "better" })
		d.settle(time.Minute)
		assert.Equal(t, "better", d.instance("a").binary)
		assert.Zero(t, d.Reported().Signals["a"].RunningVersion)
	})
}

func TestAFleetDoesNotDownloadAtOnce(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(`"signals": {"b": {"source": "input:in"}}`)
		for i := range 20 {
			d.desire(`"module": {"downloadJitterMs": 60000}, ` + fromAfar(fmt.Sprint(i), fmt.Sprint(i)) + readsIn)
			d.settle(time.Minute)
		}
		waited := 0
		for i, at := range d.network.begun {
			if i > 0 && at.Sub(d.network.begun[i-1]) != 61*time.Second {
				waited++
			}
		}
		assert.Greater(t, waited, 10, "the time between two is random")
	})
}

func TestADownloadEndsWhenNobodyAsksForItAnyMore(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(fromAfar("1", "ok") + readsIn)
		d.desire(`"signals": {"b": {"source": "input:in"}}`)
		begun, ended := d.network.starts()
		assert.Equal(t, []int{1, 1}, []int{begun, ended})
		assert.NotContains(t, d.Reported().Signals, module.SignalName("a"))
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
	})
}

func TestWhatIsRefusedIsNotDownloadedOverAndOver(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.network.refused = &artifact.RefusedError{Reason: "it is not signed"}
		d.desire(`"module": {"downloadJitterMs": 0}, ` + fromAfar("1", "ok") + readsIn)
		d.settle(time.Minute)
		assert.Equal(t, module.Failed, d.Reported().Signals["a"].RuntimeStatus)
		assert.Contains(t, d.Reported().Signals["a"].StatusDescription, "it is not signed")
		d.connect()
		begun, _ := d.network.starts()
		assert.Equal(t, 1, begun)
		d.settle(refusalTime)
		d.connect()
		begun, _ = d.network.starts()
		assert.Equal(t, 2, begun, "somebody may have signed it meanwhile")
	})
}

func TestARestartWithoutNetworkStartsWhatWasDownloaded(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.network.there["oci://r.example/g:1"] = "ok"
		d.desire(fromAfar("1", "ok") + readsIn)
		d.settle(10 * time.Second)
		d.hub.change(func() { d.hub.offline = true })
		again := newDevice(t, d)
		again.settle(time.Second)
		assert.Equal(t, []string{"telemetry: x", "telemetry: x"}, again.deliver("in", "x"))

		again.network.kept = map[string]string{} // lost
		lost := newDevice(t, again)
		lost.settle(time.Second)
		assert.Equal(t, []string{"telemetry: x"}, lost.deliver("in", "x"), "the others start")
		lost.settle(2 * time.Minute)
		assert.Equal(t, []string{"telemetry: x"}, take(lost.hub, &lost.hub.outputs), "and it, once it is fetched again")
	})
}

func TestAFileOfSignalsComesFromAfar(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		file := `{"signals": {"a": {"source": "input:in"}}}`
		from := func(tag, content string) string {
			return fmt.Sprintf(`"signalsFrom": {"line3": {"source": "https://r.example/line3-%s.json", "digest": %q, "credentials": "plant"}}`, tag, digestOf(content))
		}
		d.network.there["https://r.example/line3-1.json"] = file
		d.desire(from("1", file))
		assert.Contains(t, d.Reported().LastDesiredStatus.Description, "waiting to download")
		d.settle(10 * time.Second)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
		assert.True(t, d.network.needed[digestOf(file)])
		assert.Equal(t, []artifact.Request{{Source: "https://r.example/line3-1.json", Digest: digestOf(file), Credentials: "plant", Unsigned: true}}, d.network.asked)
		d.desire(from("2", "other"))
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"), "as long as the new one is on its way")
	})
}

func TestTheTwinGetsNoMoreThanThePolicyAllows(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		var err error
		d.config.Policy, err = policy.Parse([]byte(`{"sources": ["file:good"], "limits": {"memoryMiB": 8}}`))
		require.NoError(t, err)
		good := `"guests": {"g": {"source": "file:good.wasm", "limits": {"memoryMiB": 8}}}`
		d.desire(good + readsIn)
		assert.Equal(t, module.CodeInvalid, d.Reported().LastDesiredStatus.Code, "a prefix ends where a name does")
		d.config.Policy, err = policy.Parse([]byte(`{"sources": ["file:"], "limits": {"memoryMiB": 8}}`))
		require.NoError(t, err)
		d.desire(good + readsIn)
		assert.Equal(t, module.CodeOK, d.Reported().LastDesiredStatus.Code)
		d.desire(`"guests": {"g": {"source": "file:good.wasm"}}` + readsIn)
		assert.Equal(t, module.DesiredStatus{Code: module.CodeInvalid, Description: "guests.g.limits.memoryMiB: the policy of this device allows 8 at most, the twin asks for 16"},
			d.Reported().LastDesiredStatus)
		assert.Equal(t, []string{"telemetry: x", "telemetry: x"}, d.deliver("in", "x"), "its last good is at work")
	})
}

func TestThePolicyBoundsWhatAGuestMayReachAndTheSecretsThatItIsGiven(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		var err error
		d.config.Policy, err = policy.Parse([]byte(`{"origins": ["https://*.contoso.com"], "secrets": ["erp-key"], "limits": {"deadlineMs": 200}}`))
		require.NoError(t, err)
		desire := func(rest string) module.DesiredStatus {
			d.desire(`"guests": {"g": {"source": "file:good.wasm", ` + rest + `}}` + readsIn)
			return d.Reported().LastDesiredStatus
		}
		require.Equal(t, module.CodeOK, desire(`"limits": {"deadlineMs": 200}, "permissions": {"http": {"erp": "https://erp.contoso.com"}, "secrets": {"ERP_KEY": "erp-key"}}`).Code)
		for rest, want := range map[string]string{
			`"permissions": {"http": {"erp": "https://erp.contoso.com", "other": "https://evil.example"}}`: `permissions.http.other: the policy of this device does not allow the origin "https://evil.example"`,
			`"permissions": {"http": {"all": "https://*.com"}}`:                                            `permissions.http.all: the policy of this device does not allow the origin "https://*.com"`,
			`"permissions": {"secrets": {"K": "root-key"}}`:                                                `permissions.secrets.K: the policy of this device does not allow the secret "root-key"`,
			`"limits": {"deadlineMs": 201}`:                                                                "limits.deadlineMs: the policy of this device allows 200 at most, the twin asks for 201",
		} {
			assert.Equal(t, module.DesiredStatus{Code: module.CodeInvalid, Description: "guests.g." + want}, desire(rest))
			assert.Equal(t, []string{"telemetry: x", "telemetry: x"}, d.deliver("in", "x"), "its last good is at work")
			assert.Equal(t, module.Running, d.Reported().Guests["g"].RuntimeStatus)
		}
	})
}

func TestACandidateGetsNoMoreThanThePolicyAllows(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		var err error
		d.config.Policy, err = policy.Parse([]byte(`{"sources": ["file:good.wasm"]}`))
		require.NoError(t, err)
		d.bring("next.wasm", "ok")
		d.desire(`"guests": {"g": {"source": "file:good.wasm", "shadow": {"source": "file:next.wasm"}}}` + readsIn)
		assert.Equal(t, module.DesiredStatus{Code: module.CodeInvalid, Description: `guests.g.shadow.source: the policy of this device does not allow the source "file:next.wasm"`},
			d.Reported().LastDesiredStatus)
	})
}

func TestAPolicyBoundsTheLastGoodTwinToo(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + readsIn)
		d.hub.change(func() { d.hub.offline = true })
		again := newDeviceWith(t, d, &policy.Policy{Sources: &[]string{"oci://r.example/"}})
		again.settle(time.Second)
		assert.Equal(t, module.Failed, again.Reported().Signals["a"].RuntimeStatus)
		assert.Equal(t, module.Running, again.Reported().Signals["b"].RuntimeStatus)
	})
}
