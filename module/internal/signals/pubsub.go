package signals

import (
	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// appendPubSub appends a network message of OPC UA PubSub (Part 14), in the spelling that OPC Publisher has outside of
// its strict mode (Azure/Industrial-IoT, docs/opc-publisher/messageformats.md and JsonDataSetMessage.cs): there
// DataSetWriterId is the name of the writer, and a StatusCode an object that is left out when good.
//
//	{"MessageId":"…","MessageType":"ua-data","PublisherId":"…","DataSetWriterGroup":"…","Messages":[
//	  {"DataSetWriterId":"…","MessageType":"ua-deltaframe","Timestamp":"…","Payload":{
//	    "NAME":{"Value":…,"SourceTimestamp":"…","StatusCode":{"Symbol":"…","Code":…}}}}]}
//
// MessageId is the message's, DataSetWriterGroup the publish group. A writer is the group, or the signal that has none,
// and where that is partitioned followed by a slash and the partition. A field is called after its signal; a signal
// that is there twice makes a further data set message. Timestamp is the time of the message. What a guest made is a
// field's Value. DisplayName, unit and reason have no place in it; nor has it metadata or sequence numbers.
func appendPubSub(dst []byte, items []Named, about Batch) []byte {
	dst = appendString(append(dst, `{"MessageId":`...), about.MessageID)
	dst = appendString(append(dst, `,"MessageType":"ua-data","PublisherId":`...), about.PublisherID)
	dst = appendMember(dst, `,"DataSetWriterGroup":`, about.Group)
	dst = append(dst, `,"Messages":[`...)
	rows := gather(items, byName)
	for i, row := range rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendDataSet(dst, row, about)
	}
	return append(dst, `]}`...)
}

func appendDataSet(dst []byte, row []Named, about Batch) []byte {
	dst = appendString(append(dst, `{"DataSetWriterId":`...), writer(row[0], about))
	dst = appendTimestamp(append(dst, `,"MessageType":"ua-deltaframe","Timestamp":`...), about.Time)
	dst = append(dst, `,"Payload":{`...)
	for i, item := range row {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendField(dst, item)
	}
	return append(dst, `}}`...)
}

// writer returns the name of the data set writer that an item belongs to.
func writer(n Named, about Batch) string {
	name := about.Group
	if name == "" {
		name = n.Signal
	}
	if n.Partition != "" {
		name += "/" + n.Partition
	}
	return name
}

func appendField(dst []byte, n Named) []byte {
	value := n.Value
	if n.Raw != nil {
		value = n.Raw
	}
	dst = append(appendString(dst, n.Signal), `:{"Value":`...)
	dst = appendValue(dst, value)
	if !n.SourceTimestamp.IsZero() {
		dst = appendTimestamp(append(dst, `,"SourceTimestamp":`...), n.SourceTimestamp)
	}
	switch n.Quality { // the codes are those of OPC UA Part 6, annex A.2
	case module.Uncertain:
		dst = append(dst, `,"StatusCode":{"Symbol":"Uncertain","Code":1073741824}`...)
	case module.Bad:
		dst = append(dst, `,"StatusCode":{"Symbol":"Bad","Code":2147483648}`...)
	}
	return append(dst, '}')
}
