package signals

import "github.com/wasm-on-edge/wasm-on-edge/module/internal/document"

// addNetworkMessage adds the fields of one network message (OPC 10000-14, 7.2.5; Azure/Industrial-IoT,
// docs/opc-publisher/messageformats.md), or of one data set message that stands alone:
//
//	{"MessageType":"ua-data","PublisherId":"…","Messages":[{"DataSetWriterId":…,"Timestamp":"…","Payload":{"FIELD":{"Value":…}}}]}
//
// Metadata and keep-alive messages are of the format, and have no fields.
func (is *items) addNetworkMessage(part document.Node) {
	if messages, ok := part.Member("Messages"); ok {
		is.fit = true
		for message := range parts(messages) {
			is.addDataSetMessage(message, part)
		}
		return
	}
	if kind, ok := part.Member("MessageType"); ok && len(kind.Text()) > 3 && kind.Text()[:3] == "ua-" {
		is.fit = true
	}
	is.addDataSetMessage(part, document.Node{})
}

func (is *items) addDataSetMessage(message, network document.Node) {
	payload, ok := message.Member("Payload")
	if kind, _ := message.Member("MessageType"); !ok || kind.Is("ua-metadata") || kind.Is("ua-keepalive") {
		return
	}
	is.fit = true
	within := is.enter(scope{message, network})
	for name, value := range payload.Members() {
		is.add(item{node: value, name: name, scope: within}, name)
	}
}
