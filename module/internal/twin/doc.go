// Package twin turns the desired section of a module twin into a [module.Desired] and a [module.Reported]
// into the reported section, and knows how IoT Hub and edgeHub merge, count and bound such documents. It is
// pure: bytes and values in, bytes and values out; no file, no network, no clock.
//
// # Usage
//
//	if twin.Unknown(doc) {
//		return // an offline edgeHub handed out an empty twin: it says nothing
//	}
//	desired := twin.Parse(doc, twin.Environment{DeviceID: device, ModuleID: id, Getenv: os.Getenv})
//	status := twin.Status(desired) // what reported says of it
//	if desired.DocumentRefused() {
//		return // nothing of it is taken
//	}
//
// # How it reads
//
// What is known of a field (its name, type, range, default and place in the vocabulary) is one row of a
// [table]: moduleFields, guestFields, signalFields, groupFields. Everything else is generic: an object is
// decoded against its table, and each thing that is wrong with it becomes a finding with the path of the
// culprit. The unit is the entry: a finding refuses the entry that it stands in and no other.
//
// A signal is read in layers, each a JSON merge patch (RFC 7396) over those before: built-in defaults,
// signalDefaults, the template named by use, the signal itself. A null therefore takes back what a lower
// layer said; a twin in IoT Hub never holds one, because there null deletes the key.
//
// More signals can stand in files, which signalsFrom names and [Environment].Fetch brings: read like those of the twin, with
// the same signalDefaults and templates. What the twin says of a signal of a file is one more layer, over the file's.
//
// # Concurrency
//
// All functions may be called from any goroutine. The values they return are the caller's own; nothing is
// kept between calls.
package twin
