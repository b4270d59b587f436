package main

// watch is what is known of incidents so far.
//
//	           confirm samples in a row are far: alert
//	watching ──────────────────────────────────────────▶ incident
//	         ◀──────────────────────────────────────────
//	           holdOff samples in a row are near
type watch struct {
	incident bool
	streak   int    // samples in a row that speak for the other state
	since    string // source timestamp of the first of them
}

// after returns what is known after one more sample, far from what is usual or near to it.
func (w watch) after(far bool, timestamp string, set *settings) watch {
	if far == w.incident {
		return watch{incident: w.incident}
	}
	if w.streak == 0 {
		w.since = timestamp
	}
	w.streak++
	if w.streak >= set.needed(w.incident) {
		return watch{incident: far, since: w.since}
	}
	return w
}
