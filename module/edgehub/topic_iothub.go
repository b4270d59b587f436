package edgehub

import (
	"strconv"
	"strings"
)

// The subscriptions for twin answers, desired patches and direct methods, exactly as edgeHub compares them.
const (
	TwinResponseFilter = twinResponsePrefix + "#"
	DesiredFilter      = desiredPrefix + "#"
	MethodsFilter      = methodPrefix + "#"
)

const (
	twinGetPrefix        = "$iothub/twin/GET/"
	twinReportPrefix     = "$iothub/twin/PATCH/properties/reported/"
	twinResponsePrefix   = "$iothub/twin/res/"
	desiredPrefix        = "$iothub/twin/PATCH/properties/desired/"
	methodPrefix         = "$iothub/methods/POST/"
	methodResponsePrefix = "$iothub/methods/res/"
)

// A $rid is opaque: it is taken from a topic and put into the answer's as it stands, never unescaped.
const ridQuery = "?$rid="

// TwinGetTopic is the topic on which a module asks for its twin.
func TwinGetTopic(rid string) string { return twinGetPrefix + ridQuery + rid }

// ParseTwinGetTopic undoes TwinGetTopic.
func ParseTwinGetTopic(topic string) (rid string, ok bool) {
	return parseQuery(topic, twinGetPrefix, "$rid")
}

// TwinReportTopic is the topic on which a module sends a patch of its reported properties.
func TwinReportTopic(rid string) string { return twinReportPrefix + ridQuery + rid }

// ParseTwinReportTopic undoes TwinReportTopic. rid is "" where the module wants no answer.
func ParseTwinReportTopic(topic string) (rid string, ok bool) {
	rid, _ = parseQuery(topic, twinReportPrefix, "$rid")
	return rid, strings.HasPrefix(topic, twinReportPrefix)
}

// TwinResponseTopic is the topic of edgeHub's answer to either. Unlike IoT Hub's it carries no version.
func TwinResponseTopic(status int, rid string) string {
	return twinResponsePrefix + strconv.Itoa(status) + "/" + ridQuery + rid
}

// ParseTwinResponseTopic undoes TwinResponseTopic.
func ParseTwinResponseTopic(topic string) (status int, rid string, ok bool) {
	return parseStatus(topic, twinResponsePrefix)
}

// DesiredTopic is the topic of a desired patch that leads to version.
func DesiredTopic(version int64) string {
	return desiredPrefix + "?$version=" + strconv.FormatInt(version, 10)
}

// ParseDesiredTopic undoes DesiredTopic.
func ParseDesiredTopic(topic string) (version int64, ok bool) {
	text, ok := parseQuery(topic, desiredPrefix, "$version")
	version, err := strconv.ParseInt(text, 10, 64)
	return version, ok && err == nil
}

// MethodTopic is the topic of a direct method's call. edgeHub does not escape the name.
func MethodTopic(name, rid string) string { return methodPrefix + name + "/" + ridQuery + rid }

// ParseMethodTopic undoes MethodTopic.
func ParseMethodTopic(topic string) (name, rid string, ok bool) {
	rest, ok := strings.CutPrefix(topic, methodPrefix)
	mark := strings.LastIndexByte(rest, '?')
	if !ok || mark < 0 {
		return "", "", false
	}
	rid, ok = queryValue(rest[mark+1:], "$rid")
	return strings.TrimSuffix(rest[:mark], "/"), rid, ok
}

// MethodResponseTopic is the topic of the answer to a direct method.
func MethodResponseTopic(status int, rid string) string {
	return methodResponsePrefix + strconv.Itoa(status) + "/" + ridQuery + rid
}

// ParseMethodResponseTopic undoes MethodResponseTopic.
func ParseMethodResponseTopic(topic string) (status int, rid string, ok bool) {
	return parseStatus(topic, methodResponsePrefix)
}

// parseStatus reads "{prefix}{status}/?$rid={rid}".
func parseStatus(topic, prefix string) (status int, rid string, ok bool) {
	rest, ok := strings.CutPrefix(topic, prefix)
	if !ok {
		return 0, "", false
	}
	text, rest, _ := strings.Cut(rest, "/")
	status, err := strconv.Atoi(text)
	rid, ok = parseQuery(rest, "", "$rid")
	return status, rid, ok && err == nil
}

// parseQuery reads one value of "{prefix}?a=x&b=y"; a missing or empty one is not ok.
func parseQuery(topic, prefix, key string) (value string, ok bool) {
	rest, ok := strings.CutPrefix(topic, prefix+"?")
	if !ok {
		return "", false
	}
	return queryValue(rest, key)
}

func queryValue(query, key string) (value string, ok bool) {
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); name == key {
			return value, value != ""
		}
	}
	return "", false
}
