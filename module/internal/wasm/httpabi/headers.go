package httpabi

import (
	"maps"
	"slices"
	"strings"
)

// HeaderGet copies the first value of a response's header, whatever the case of its name, and tells its length.
func (r *Responses) HeaderGet(memory []byte, handle, name, nameLen, value, valueLen, written uint32) Code {
	response := r.of(handle)
	if response == nil {
		return InvalidHandle
	}
	wanted, code := readText(memory, name, nameLen)
	if code != Success {
		return code
	}
	values := response.header.Values(wanted)
	if len(values) == 0 {
		return HeaderNotFound
	}
	return copyOut(memory, strings.ToValidUTF8(values[0], "�"), value, valueLen, written)
}

// HeadersGetAll copies all headers of a response, by name in lower case, and tells their length.
func (r *Responses) HeadersGetAll(memory []byte, handle, buffer, size, written uint32) Code {
	response := r.of(handle)
	if response == nil {
		return InvalidHandle
	}
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(response.header)) {
		for _, value := range response.header[name] {
			all.WriteString(strings.ToLower(name) + ":" + strings.ToValidUTF8(value, "�") + "\n")
		}
	}
	return copyOut(memory, all.String(), buffer, size, written)
}

// copyOut copies a text into the guest's buffer. Where that is too small nothing is written: the guest tries a larger one.
func copyOut(memory []byte, text string, buffer, size, written uint32) Code {
	switch {
	case uint64(len(text)) > uint64(size):
		return BufferTooSmall
	case !write(memory, buffer, []byte(text)), !writeNumber(memory, written, len(text)):
		return MemoryAccess
	}
	return Success
}
