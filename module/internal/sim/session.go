package sim

import (
	"regexp"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// maxFilters bounds the subscriptions of one session.
const maxFilters = 1000

// moduleMessages is what edgeHub takes for a subscription to inputs, whatever comes before the "#"
// (SessionStateParser.cs).
var moduleMessages = regexp.MustCompile(`^devices/.+/modules/.+/#$`)

// session is what edgeHub keeps of a client: its subscriptions. It outlives the connection unless the client asks for
// a clean one. Its peer's lock guards it.
type session struct {
	granted map[string]byte // topic filter → QoS, 0 or 1
	inputs  bool            // some filter is a subscription to inputs
}

func newSession() *session { return &session{granted: map[string]byte{}} }

// subscribe grants filter at QoS 1 at most and returns the QoS granted. Filters that edgeHub does not know are
// granted too; nothing ever comes of them.
func (s *session) subscribe(filter string, qos byte) (granted byte, ok bool) {
	if _, known := s.granted[filter]; !known && len(s.granted) >= maxFilters {
		return 0, false
	}
	s.granted[filter] = min(qos, 1)
	s.inputs = s.inputs || moduleMessages.MatchString(filter)
	return s.granted[filter], true
}

func (s *session) unsubscribe(filter string) {
	delete(s.granted, filter)
	s.inputs = false
	for filter := range s.granted {
		s.inputs = s.inputs || moduleMessages.MatchString(filter)
	}
}

// input returns the QoS at which an input's topic is delivered. There may be none although inputs are subscribed to:
// edgeHub looks at the filter's form to decide that it may send, and at the topic when it sends.
func (s *session) input(filter, topic string) (qos byte, ok bool) {
	if qos, ok := s.granted[filter]; ok {
		return qos, true
	}
	for filter, granted := range s.granted {
		if matches(filter, topic) {
			qos, ok = max(qos, granted), true
		}
	}
	return qos, ok
}

// twinResponses, desired and methods return the QoS of what comes under $iothub, and whether the client wants it.

func (s *session) twinResponses() (qos byte, ok bool) {
	qos, ok = s.granted[edgehub.TwinResponseFilter]
	return qos, ok
}

func (s *session) desired() (qos byte, ok bool) {
	qos, ok = s.granted[edgehub.DesiredFilter]
	return qos, ok
}

func (s *session) methods() (qos byte, ok bool) {
	for filter, granted := range s.granted { // edgeHub looks at the beginning only
		if strings.HasPrefix(filter, strings.TrimSuffix(edgehub.MethodsFilter, "#")) {
			qos, ok = max(qos, granted), true
		}
	}
	return qos, ok
}

// matches tells whether a topic filter takes a topic (MQTT 3.1.1, 4.7).
func matches(filter, topic string) bool {
	for {
		level, restOfFilter, moreFilter := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		part, restOfTopic, moreTopic := strings.Cut(topic, "/")
		if level != "+" && level != part {
			return false
		}
		if !moreFilter || !moreTopic {
			return !moreTopic && (!moreFilter || restOfFilter == "#")
		}
		filter, topic = restOfFilter, restOfTopic
	}
}
