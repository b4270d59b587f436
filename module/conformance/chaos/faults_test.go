//go:build cgo

package chaos

import (
	"errors"
	"fmt"
	"time"
)

// fault is something that goes wrong.
type fault struct {
	name   string
	weight int // how often, compared with the others
	make   func(*campaign) error
}

// quotas of the storage directory, in MiB: one that suffices, and one that is soon full.
const (
	ample  = 512
	scarce = 1
)

// faults are all that is made. Those that take some time end on their own, and others may meet them.
func faults() []fault {
	return []fault{
		{"kill module", 6, func(c *campaign) error { c.module.kill(); return c.restartModule(ample) }},
		{"stop module", 3, func(c *campaign) error { return c.stopModule(ample) }},
		{"storage full", 1, storageFull},
		{"full disk", 2, fullDisk},
		{"kill hub", 4, killHub},
		{"restart hub", 2, func(c *campaign) error { return c.tell("fault restart " + c.between(0, time.Second)) }},
		{"drop connection", 8, func(c *campaign) error { return c.tell("fault drop") }},
		{"expire token", 4, func(c *campaign) error { return c.tell("fault expire-token") }},
		{"refuse connects", 3, func(c *campaign) error { return c.both(fmt.Sprint("fault refuse ", 1+c.random.IntN(3)), "fault drop") }},
		{"close listener", 2, func(c *campaign) error {
			return c.both("fault close-listener "+c.between(100*time.Millisecond, 2*time.Second), "fault drop")
		}},
		{"withhold acks", 4, func(c *campaign) error { return c.forAWhile("fault hold-acks", "fault release-acks", 4*time.Second) }},
		{"withhold acks long", 1, func(c *campaign) error { return c.forAWhile("fault hold-acks", "fault release-acks", 40*time.Second) }},
		{"delay acks", 4, func(c *campaign) error {
			return c.forAWhile("fault delay-acks "+c.between(0, 500*time.Millisecond), "fault delay-acks 0s", 4*time.Second)
		}},
		{"withhold twin", 2, func(c *campaign) error { return c.forAWhile("fault hold-twin", "fault release-twin", 4*time.Second) }},
		{"stale twin", 1, func(c *campaign) error { return c.forAWhile("fault twin stale", "fault twin true", 4*time.Second) }},
		{"empty twin", 1, func(c *campaign) error { return c.forAWhile("fault twin empty", "fault twin true", 4*time.Second) }},
		{"offline", 3, func(c *campaign) error { return c.forAWhile("fault offline 1s", "fault online", 8*time.Second) }},
		{"repeat input", 2, repeatInput},
		{"swap guest", 4, swapGuest},
		{"change twin", 4, func(c *campaign) error {
			return c.tell(fmt.Sprintf(`signals.%s.properties.changed="%d"`, chains[c.random.IntN(len(chains))][0], c.random.IntN(1000)))
		}},
		{"poison", 1, func(c *campaign) error { return c.send(poison) }},
		{"oversized message", 2, func(c *campaign) error { return c.send(oversize) }},
		{"slow guest", 3, func(c *campaign) error { return c.send(heavy) }},
	}
}

// errNotNow means that a fault would make no sense now, and was not made.
var errNotNow = errors.New("not now")

// repeatInput repeats the message that was acknowledged last. The repeat comes after all that waits, and a signal with
// state knows the last 256 messages of a sender: that is the contract, point 3 of the guarantee. edgeHub repeats ten at most,
// those of the batch that it had not yet marked as delivered when it was killed. So the repeat is made while few wait.
func repeatInput(c *campaign) error {
	stats, err := c.stats()
	if err != nil {
		return err
	}
	if stats.Queued["in"] > 100 {
		return errNotNow
	}
	return c.tell("fault repeat in")
}

// swapGuest has a guest's binary be another one, which does the same.
func swapGuest(c *campaign) error {
	guest := guests[c.random.IntN(len(guests))]
	return c.tell(fmt.Sprintf(`guests.%s.source="file:%s%d.wasm"`, guest, guest, 1+c.random.IntN(2)))
}

// killHub starts it again on the state that it left.
func killHub(c *campaign) error {
	c.hub.kill()
	c.sleep(c.duration(0, 2*time.Second))
	c.startHub()
	return nil
}

// storageFull has the module run for a while with a storage that is too small for the large messages which gather in the
// spool of a signal that backs off.
func storageFull(c *campaign) error {
	if err := c.stopModule(scarce); err != nil {
		return err
	}
	if err := c.sendLarge(); err != nil {
		return err
	}
	c.sleep(c.duration(time.Second, 6*time.Second))
	return c.stopModule(ample)
}

// fullDisk leaves no room on the module's disk for a while, in which it gets large messages; other faults may meet it.
func fullDisk(c *campaign) error {
	left := c.random.Int64N(256<<10) * c.random.Int64N(2) // half of the time there is nothing
	if err := c.disk.fill(left); err != nil {
		return err
	}
	c.later = append(c.later, remedy{time.Now().Add(c.duration(time.Second, 8*time.Second)), c.disk.empty})
	return c.sendLarge()
}

// sendLarge has messages gather that are large.
func (c *campaign) sendLarge() error {
	for _, k := range []kind{poison, oversize, oversize, oversize, oversize, oversize, oversize} {
		if err := c.send(k); err != nil {
			return err
		}
	}
	return nil
}

func (c *campaign) restartModule(quota int) error {
	c.sleep(c.duration(0, time.Second))
	c.startModule(quota)
	return nil
}

// stopModule asks the module to stop, which it has eight seconds for, and starts it again.
func (c *campaign) stopModule(quota int) error {
	took, err := c.module.stop()
	c.slowestStop = max(c.slowestStop, took)
	if err != nil {
		return fmt.Errorf("stop module: %w", err)
	}
	return c.restartModule(quota)
}

// send has the source send a message of a kind next.
func (c *campaign) send(k kind) error {
	select {
	case c.source.next <- k:
	case <-time.After(time.Second): // the hub's queue is full, or the hub is away
	}
	return nil
}

func (c *campaign) both(first, second string) error {
	if err := c.tell(first); err != nil {
		return err
	}
	return c.tell(second)
}

// forAWhile makes a fault now that another line ends later.
func (c *campaign) forAWhile(begin, end string, most time.Duration) error {
	c.later = append(c.later, remedy{time.Now().Add(c.duration(most/8, most)), func() error {
		if !c.hub.running() {
			return nil // and it has forgotten the fault
		}
		return c.tell(end)
	}})
	return c.tell(begin)
}

// duration returns one by chance.
func (c *campaign) duration(least, most time.Duration) time.Duration {
	return least + time.Duration(c.random.Int64N(int64(most-least)))
}

func (c *campaign) between(least, most time.Duration) string {
	return c.duration(least, most).Round(time.Millisecond).String()
}
