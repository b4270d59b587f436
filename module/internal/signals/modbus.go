package signals

import "github.com/wasm-on-edge/wasm-on-edge/module/internal/document"

// addModbus adds the values of one message of Microsoft's Modbus module (Azure/iot-edge-modbus, README.md, Telemetry Message):
//
//	{"PublishTimestamp":"…","Content":[{"HwId":"…","Data":[{"SourceTimestamp":"…","Values":[{"DisplayName":"…","Address":"…","Value":"…"}]}]}]}
//
// or of its payload version 1, which has all that in one object. Values are texts. Timestamps are like 2018-04-17 12:28:48, in the
// local time of that module's container (ModbusSlaveSession.cs), which is taken to be UTC as it is where nobody set another.
func (is *items) addModbus(part document.Node) {
	contents, ok := part.Member("Content")
	if !ok {
		is.addModbusValue(part, 0)
		return
	}
	is.fit = true
	for content := range parts(contents) {
		all, _ := content.Member("Data")
		for data := range parts(all) {
			values, _ := data.Member("Values")
			within := is.enter(scope{data, content, part})
			for value := range parts(values) {
				is.addModbusValue(value, within)
			}
		}
	}
}

func (is *items) addModbusValue(n document.Node, within int) {
	name, named := n.Member("DisplayName")
	address, addressed := n.Member("Address")
	if _, ok := n.Member("Value"); ok && (named || addressed) {
		is.add(item{node: n, scope: within}, name, address)
	}
}

func (is *items) modbusFound(it *item) (f Found) {
	value, _ := it.node.Member("Value")
	f.Value = value.Raw()
	at, ok := it.node.Member("SourceTimestamp")
	if !ok {
		at, _ = is.scopes[it.scope][0].Member("SourceTimestamp")
	}
	f.Timestamp, f.Untimed = firstTime(at)
	return f
}
