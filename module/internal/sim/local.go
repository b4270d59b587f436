package sim

import "time"

var _ link = (*local)(nil)

// local is the link to a module that is simulated in this process. Its functions are called with the peer's lock
// held: they take note and return. A nil function means that the module does not care.
type local struct {
	peer    *peer
	input   func(name string, body []byte)
	desired func(patch []byte)
	method  func(name string) (status int, known bool)
}

func (l *local) wantsInputs() bool { return true }

func (l *local) free() bool { return true }

func (l *local) deliver(d *delivery, m *message) outcome {
	if l.input != nil {
		l.input(d.endpoint.input, m.body)
	}
	return finished
}

func (l *local) release() {}

func (l *local) patch(_ int64, body []byte) {
	if l.desired != nil {
		l.desired(body)
	}
}

func (l *local) request(rid, method string, _ []byte) bool {
	if l.method == nil {
		return false
	}
	if status, known := l.method(method); known {
		l.peer.answer(l, rid, answer{status: status})
	}
	return true // an SDK does not answer a method that it does not know
}

func (l *local) expires() time.Time { return time.Time{} }

func (l *local) tokenExpires() time.Time { return time.Time{} }

func (l *local) close(error) {}
