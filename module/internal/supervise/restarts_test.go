package supervise

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestWhatFollowsAnInstanceThatEndedBadly(t *testing.T) {
	const s, m = time.Second, time.Minute
	all := func(n int, d time.Duration) (runs []time.Duration) {
		for range n {
			runs = append(runs, d)
		}
		return runs
	}
	for _, test := range []struct {
		name   string
		policy module.RestartPolicy
		runs   []time.Duration // how long each instance runs
		want   string          // waits and statuses, in order
	}{
		{"backoff doubles up to five minutes", module.RestartOnFailure, all(7, s), "10s 20s 40s 1m20s 2m40s 5m0s 5m0s"},
		{"always is as on-failure", module.RestartAlways, all(2, s), "10s 20s"},
		{"a healthy minute starts anew", module.RestartOnFailure, []time.Duration{s, s, m, s, s}, "10s 20s 10s 20s 40s"},
		{"less than a minute does not", module.RestartOnFailure, []time.Duration{s, m - 1}, "10s 20s"},
		{"never", module.RestartNever, all(1, s), "failed"},
		{"twenty backoffs, then quarantine", module.RestartOnFailure, all(21, s),
			"10s 20s 40s 1m20s 2m40s" + strings.Repeat(" 5m0s", 15) + " quarantined"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, now := restarts{policy: test.policy}, time.Now()
			var got []string
			for _, run := range test.runs {
				r.started(now)
				now = now.Add(run)
				d := r.failed(now, errors.New("trap"))
				now = now.Add(d.wait)
				if d.status == module.Backoff {
					got = append(got, d.wait.String())
					assert.Equal(t, "trap; restarting in "+d.wait.String(), d.reason)
				} else {
					got = append(got, string(d.status))
					assert.Zero(t, d.wait)
				}
			}
			assert.Equal(t, test.want, strings.Join(got, " "))
		})
	}
}

func TestAMessageThatEndsTwoInstancesIsForgivenOnceInAHealthyMinute(t *testing.T) {
	r, now := restarts{}, time.Now()
	r.started(now)
	assert.False(t, r.spare(now), "nothing has worked yet")
	r.worked = true
	assert.True(t, r.spare(now))
	r.restarted(now)
	r.worked = true
	assert.False(t, r.spare(now.Add(healthyAfter-1)))
	assert.True(t, r.spare(now.Add(healthyAfter)))
	r.policy, r.worked, r.spared = module.RestartNever, true, false
	assert.False(t, r.spare(now))
}

func TestARestartThatGoesWellAtOnceCountsButDoesNotLengthenTheBackoff(t *testing.T) {
	r, now := restarts{}, time.Now()
	r.started(now)
	for range 3 {
		r.restarted(now.Add(time.Second))
	}
	assert.Equal(t, 3, r.count)
	assert.Equal(t, 10*time.Second, r.failed(now.Add(2*time.Second), errors.New("trap")).wait)
	assert.Equal(t, 4, r.count)
}

func TestAnInstanceThatCannotBeStartedDoesNotCountAsHealthy(t *testing.T) {
	r, now := restarts{}, time.Now()
	r.started(now)
	assert.Equal(t, 10*time.Second, r.failed(now, errors.New("trap")).wait)
	assert.Equal(t, 20*time.Second, r.failed(now.Add(time.Hour), errors.New("trap")).wait)
}
