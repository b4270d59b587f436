package edgehub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Config is what New makes a client of. Only Identity is needed; zero durations and numbers stand for the
// defaults named with them.
//
// What a nil callback would take is not subscribed to. OnInput, OnDesired and the done functions of Publish
// are called by the goroutine that reads the connection, one at a time: they must not block, nor wait for
// anything that edgeHub sends.
type Config struct {
	Identity Identity

	// OnInput takes a message that edgeHub delivers, in order of arrival, even before the first Connected
	// event. The message is acknowledged when its Ack is called, within edgeHub's 30 s. An error refuses
	// it by dropping the connection, the only refusal that MQTT 3.1.1 knows; edgeHub delivers it again.
	OnInput func(*Input) error

	// OnDesired takes a patch of the desired properties: JSON with the version that it leads to as
	// "$version". Versions may jump, and patches of times without a connection never come: ask for the Twin
	// at each Connected event. The slice is the callee's.
	OnDesired func(patch []byte)

	// OnMethod answers a direct method, in a goroutine of its own, at most 16 at a time; edgeHub gets 429
	// for more. response must be JSON or empty. ctx ends with the connection, which the answer would have
	// to use; Run waits for the method to return.
	OnMethod func(ctx context.Context, name string, payload []byte) (status int, response []byte)

	// OnEvent takes what happens to the connection, for logs and metrics, one event at a time. It must not
	// block, nor call the client.
	OnEvent func(Event)

	// ProductInfo names the program to edgeHub: "contoso-filter/1.2". Default "edgehub-go".
	ProductInfo string

	TokenTTL       time.Duration // for how long a token is signed; 1 h. The connection is renewed at about 80 % of it
	KeepAlive      time.Duration // of MQTT, at most 10 min; 60 s. Silence for 1.5 to 2 times it ends the connection
	ConnectTimeout time.Duration // for TCP and TLS, and again from CONNECT to the last SUBACK; 30 s
	BackoffMin     time.Duration // the least wait between connections; 1 s
	BackoffMax     time.Duration // the longest; 60 s
	StableAfter    time.Duration // a connection that stood for so long starts the backoff anew; 1 min
	MaxUnacked     int           // publishes without an acknowledgement before Publish waits, at most 65,535; 1024
}

const (
	defaultProductInfo    = "edgehub-go"
	defaultTokenTTL       = time.Hour
	defaultKeepAlive      = time.Minute
	defaultConnectTimeout = 30 * time.Second
	defaultBackoffMin     = time.Second
	defaultBackoffMax     = time.Minute
	defaultStableAfter    = time.Minute
	defaultMaxUnacked     = 1024

	// edgeHub takes a longer keepalive for this one.
	maxKeepAlive = 10 * time.Minute
)

// withDefaults returns c complete, or why it cannot work.
func (c Config) withDefaults() (Config, error) {
	c.ProductInfo = cmp.Or(c.ProductInfo, defaultProductInfo)
	c.TokenTTL = cmp.Or(c.TokenTTL, defaultTokenTTL)
	c.KeepAlive = cmp.Or(c.KeepAlive, defaultKeepAlive)
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, defaultConnectTimeout)
	c.BackoffMin = cmp.Or(c.BackoffMin, defaultBackoffMin)
	c.BackoffMax = cmp.Or(c.BackoffMax, defaultBackoffMax)
	c.StableAfter = cmp.Or(c.StableAfter, defaultStableAfter)
	c.MaxUnacked = cmp.Or(c.MaxUnacked, defaultMaxUnacked)
	if c.OnEvent == nil {
		c.OnEvent = func(Event) {}
	}
	return c, c.check()
}

func (c Config) check() error {
	if err := c.Identity.check(); err != nil {
		return err
	}
	for _, d := range []time.Duration{c.TokenTTL, c.KeepAlive, c.ConnectTimeout, c.BackoffMin, c.BackoffMax, c.StableAfter} {
		if d < 0 {
			return errors.New("negative duration")
		}
	}
	switch {
	case c.TokenTTL < time.Second:
		return fmt.Errorf("TokenTTL %s is under a second, which tokens cannot express", c.TokenTTL)
	case c.KeepAlive > maxKeepAlive:
		return fmt.Errorf("KeepAlive %s is over the %s that edgeHub allows", c.KeepAlive, maxKeepAlive)
	case c.BackoffMin > c.BackoffMax:
		return fmt.Errorf("BackoffMin %s is over BackoffMax %s", c.BackoffMin, c.BackoffMax)
	case c.MaxUnacked < 1 || c.MaxUnacked > maxPacketID:
		return fmt.Errorf("MaxUnacked %d is not between 1 and %d", c.MaxUnacked, maxPacketID)
	case !isText(c.ProductInfo):
		return errors.New("ProductInfo is not UTF-8 text without NUL")
	}
	return nil
}
