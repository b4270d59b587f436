// Package signals is what the host does to messages before a guest sees them, and with what is to be sent: it finds
// the values of signals, makes samples of them, decides which are reported, and gives messages their shape. It is pure:
// no I/O, no clock of its own, no goroutines.
//
//	body ──Content──Reader.Read──→ found
//	found ──Stages.Take──→ sample ──guest or none──→ Named ──AppendPayload──→ body
//	                          ↑
//	              Stages.Heartbeat, when Due
//
// # How values are found
//
// A [Content] is parsed once for all signals. In json a selector leads to values; where, timestampSelector, qualitySelector and
// partitionBy go from the same element as far as they share the selector's *. The other formats have items with names:
//
//	            node is                 owner                                 partitionBy goes from
//	opcSamples  NodeId or DisplayName   ApplicationUri or EndpointUrl         the item
//	opcPubSub   the name of a field     DataSetWriterName or DataSetWriterId  the data set message, else the network message; /Field: that name
//	modbus      DisplayName or Address  HwId                                  the value, else its data, content and message
//
// OWNER/NAME as the node tells items apart that have the same name. A NodeId with a namespace URI may be written in either
// way, nsu=URI;s=ID or URI#s=ID; after an owner in the first. Without node all items are taken. The time is that of the
// source, else of the server, else of the message. What a quality may be written as tells qualityOf, and a timestamp
// timeOf; one that cannot be read is none, and noted as Untimed.
//
// A key is a string of at most 256 bytes, or a number as it is written. What has none belongs to no partition and is not
// found: a message without any counts like one without a value.
//
// # The order of the stages
//
// Each value goes through them in this order and ends at the first that holds it back, which is its [Outcome]:
//
//	1 no value           nothing is there to be taken                                NoValue
//	2 samplingInterval   that long has not gone by since the last that passed here   SampledOut
//	3 dataType           what the signal's values are; see the next table            Passed, with the note Invalid
//	4 scale, offset      value × scale + offset, in double precision
//	5 range              uncertain, clamp (uncertain too) or drop                    OutOfRange
//	6 dataChangeTrigger  against the last value sent, with deadband                  Unchanged
//	7 skipFirst          the first is not sent, but later ones are compared with it  SkippedFirst
//
// Where heartbeatBehavior ends in DropValue all values that come through stage 5 end as HeartbeatsOnly.
//
// Sampling looks at arrival alone: it holds back a change of the status too. A quality is the worst of what the source
// says and what the stages find. The last value sent is one that passed, was skipped as the first, or went out with a
// heartbeat. Whether edgeHub has it is the caller's knowledge: he puts a copy of the [State] back where it has not.
//
// # What becomes of a value
//
//	                  auto           json    double           int64              string        boolean
//	missing           no sample, nothing is found: the caller counts it
//	null              no sample, NoValue: many encoders write null for what a message is not about
//	status alone      null with that quality; a good one is NoValue
//	21.50             21.50          21.50   21.50            22                 "21.50"       invalid
//	9007199254740993  as it is       as it is as it is        as it is           in quotes     invalid
//	"21.50"           "21.50"        "21.50" 21.50            22                 "21.50"       invalid
//	0, 1              as it is       as it is as it is        as it is           "0", "1"      false, true
//	"text"            "text"         "text"  invalid          invalid            "text"        invalid
//	"True"            "True"         "True"  invalid          invalid            "True"        true
//	true              true           true    invalid          invalid            "true"        true
//	"NaN", "Infinity" as it is       as it is invalid         invalid            as it is      invalid
//	1e999             1e999          1e999   invalid          invalid            "1e999"       invalid
//	object, array     as it is       as it is invalid         invalid            invalid       invalid
//
// Invalid is a sample of null with the quality bad. Auto with a scale, an offset or a range means numbers and is treated
// as double. Nothing but scale, offset and clamping changes the digits of a double; what they make is in its shortest
// form. An int64 is exact up to its 64 bits without scale and offset; a fraction is rounded, halves away from zero; what
// is beyond them is invalid. A scale that is one divided by a whole number divides by that: 3 × 0.1 is 0.3.
//
// # What is a change
//
//	status                the quality differs
//	statusValue           … or the value does: by more than deadbandValue where both are numbers, else at all
//	statusValueTimestamp  … or the source timestamp does, if there is no deadband and the message has one
//	always                every value; deadbandValue has no effect
//
// A deadband in percent is one of the range. Differences are those of double precision, between integers of 64 bits
// exact. The first value is always a change. A value that is null, whatever the reason, is reported when the quality
// changes or there was a value before, and then no more: that holds for always too.
//
// # Heartbeats
//
//	watchdogLKV                 the last known value, when none was sent for the interval
//	watchdogLKG                 the same, but nothing while that is bad or null: no older value takes its place
//	periodicLKV, periodicLKG    the same every interval since the first value, whatever else is sent
//	…DropValue                  periodic, and values are sent in no other way
//	watchdogLKVDiagnosticsOnly  the heartbeat is counted (DiagnosticsOnly) and not sent
//
// Those are OPC Publisher's (Azure/Industrial-IoT, docs/opc-publisher/readme.md, section Heartbeat, and
// OpcUaMonitoredItem.Heartbeat.cs). The last known value is the last that came through stage 5, whether or not it was
// sent. It keeps its source timestamp and quality; publishTimestamp is the time of the heartbeat. A heartbeat that was
// sent is the value that deadbands compare with. Before the first value there are none, and of several that were missed
// one is made.
//
// # Times
//
// The order is that of arrival. A source timestamp is passed on as it is; where a message has none, or one that cannot
// be read (noted as Untimed), the time of arrival stands for it. One before that of the value before is noted as
// OutOfOrder, one more than a minute ahead of the arrival as Future. All intervals are measured between arrivals. Where
// the clock was set back they start again: nothing waits for longer than its interval.
//
// # Concurrency
//
// A Content is read by any number of goroutines at once. A Reader and a Stages do not change and may be used from any
// goroutine. A State belongs to the goroutine that works on its
// stream. All functions may be called from any.
package signals
