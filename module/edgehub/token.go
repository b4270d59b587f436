package edgehub

import (
	"context"
	"math/rand/v2"
	"time"
)

// maxDrift is how far the wall clock may move, beside the time that goes by, before a token is no longer
// trusted to expire when it was meant to.
const maxDrift = time.Minute

// token is a signed token and the moment at which its times were counted.
type token struct {
	SASToken
	wall, monotonic time.Time // the same moment, by the wall clock alone and with Go's monotonic reading
	expires         time.Time
}

// sign makes a token that holds from now.
func (c *Client) sign(ctx context.Context) (token, error) {
	id := c.cfg.Identity
	t := token{wall: c.wall().Round(0), monotonic: time.Now()}
	t.expires = t.wall.Add(c.cfg.TokenTTL)
	t.SASToken = NewSASToken(id.IoTHub, id.DeviceID, id.ModuleID, t.expires)
	signature, err := id.credentials.sign(ctx, t.StringToSign())
	if err != nil {
		return token{}, err
	}
	t.Signature = signature
	return t, nil
}

// renewAfter is when to renew it: at 80 % of its life, a tenth of that earlier or later.
func (t token) renewAfter() time.Duration {
	life := t.expires.Sub(t.wall)
	return time.Duration(float64(life) * 0.8 * (0.9 + 0.2*rand.Float64()))
}

// drift is how far the wall clock was set forward since t was signed. That a device slept is drift too.
func (t token) drift(wall time.Time) time.Duration {
	return wall.Round(0).Sub(t.wall) - time.Since(t.monotonic)
}
