// Buffers that Go reads after a call, and the checked way into a guest's memory.

#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WOE_LOG_LINE_MAX = 4096, WOE_LOGS_MAX = 64 * 1024 };

// woe_reserve makes room for len more bytes. A record is reserved as a whole before its first byte is written, so that
// Go never reads half of one.
bool woe_reserve(woe_buffer *b, size_t len) {
  if (b->cap - b->len >= len) return true;
  size_t cap = b->cap ? b->cap : 256;
  while (cap - b->len < len) cap *= 2;
  uint8_t *grown = realloc(b->data, cap);
  if (!grown) return false;
  b->data = grown;
  b->cap = cap;
  return true;
}

bool woe_append(woe_buffer *b, const void *data, size_t len) {
  if (!woe_reserve(b, len)) return false;
  if (len) memcpy(b->data + b->len, data, len);
  b->len += len;
  return true;
}

bool woe_append_u32(woe_buffer *b, uint32_t v) { return woe_append(b, &v, sizeof v); }

// woe_log keeps a line for Go: level, length, bytes. A call may leave WOE_LOGS_MAX bytes; what exceeds them is counted.
void woe_log(woe_instance *i, uint32_t level, const uint8_t *text, size_t len) {
  if (len > WOE_LOG_LINE_MAX) len = WOE_LOG_LINE_MAX;
  if (i->logs.len + len + 8 > WOE_LOGS_MAX || !woe_reserve(&i->logs, len + 8)) {
    i->logs_dropped++;
    return;
  }
  woe_append_u32(&i->logs, level > 5 ? 5 : level);
  woe_append_u32(&i->logs, (uint32_t)len);
  woe_append(&i->logs, text, len);
}

// woe_guest_bytes returns the len bytes at pointer of the guest's memory, or NULL where they are not all inside it.
// The address holds until the guest runs again: memory.grow may move it.
uint8_t *woe_guest_bytes(woe_instance *i, uint32_t pointer, uint32_t len) {
  static uint8_t nothing[1];
  if (len == 0) return nothing; // the pointer of an empty slice may dangle
  if (!i->has_memory) return NULL;
  size_t size = wasmtime_memory_data_size(i->context, &i->memory);
  if ((size_t)pointer + len > size) return NULL;
  return wasmtime_memory_data(i->context, &i->memory) + pointer;
}

wasm_trap_t *woe_pointer_trap(woe_instance *i, const char *function) {
  char text[96];
  snprintf(text, sizeof text, "%s was given a pointer or length outside the guest's memory", function);
  i->bad_pointer = true;
  return woe_trap(i, text);
}

// woe_caller_instance returns the instance that calls. A start function calls before woe_start could look its memory up.
woe_instance *woe_caller_instance(wasmtime_caller_t *caller) {
  woe_instance *i = wasmtime_context_get_data(wasmtime_caller_context(caller));
  wasmtime_extern_t e;
  if (!i->has_memory && wasmtime_caller_export_get(caller, "memory", 6, &e) && e.kind == WOE_EXTERN_MEMORY) {
    i->memory = e.of.memory;
    i->has_memory = true;
  }
  return i;
}
