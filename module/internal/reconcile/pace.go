package reconcile

import "time"

// pace spaces patches out.
type pace struct {
	last    time.Time // a patch was taken; zero: none yet
	version int64     // the desired version that it told of
	period  time.Duration

	retry time.Duration // after the next error
	again time.Time     // when the one that was not taken may be tried again
}

// wait returns how long a patch has to wait. A new desired version is answered at once.
func (p *pace) wait(now time.Time, version int64) time.Duration {
	wait := max(p.again.Sub(now), 0)
	if !p.last.IsZero() && version == p.version {
		wait = max(wait, p.period-now.Sub(p.last))
	}
	return wait
}

// failed says that a patch was not taken, and returns when to try again.
func (p *pace) failed(now time.Time) time.Duration {
	wait := max(p.retry, reportRetry)
	p.retry = min(2*wait, reportRetryMax)
	p.again = now.Add(wait)
	return wait
}

// connected forgets errors: they were of a connection that is gone.
func (p *pace) connected() { p.retry, p.again = 0, time.Time{} }

func (p *pace) sent(now time.Time, version int64) {
	if quiet := now.Sub(p.last) > 2*p.period; quiet || version != p.version {
		p.period = reportPeriod
	} else {
		p.period = min(2*p.period, reportPeriodMax)
	}
	p.last, p.version, p.retry = now, version, 0
}
