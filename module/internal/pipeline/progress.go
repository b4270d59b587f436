package pipeline

// Oldest returns the number, in order of arrival, of the input that has been at work for longest; 0 where there is none, or
// where inputs wait for the first routes (1).
func (p *Pipeline) Oldest() uint64 {
	if p.routes.Load() == nil {
		return 0
	}
	return p.table.oldest()
}

// Blocked reports whether somebody waits for room in the outbox (7).
func (p *Pipeline) Blocked() bool {
	p.outbox.mu.Lock()
	defer p.outbox.mu.Unlock()
	return p.outbox.blocked > 0
}

func (t *table) oldest() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var oldest uint64
	if t.pending == 0 {
		return 0
	}
	for _, same := range t.entries {
		for _, e := range same {
			if !e.finished && (oldest == 0 || e.number < oldest) {
				oldest = e.number
			}
		}
	}
	return oldest
}
