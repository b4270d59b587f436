package sim

import "fmt"

// What is kept of each thing, as records of the journal. The locks that guard the things are held.

// record is what is kept of a message with a number.
func (m *message) record(input string, priority int, number uint64) *messageRecord {
	r := &messageRecord{Input: input, Priority: priority, Number: number, Expires: m.expires, Body: m.body, Topic: m.topic}
	if up := m.up; up != nil {
		r.From, r.Output, r.Time = up.Module, up.Output, up.Time
		r.Body, r.Properties = up.Message.Body, up.Message.Properties
	}
	return r
}

func (r *messageRecord) message() *message {
	if r.From == "" {
		return &message{topic: r.Topic, body: r.Body, expires: r.Expires}
	}
	up := &Upstream{Module: r.From, Output: r.Output, Time: r.Time}
	up.Message.Body, up.Message.Properties = r.Body, r.Properties
	return &message{up: up, expires: r.Expires}
}

// put appends a message that an earlier hub had. Numbers may begin anywhere, and go on by one.
func (q *queue) put(r *messageRecord) {
	if len(q.messages) == 0 {
		q.first = r.Number
	}
	q.messages = append(q.messages, r.message())
}

// done forgets the messages up to a number.
func (q *queue) done(through uint64) {
	if through >= q.first {
		q.drop(int(min(through-q.first+1, uint64(len(q.messages)))))
	}
}

func (q *queue) emit(module, input string, emit func(change)) {
	for i, m := range q.messages {
		emit(change{Module: module, Message: m.record(input, q.priority, q.first+uint64(i))})
	}
}

func (p *peer) sessionRecord() change {
	if p.session == nil {
		return change{Module: p.name, Session: &sessionRecord{}}
	}
	return change{Module: p.name, Session: &sessionRecord{Present: true, Granted: p.session.granted}}
}

func (r *sessionRecord) session() *session {
	if !r.Present {
		return nil
	}
	s := newSession()
	for filter, qos := range r.Granted {
		s.subscribe(filter, qos)
	}
	return s
}

func (p *peer) countersRecord() change {
	counters := p.counters
	return change{Module: p.name, Counters: &counters}
}

func (p *peer) twinRecord() change {
	t := &p.twin
	r := &twinRecord{
		Deployed: encode(t.deployed),
		Desired:  encode(t.desired.properties), DesiredVersion: t.desired.version,
		Reported: encode(t.reported.properties), ReportedVersion: t.reported.version,
	}
	if t.cached != nil {
		r.Cached, r.CachedVersion = encode(t.cached.properties), t.cached.version
	}
	return change{Module: p.name, Twin: r}
}

// restore takes up a twin as it was. Where the manifest asks for something else by now, that is a new deployment.
func (t *twin) restore(r *twinRecord) error {
	deployed := encode(t.deployed)
	before, err := newSection(r.Desired, r.DesiredVersion)
	if err != nil {
		return fmt.Errorf("desired properties: %w", err)
	}
	if string(deployed) == string(r.Deployed) {
		t.desired = before
	} else {
		t.desired.version = before.version + 1
	}
	t.before = t.desired
	if t.reported, err = newSection(r.Reported, r.ReportedVersion); err != nil {
		return fmt.Errorf("reported properties: %w", err)
	}
	t.cached = nil
	if r.CachedVersion == 0 {
		return nil
	}
	cached, err := newSection(r.Cached, r.CachedVersion)
	if err != nil {
		return fmt.Errorf("desired properties: %w", err)
	}
	t.cached = &cached
	return nil
}

func newSection(properties []byte, version int64) (section, error) {
	object, err := decodeObject(properties)
	return section{properties: object, version: version}, err
}
