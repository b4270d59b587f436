package signals

import "unicode/utf8"

// What a payload has besides texts and values, in bytes: the longest that each can be.
const (
	flatSyntax   = len(`{"sourceTimestamp":"2006-01-02T15:04:05.000Z","partition":,:},`)
	pubSubSyntax = len(`{"DataSetWriterId":"/","MessageType":"ua-deltaframe","Timestamp":"2006-01-02T15:04:05.000Z","Payload":{}},`) +
		len(`:{"Value":,"SourceTimestamp":"2006-01-02T15:04:05.000Z","StatusCode":{"Symbol":"Uncertain","Code":1073741824}},`)
	batchSyntax = len(`{"MessageId":,"MessageType":"ua-data","PublisherId":,"DataSetWriterGroup":,"Messages":[]}`)
)

// ElementSize returns how many bytes an item adds to a payload: never fewer than it does, and where items share objects
// some more. With BatchSize it tells where to split.
func ElementSize(payload string, n Named, about Batch) int {
	content := max(len(n.Value), len(null)) + len(n.Raw)
	switch payload {
	case payloadPubSub:
		return pubSubSyntax + 2*stringSize(n.Signal) + stringSize(about.Group) + stringSize(n.Partition) + content
	case payloadFlat:
		return flatSyntax + stringSize(n.Signal) + stringSize(n.Partition) + content
	}
	return len(AppendSample(nil, n)) + len(",")
}

// BatchSize returns how many bytes a payload has besides its items: never fewer than there are.
func BatchSize(about Batch) int {
	return batchSyntax + stringSize(about.Group) + stringSize(about.PublisherID) + stringSize(about.MessageID)
}

// stringSize returns how long a text is as a JSON string.
func stringSize(text string) int {
	size := len(`""`)
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			size += 2
		case r < 0x20:
			size += len(`\u0000`)
		default:
			size += utf8.RuneLen(r)
		}
	}
	return size
}
