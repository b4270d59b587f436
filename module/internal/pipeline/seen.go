package pipeline

import (
	"crypto/sha256"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// seen are the last inputs that the state of a stream's guest has in it, of each sender.
type seen struct{ senders map[string]*sender }

// sender is one of them. There may be ten thousand streams: what is known of a message is as small as it can be.
type sender struct {
	count  uint64         // inputs so far
	hashes []identityHash // of the n-th input at n % remembered
}

// place returns where an input with a hash lies, or -1.
func (s *sender) place(hash identityHash) int {
	if s == nil {
		return -1
	}
	return slices.Index(s.hashes, hash)
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
	name := senderOf(s)
	a := &account{hash: hashOf(s)}
	if of := k.seen.senders[name]; of != nil {
		a.number = of.count
	}
	a.key = accountKey(name, a.number)
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
	name := a.key[:len(a.key)-1]
	of := k.seen.senders[name]
	if of == nil {
		of = &sender{}
		k.seen.senders[name] = of
	}
	at := int(a.number % remembered)
	if missing := at + 1 - len(of.hashes); missing > 0 {
		of.hashes = append(of.hashes, make([]identityHash, missing)...)
	}
	of.hashes[at] = a.hash
	of.count = max(of.count, a.number+1)
}

// loadSeen reads what is stored, once. Without an account that cannot be read a repeat of that input would count twice;
// nothing else hangs on it.
func (k *Kept) loadSeen() {
	if k.seen != nil {
		return
	}
	k.seen = &seen{senders: make(map[string]*sender)}
	for _, key := range k.pipeline.journal.Keys(tableSeen + k.stream.String()) {
		if a, err := k.readAccount(key); err == nil {
			k.learn(&a)
		}
	}
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
