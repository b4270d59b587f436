package main

import (
	"fmt"
	"slices"
	"time"
)

// history holds the last snapshots, to count rates over some seconds rather than between two looks.
type history struct{ shots []timedSnapshot }

type timedSnapshot struct {
	snapshot
	at time.Time
}

const ratePeriod = 10 * time.Second

func (h *history) add(s snapshot) {
	now := time.Now()
	h.shots = append(h.shots, timedSnapshot{s, now})
	for len(h.shots) > 2 && now.Sub(h.shots[1].at) >= ratePeriod {
		h.shots = slices.Delete(h.shots, 0, 1)
	}
}

// before compares the newest snapshot with the oldest. There must be one.
func (h *history) before() rater {
	first, last := h.shots[0], h.shots[len(h.shots)-1]
	return rater{from: first.snapshot, seconds: last.at.Sub(first.at).Seconds()}
}

// rater tells rates since an earlier snapshot.
type rater struct {
	from    snapshot
	seconds float64
}

func (r rater) rate(now, before int64) string {
	switch perSecond := float64(now-before) / r.seconds; {
	case r.seconds == 0:
		return "–/s"
	case perSecond < 10:
		return fmt.Sprintf("%.1f/s", perSecond)
	default:
		return fmt.Sprintf("%.0f/s", perSecond)
	}
}

func (r rater) row(name string) row {
	i := slices.IndexFunc(r.from.rows, func(row row) bool { return row.name == name })
	if i < 0 {
		return row{}
	}
	return r.from.rows[i]
}
