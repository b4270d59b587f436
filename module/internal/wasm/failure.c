// From the engine's errors and traps to words that Go can wrap.

#include "host.h"

#include <stdio.h>
#include <string.h>

enum { WOE_DETAIL_MAX = 2048, WOE_FRAMES_MAX = 12 };

static void append_text(woe_buffer *b, const char *text, size_t len) {
  const char *host = NULL; // a stack of our own process, which RUST_BACKTRACE adds, is none of the guest's business
  for (size_t i = 0; i + 15 <= len && !host; i++)
    if (!memcmp(text + i, "Stack backtrace", 15)) host = text + i;
  if (host) len = (size_t)(host - text);
  if (b->len + len > WOE_DETAIL_MAX) len = b->len < WOE_DETAIL_MAX ? WOE_DETAIL_MAX - b->len : 0;
  while (len && text[len - 1] == '\0') len--;
  woe_append(b, text, len);
}

static void append_frames(woe_buffer *b, wasm_frame_vec_t *frames) {
  for (size_t i = 0; i < frames->size && i < WOE_FRAMES_MAX; i++) {
    const wasm_byte_vec_t *name = wasmtime_frame_func_name(frames->data[i]);
    char line[160];
    int n = name ? snprintf(line, sizeof line, "%s%.*s", i ? " < " : " at ", (int)(name->size < 100 ? name->size : 100), name->data)
                 : snprintf(line, sizeof line, "%sfunction %u", i ? " < " : " at ", wasm_frame_func_index(frames->data[i]));
    append_text(b, line, (size_t)n);
  }
  if (frames->size > WOE_FRAMES_MAX) append_text(b, " < …", strlen(" < …"));
  wasm_frame_vec_delete(frames);
}

// The words of the trap codes, which are shorter than the engine's messages and do not change with it.
static const char *const trap_words[] = {
    "stack overflow",           "memory access out of bounds", "misaligned memory access", "table access out of bounds",
    "call of a null function",  "call with a wrong signature", "integer overflow",         "division by zero",
    "conversion out of range",  "unreachable",                 "interrupted",
};

static void append_error(woe_buffer *b, const wasmtime_error_t *error) {
  wasm_byte_vec_t text;
  wasmtime_error_message(error, &text);
  append_text(b, text.data, text.size);
  wasm_byte_vec_delete(&text);
}

// woe_error_text appends what an error says, and releases it.
void woe_error_text(woe_buffer *b, wasmtime_error_t *error) {
  append_error(b, error);
  wasmtime_error_delete(error);
}

static void describe_trap(woe_instance *i, wasm_trap_t *trap) {
  wasm_frame_vec_t frames;
  uint8_t code;
  if (wasmtime_trap_code(trap, &code) && code < sizeof trap_words / sizeof *trap_words) {
    i->trap_code = code;
    append_text(&i->detail, trap_words[code], strlen(trap_words[code]));
  } else {
    wasm_byte_vec_t text;
    wasm_trap_message(trap, &text);
    size_t line = 0; // the first line; the rest repeats the backtrace
    while (line < text.size && text.data[line] != '\n') line++;
    append_text(&i->detail, text.data, line);
    wasm_byte_vec_delete(&text);
  }
  wasm_trap_trace(trap, &frames);
  append_frames(&i->detail, &frames);
  wasm_trap_delete(trap);
}

// woe_trap ends the call from a host function.
wasm_trap_t *woe_trap(woe_instance *i, const char *text) {
  i->detail.len = 0;
  append_text(&i->detail, text, strlen(text));
  return wasmtime_trap_new(text, strlen(text));
}

// woe_failure describes and releases what a call returned, and says how the call ended.
woe_end woe_failure(woe_instance *i, wasmtime_error_t *error, wasm_trap_t *trap) {
  bool own = i->exited || i->deadline_hit || i->bad_pointer || i->called_off; // detail has our words already; the place is missing
  i->trap_code = UINT8_MAX;
  if (trap) {
    describe_trap(i, trap);
  } else {
    wasm_frame_vec_t frames;
    if (!own) append_error(&i->detail, error);
    wasmtime_error_wasm_trace(error, &frames);
    append_frames(&i->detail, &frames); // they point into the error
    wasmtime_error_delete(error);
  }
  if (i->exited) return WOE_EXIT;
  if (i->deadline_hit) return WOE_DEADLINE;
  if (i->bad_pointer) return WOE_POINTER;
  if (i->called_off) return WOE_CALLED_OFF;
  return trap ? WOE_TRAP : WOE_HOST;
}
