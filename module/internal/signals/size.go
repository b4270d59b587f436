package signals

// What a payload has besides texts and values, in bytes: the longest that each can be, with some to spare.
const (
	sampleSyntax  = 256
	flatSyntax    = 96
	pubSubSyntax  = 288
	batchSyntax   = 128
	escapedString = 6 // bytes that one byte of a text may become: \u0000
)

// ElementSize returns how many bytes an item adds to a payload: never fewer than it does, and where texts need no
// escapes and items share objects some more. With BatchSize it tells where to split.
func ElementSize(payload string, n Named, about Batch) int {
	content := len(n.Value) + len(n.Raw)
	switch payload {
	case payloadPubSub:
		return pubSubSyntax + escapedString*(2*len(n.Signal)+len(about.Group)+len(n.Partition)) + content
	case payloadFlat:
		return flatSyntax + escapedString*(len(n.Signal)+len(n.Partition)) + content
	}
	return sampleSyntax + escapedString*(len(n.Signal)+len(n.DisplayName)+len(n.Unit)+len(n.Partition)) + content
}

// BatchSize returns how many bytes a payload has besides its items: never fewer than there are.
func BatchSize(about Batch) int {
	return batchSyntax + escapedString*(len(about.Group)+len(about.PublisherID)+len(about.MessageID))
}
