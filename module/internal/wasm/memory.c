// What a guest logs, and the checked way into its memory and to its text.

#include "program.h"

#include <stdio.h>

enum { WOE_LOG_LINE_MAX = 4096, WOE_LOGS_MAX = 64 * 1024 };

// woe_log keeps a line for Go: level, length, bytes. A call may leave WOE_LOGS_MAX bytes; what exceeds them is counted. Of a
// service Go gets each line at once.
void woe_log(woe_instance *i, uint32_t level, const uint8_t *text, size_t len) {
  if (i->program && i->program->service) {
    woe_service_log(i->program->service, level, text, len);
    return;
  }
  if (len > WOE_LOG_LINE_MAX) len = WOE_LOG_LINE_MAX;
  if (i->logs.len + len + 8 > WOE_LOGS_MAX || !woe_reserve(&i->logs, len + 8)) {
    i->logs_dropped++;
    return;
  }
  woe_append_u32(&i->logs, level > 5 ? 5 : level);
  woe_append_u32(&i->logs, (uint32_t)len);
  woe_append(&i->logs, text, len);
}

// woe_guest_memory returns the guest's memory, which is empty where it has none.
woe_memory woe_guest_memory(woe_instance *i) {
  if (!i->has_memory) return (woe_memory){0};
  return (woe_memory){wasmtime_memory_data(i->context, &i->memory), wasmtime_memory_data_size(i->context, &i->memory)};
}

// woe_bytes returns the len bytes at pointer, or NULL where they are not all inside the memory.
uint8_t *woe_bytes(woe_memory m, uint32_t pointer, uint32_t len) {
  static uint8_t nothing[1];
  if (len == 0) return nothing; // the pointer of an empty slice may dangle
  return (size_t)pointer + len <= m.size ? m.data + pointer : NULL;
}

uint8_t *woe_guest_bytes(woe_instance *i, uint32_t pointer, uint32_t len) {
  return woe_bytes(woe_guest_memory(i), pointer, len);
}

// woe_utf8 reports whether the bytes are well-formed UTF-8.
bool woe_utf8(const uint8_t *s, size_t len) {
  for (size_t n = 0; n < len;) {
    uint8_t c = s[n++];
    int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
    if (more < 0 || n + (size_t)more > len) return false;
    if (more > 1 && ((c == 0xe0 && s[n] < 0xa0) || (c == 0xed && s[n] > 0x9f) || (c == 0xf0 && s[n] < 0x90) ||
                     (c == 0xf4 && s[n] > 0x8f)))
      return false;
    for (; more; more--)
      if ((s[n++] & 0xc0) != 0x80) return false;
  }
  return true;
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
