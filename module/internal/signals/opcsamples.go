package signals

import (
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// addSample adds one message of OPC Publisher's Samples mode (Azure/Industrial-IoT, docs/opc-publisher/messageformats.md):
//
//	{"NodeId":"nsu=…;s=…","ApplicationUri":"…","DisplayName":"…","Value":{"Value":…,"SourceTimestamp":"…","StatusCode":…}}
//
// Older versions have the members of Value beside it.
func (is *items) addSample(part document.Node) {
	id, named := part.Member("NodeId")
	name, also := part.Member("DisplayName")
	if named || also {
		is.add(item{node: part}, id, name)
	}
}

// dataValue reads a value as OPC UA's JSON has it: a DataValue, or the bare value. What the value does not say of itself, its
// time and status, is taken from what stands around it.
func dataValue(value, around document.Node) Found {
	var own document.Node
	if isDataValue(value) {
		own = value
		value, _ = own.Member("Value")
	}
	status, told := statusOf(own)
	if !told {
		status, _ = statusOf(around)
	}
	f := Found{Value: unwrap(value).Raw(), Quality: qualityOf(status)}
	f.Timestamp, f.Untimed = opcTime(own, around)
	return f
}

// statusOf returns the status that an object tells, in OPC Publisher's spelling or in the standard's, which it uses in its
// strict mode.
func statusOf(n document.Node) (document.Node, bool) {
	if status, ok := n.Member("StatusCode"); ok {
		return status, true
	}
	return n.Member("Status")
}

// opcTime returns the time of a value: that of its source, else of its server, else of the message.
func opcTime(own, around document.Node) (t time.Time, untimed bool) {
	source, _ := own.Member("SourceTimestamp")
	server, _ := own.Member("ServerTimestamp")
	if t, untimed = firstTime(source, server); !t.IsZero() {
		return t, false
	}
	source, _ = around.Member("SourceTimestamp")
	server, _ = around.Member("ServerTimestamp")
	message, _ := around.Member("Timestamp")
	t, also := firstTime(source, server, message)
	return t, t.IsZero() && (untimed || also)
}

// isDataValue reports whether a value is a DataValue (OPC 10000-6, 5.4.2.18): an object with none but its members, in the
// spellings of versions 1.04 and 1.05 and of OPC Publisher.
func isDataValue(n document.Node) bool {
	if n.Kind() != document.Object {
		return false
	}
	known := [...]string{"Value", "SourceTimestamp", "ServerTimestamp", "StatusCode", "Status", "UaType", "Dimensions",
		"SourcePicoseconds", "SourcePicoSeconds", "ServerPicoseconds", "ServerPicoSeconds"}
	for name := range n.Members() {
		if !slices.ContainsFunc(known[:], name.Is) {
			return false
		}
	}
	return true
}

// unwrap returns what a Variant in the reversible encoding holds, {"Type":…,"Body":…}, and other values as they are.
func unwrap(n document.Node) document.Node {
	var inner document.Node
	for name, member := range n.Members() {
		switch {
		case name.Is("Body"):
			inner = member
		case !name.Is("Type") && !name.Is("Dimensions"):
			return n
		}
	}
	if _, typed := n.Member("Type"); !typed || inner.Kind() == document.Absent {
		return n
	}
	return inner
}
