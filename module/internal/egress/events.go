package egress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// IoT Hub's endpoint for telemetry over HTTPS, that of a device and that of a module. Source: the REST API of Azure IoT Hub,
// "Device - Send Device Event".
var (
	hubHost    = regexp.MustCompile(`^[a-z0-9-]+\.azure-devices\.net$`)
	eventsPath = regexp.MustCompile(`^/devices/[^/]+(/modules/[^/]+)?/messages/events/?$`)
)

// maxEvent is what IoT Hub takes as the body of one message, in bytes.
const maxEvent = 256 << 10

// isEvents reports whether an address is that endpoint, of any hub and for any device: the message goes the way of all
// others of this module, under its own name.
func isEvents(u *url.URL) bool {
	o := originOf(u)
	return o.scheme == "https" && o.port == "443" && hubHost.MatchString(o.host) && eventsPath.MatchString(u.EscapedPath())
}

// post answers a request to the endpoint as IoT Hub does. Who may send is not asked: the guest may, and its Authorization
// header, a key that it needs no more, is not looked at.
func (c *Client) post(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return answer(r, http.StatusMethodNotAllowed, "telemetry is sent with POST"), nil
	}
	if r.ContentLength > maxEvent {
		return answer(r, http.StatusRequestEntityTooLarge, fmt.Sprintf("a message may have %d bytes", maxEvent)), nil
	}
	properties, err := eventProperties(r.Header)
	if err != nil {
		return answer(r, http.StatusBadRequest, err.Error()), nil
	}
	m := module.Message{Properties: properties}
	if r.Body != nil {
		if m.Body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
	}
	if err := c.guest.Send(r.Context(), m); err != nil {
		if r.Context().Err() != nil {
			return nil, r.Context().Err()
		}
		return answer(r, http.StatusServiceUnavailable, err.Error()), nil
	}
	return answer(r, http.StatusNoContent, ""), nil
}

// answer makes a response, with a reason in the shape of IoT Hub's where it is given.
func answer(r *http.Request, status int, reason string) *http.Response {
	response := &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r, Body: http.NoBody}
	if reason != "" {
		body, _ := json.Marshal(map[string]string{"Message": reason}) // strings always marshal
		response.Header.Set("Content-Type", "application/json; charset=utf-8")
		response.Body = io.NopCloser(bytes.NewReader(body))
		response.ContentLength = int64(len(body))
	}
	return response
}

// systemHeaders are the properties that IoT Hub takes from headers.
var systemHeaders = map[string]string{
	"content-type":           module.PropertyContentType,
	"content-encoding":       module.PropertyContentEncoding,
	"iothub-contenttype":     module.PropertyContentType,
	"iothub-contentencoding": module.PropertyContentEncoding,
	"iothub-messageid":       module.PropertyMessageID,
	"iothub-correlationid":   module.PropertyCorrelationID,
	"iothub-userid":          "$.uid",
	"iothub-creationtimeutc": "$.ctime",
}

const appHeader = "iothub-app-"

// eventProperties returns the properties that a message gets from the headers it came with. Other headers are the
// request's own.
func eventProperties(header http.Header) (properties module.Properties, err error) {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names) // a map has no order, and a repeat should look the same
	for _, name := range names {
		value, lower := header[name][len(header[name])-1], strings.ToLower(name)
		switch property, system := systemHeaders[lower]; {
		case system:
			properties.Set(property, value)
			err = checkValue(value)
		case strings.HasPrefix(lower, appHeader):
			properties.Set(name[len(appHeader):], value)
			err = errors.Join(checkProperty(name[len(appHeader):]), checkValue(value))
		}
		if err != nil {
			return nil, fmt.Errorf("header %q: %w", name, err)
		}
	}
	return properties, nil
}

var (
	errProperty = errors.New("a guest may not set this property")
	errValue    = errors.New("its value is no text")
)

// checkValue refuses a value for which edgeHub would throw the message away.
func checkValue(value string) error {
	if strings.ContainsRune(value, 0) || !utf8.ValidString(value) {
		return errValue
	}
	return nil
}

// checkProperty refuses what a guest may not set of a message that it emits either.
func checkProperty(name string) error {
	lower := strings.ToLower(name)
	for _, prefix := range []string{"$.", "iothub-", "mqtt-", "deadletter-"} {
		if strings.HasPrefix(lower, prefix) {
			return errProperty
		}
	}
	if name == "" || lower == "deviceid" || lower == "moduleid" {
		return errProperty
	}
	return nil
}
