package pipeline

import (
	"crypto/sha256"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// seen are the last inputs that the state of a signal's guest has in it, of each sender.
type seen struct {
	keys    map[identityHash]string // under which the account of an input lies
	hashes  map[string]identityHash // which input's account lies there
	senders map[string]uint64       // how many inputs there were of each
}

// identityHash stands for an input and its identity.
type identityHash [16]byte

// account is what is stored of an input: its number among those of its sender, and what the signal sent to those that
// read it, for they may not have finished when the input comes again.
type account struct {
	key    string
	number uint64
	hash   identityHash
	own    []module.Message
}

func hashOf(s *Share) identityHash {
	sum := sha256.Sum256([]byte(string(s.Input) + "\x00" + s.Identity))
	return identityHash(sum[:16])
}

func senderOf(s *Share) string {
	p := s.Message.Properties
	return p.Value(module.PropertySenderDevice) + "/" + p.Value(module.PropertySenderModule)
}

// accountKey is the same for every 256th input of a sender: the newer one takes the place of the older.
func accountKey(sender string, number uint64) string {
	return sender + string([]byte{byte(number % remembered)})
}

func (a *account) encode() []byte {
	e := newEncoder(64)
	e.number(a.number)
	e.b = append(e.b, a.hash[:]...)
	e.number(uint64(len(a.own)))
	for _, m := range a.own {
		e.message(m)
	}
	return e.b
}

// putSeen adds the account of a share to a transaction. Of one that nothing repeats there is none.
func (k *Kept) putSeen(tx *journal.Tx, s *Share) *account {
	if s.receipt {
		return nil
	}
	k.loadSeen()
	sender := senderOf(s)
	a := &account{number: k.seen.senders[sender], hash: hashOf(s)}
	a.key = accountKey(sender, a.number)
	if len(k.pipeline.routes.Load().Signals[k.stream.Signal]) > 0 {
		for _, o := range s.sent {
			if o.own {
				a.own = append(a.own, o.within())
			}
		}
	}
	tx.Put(tableSeen+k.stream.String(), a.key, a.encode())
	return a
}

// learn notes an account that is stored now.
func (k *Kept) learn(a *account) {
	if a == nil {
		return
	}
	if before, ok := k.seen.hashes[a.key]; ok {
		delete(k.seen.keys, before)
	}
	k.seen.keys[a.hash], k.seen.hashes[a.key] = a.key, a.hash
	sender := a.key[:len(a.key)-1]
	k.seen.senders[sender] = max(k.seen.senders[sender], a.number+1)
}

// loadSeen reads what is stored, once, and reports whether there is any. Without an account that cannot be read a repeat
// of that input would count twice; nothing else hangs on it.
func (k *Kept) loadSeen() bool {
	if k.seen == nil {
		k.seen = &seen{keys: make(map[identityHash]string), hashes: make(map[string]identityHash), senders: make(map[string]uint64)}
		for _, key := range k.pipeline.journal.Keys(tableSeen + k.stream.String()) {
			if a, err := k.readAccount(key); err == nil {
				k.learn(&a)
			}
		}
	}
	return len(k.seen.keys) > 0
}

func (k *Kept) readAccount(key string) (account, error) {
	value, err := k.pipeline.journal.Get(tableSeen+k.stream.String(), key)
	if err != nil {
		return account{}, err
	}
	d := newDecoder(value)
	a := account{key: key, number: d.number()}
	copy(a.hash[:], d.take(uint64(len(a.hash))))
	for n := d.number(); n > 0 && d.err == nil; n-- {
		a.own = append(a.own, d.message())
	}
	return a, d.err
}
