package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// seen are the last inputs that the state of a stream's guest has in it, of each sender.
type seen struct{ senders map[string]*sender }

// sender is one of them. There may be ten thousand streams: what is known of an input is as small as it can be.
type sender struct {
	count  uint64         // inputs so far
	hashes []identityHash // of the n-th input at n % remembered
}

// identityHash stands for an input and its identity.
type identityHash [16]byte

// page is how many inputs are stored in one record. The journal keeps an index of records in memory, which is most of what a
// stream with state costs there.
const page = 16

// account is an input that is about to be stored.
type account struct {
	sender string
	number uint64 // among the sender's
	hash   identityHash
}

func hashOf(s *Share) identityHash {
	sum := sha256.Sum256([]byte(string(s.Input) + "\x00" + s.Identity))
	return identityHash(sum[:16])
}

func senderOf(s *Share) string {
	p := s.Message.Properties
	return p.Value(module.PropertySenderDevice) + "/" + p.Value(module.PropertySenderModule)
}

// place returns where an input with a hash lies, or -1.
func (s *sender) place(hash identityHash) int {
	if s == nil {
		return -1
	}
	return slices.Index(s.hashes, hash)
}

// set notes the n-th input.
func (s *sender) set(n uint64, hash identityHash) {
	s.put(int(n%remembered), hash)
	s.count = max(s.count, n+1)
}

func (s *sender) put(at int, hash identityHash) {
	if missing := at + 1 - len(s.hashes); missing > 0 {
		s.hashes = append(s.hashes, make([]identityHash, missing)...)
	}
	s.hashes[at] = hash
}

// pageKey is the key of the page that has the n-th input of a sender: the newer ones take the places of the older.
func pageKey(sender string, n uint64) string {
	return sender + string([]byte{byte(n % remembered / page)})
}

// encodePage returns the page with an account in it: the account's number, and the hashes.
func (s *sender) encodePage(a *account) []byte {
	e := newEncoder(page*len(a.hash) + 16)
	e.number(a.number)
	var hashes [page]identityHash
	at := int(a.number % remembered)
	if from := at / page * page; s != nil && from < len(s.hashes) {
		copy(hashes[:], s.hashes[from:])
	}
	hashes[at%page] = a.hash
	for _, hash := range hashes {
		e.b = append(e.b, hash[:]...)
	}
	return e.b
}

// putSeen adds the account of a share to a transaction, with what the signal sent to those that read it: they may not have
// finished when the input comes again. Of one that nothing repeats there is none.
func (k *Kept) putSeen(tx *journal.Tx, s *Share) *account {
	if s.receipt {
		return nil
	}
	k.loadSeen()
	a := &account{sender: senderOf(s), hash: hashOf(s)}
	of := k.seen.senders[a.sender]
	if of != nil {
		a.number = of.count
	}
	tx.Put(tableSeen+k.stream.String(), pageKey(a.sender, a.number), of.encodePage(a))
	if len(k.pipeline.routes.Load().Signals[k.stream.Signal]) > 0 {
		tx.Put(tableOwn+k.stream.String(), ownKey(a.sender, a.number), encodeOwn(a, s))
	}
	return a
}

// ownKey is the key of what was sent of the n-th input of a sender.
func ownKey(sender string, n uint64) string {
	return sender + string(binary.BigEndian.AppendUint16(nil, uint16(n%remembered)))
}

func encodeOwn(a *account, s *Share) []byte {
	e := newEncoder(256)
	e.b = append(e.b, a.hash[:]...)
	for _, o := range s.sent {
		if o.own {
			e.message(o.within())
		}
	}
	return e.b
}

// learn notes an account that is stored now.
func (k *Kept) learn(a *account) {
	if a != nil {
		k.seen.of(a.sender).set(a.number, a.hash)
	}
}

func (s *seen) of(name string) *sender {
	of := s.senders[name]
	if of == nil {
		of = &sender{}
		s.senders[name] = of
	}
	return of
}

// loadSeen reads what is stored, once. Without a page that cannot be read a repeat of its inputs would count twice; nothing
// else hangs on it.
func (k *Kept) loadSeen() {
	if k.seen != nil {
		return
	}
	k.seen = &seen{senders: make(map[string]*sender)}
	for _, key := range k.pipeline.journal.Keys(tableSeen + k.stream.String()) {
		if value, err := k.pipeline.journal.Get(tableSeen+k.stream.String(), key); err == nil {
			k.seen.of(key[:len(key)-1]).load(value)
		}
	}
}

// load takes the inputs of a stored page: those up to the newest, and those of the turn before.
func (s *sender) load(value []byte) {
	d := newDecoder(value)
	newest := d.number()
	first := newest / page * page
	for n := first; n < first+page; n++ {
		var hash identityHash
		copy(hash[:], d.take(uint64(len(hash))))
		switch {
		case d.err != nil || hash == identityHash{}:
		case n <= newest:
			s.set(n, hash)
		default: // of the turn before
			s.put(int(n%remembered), hash)
		}
	}
}

// own returns what a stream sent, of the input that lies at a place, to the signals that read it: nothing where that cannot be
// read any more, or nobody read it then.
func (k *Kept) own(sender string, place int, hash identityHash) (own []module.Message) {
	value, err := k.pipeline.journal.Get(tableOwn+k.stream.String(), ownKey(sender, uint64(place)))
	if err != nil {
		return nil
	}
	d := newDecoder(value)
	var of identityHash
	if copy(of[:], d.take(uint64(len(of)))); of != hash {
		return nil // of an input before
	}
	for len(d.b) > 0 {
		own = append(own, d.message())
	}
	if d.err != nil {
		return nil
	}
	return own
}
