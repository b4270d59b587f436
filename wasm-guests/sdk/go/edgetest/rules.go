package edgetest

import (
	"net/url"
	"regexp"
	"strings"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
)

var validOutput = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// allowedOutput reports whether a guest may send to output. The dead letters are the host's alone.
func allowedOutput(output string) bool {
	return output == "" || output != "deadletter" && validOutput.MatchString(output)
}

// allowedProperty reports whether a guest may set the property called name: an application property that is
// nobody else's, or one of three system properties.
func allowedProperty(name string) bool {
	switch name {
	case "", "deviceId", "moduleId":
		return false
	case edge.ContentType, edge.ContentEncoding, edge.Schema:
		return true
	}
	for _, reserved := range []string{"$.", "iothub-", "mqtt-", "deadletter-"} {
		if strings.HasPrefix(name, reserved) {
			return false
		}
	}
	return true
}

// parseBag decodes a property bag and reports whether it is well formed and all in it may be set.
func parseBag(bag string) (edge.Properties, bool) {
	if bag == "" {
		return nil, true
	}
	var properties edge.Properties
	for pair := range strings.SplitSeq(bag, "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.PathUnescape(rawName)
		value, valueErr := url.PathUnescape(rawValue)
		if nameErr != nil || valueErr != nil || !allowedProperty(name) {
			return nil, false
		}
		properties = append(properties, struct{ Name, Value string }{name, value})
	}
	return properties, true
}
