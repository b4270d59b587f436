// Command gateway is a guest that posts each message to a server. README.md describes it from outside.
//
// Concurrency: the host makes one call at a time; see package edge.
package main

import (
	"errors"
	"fmt"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
)

func init() { edge.Register(newGuest(post)) }

func main() {}

// settings are what the twin may set; README.md has the table.
type settings struct {
	URL         string `json:"url"`
	Status      int    // of the answer that is expected
	ContentType string
}

// Validate refuses settings without an address.
func (s *settings) Validate() error {
	if s.URL == "" {
		return errors.New(`set "url": there is nowhere to post to`)
	}
	return nil
}

// request is a POST request.
type request struct {
	url, contentType string
	body             []byte
}

// newGuest returns a guest that posts through the given function, which returns the status of the answer.
func newGuest(post func(request) (status int, err error)) edge.Guest[settings] {
	return edge.Guest[settings]{Settings: settings{Status: 200, ContentType: "application/text"},
		Message: func(h *edge.Host, body []byte, set *settings) (edge.Verdict, error) {
			status, err := post(request{set.URL, set.ContentType, body})
			if err != nil {
				return edge.Drop, err
			}
			if status != set.Status {
				return edge.Drop, fmt.Errorf("post message: the answer has status %d, not %d", status, set.Status)
			}
			h.Count("posted", 1)
			return edge.Drop, nil // it is where it should be
		}}
}
