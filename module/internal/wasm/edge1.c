// The host functions of edge/1, imported from "edge". All of them are answered here: what has an effect is noted in
// the instance's buffers and takes effect when Go reads them after the call.

#include "host.h"

#include <string.h>
#include <time.h>

enum {
  EMITTED = 0,
  OVER_LIMIT = -1,
  NOT_ALLOWED = -2,
  REASON_MAX = 2048,
  NAME_MAX_BYTES = 64,
  METRIC_NAME_MAX = 64,
  METRICS_PER_CALL = 256,
  PROPERTIES_MAX = 64, // of one emitted message
  PROPERTIES_ROOM = 4 + PROPERTIES_MAX * 8, // for their count and lengths
};

#define INSTANCE                                  \
  woe_instance *i = woe_caller_instance(caller);  \
  woe_memory memory = woe_guest_memory(i)
#define BYTES(name, pointer, len, function)                             \
  uint8_t *name = woe_bytes(memory, (uint32_t)(pointer), (uint32_t)(len)); \
  if (!name) return woe_pointer_trap(i, function)

static bool name_letter(uint8_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool output_allowed(const uint8_t *name, uint32_t len) {
  if (len > NAME_MAX_BYTES || (len == 10 && !memcmp(name, "deadletter", 10))) return false;
  for (uint32_t n = 0; n < len; n++)
    if (!name_letter(name[n])) return false;
  return true;
}

static bool starts(const uint8_t *key, uint32_t len, const char *prefix) {
  size_t n = strlen(prefix);
  return len >= n && !memcmp(key, prefix, n);
}

static bool equals(const uint8_t *key, uint32_t len, const char *text) {
  return len == strlen(text) && !memcmp(key, text, len);
}

// A guest may set content type, encoding and schema, and application properties that nobody else owns.
static bool key_allowed(const uint8_t *key, uint32_t len) {
  if (len == 0) return false;
  if (starts(key, len, "$."))
    return equals(key, len, "$.ct") || equals(key, len, "$.ce") || equals(key, len, "$.schema");
  if (equals(key, len, "deviceId") || equals(key, len, "moduleId")) return false; // edgeHub takes them for the sender
  return !starts(key, len, "iothub-") && !starts(key, len, "mqtt-") && !starts(key, len, "deadletter-");
}

static int hex(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// unescape appends the percent-decoded text, for which there is room, and reports whether it was well-formed. A NUL is
// refused: edgeHub would drop the message that carries one.
static bool unescape(woe_buffer *out, const uint8_t *text, uint32_t len) {
  for (uint32_t n = 0; n < len; n++) {
    uint8_t c = text[n];
    if (c == '%') {
      if (n + 2 >= len) return false;
      int high = hex(text[n + 1]), low = hex(text[n + 2]);
      if (high < 0 || low < 0) return false;
      c = (uint8_t)(high << 4 | low);
      n += 2;
    }
    if (c == 0) return false;
    out->data[out->len++] = c;
  }
  return true;
}

// part appends one percent-encoded part of a bag, its length before it, and returns where it stands, or 0.
static size_t part(woe_buffer *out, const uint8_t *text, uint32_t len) {
  size_t at = out->len;
  if (!woe_append_u32(out, 0) || !unescape(out, text, len)) return 0;
  uint32_t n = (uint32_t)(out->len - at - 4);
  memcpy(out->data + at, &n, 4);
  return woe_utf8(out->data + at + 4, n) ? at : 0;
}

static bool repeated(const woe_buffer *out, const size_t *keys, uint32_t count, size_t key) {
  uint32_t len, other;
  memcpy(&len, out->data + key, 4);
  for (uint32_t n = 0; n < count; n++) {
    memcpy(&other, out->data + keys[n], 4);
    if (len == other && !memcmp(out->data + key + 4, out->data + keys[n] + 4, len)) return true;
  }
  return false;
}

// properties appends the bag "k=v&k=v" decoded, as count and then length and bytes of each key and value. It returns
// EMITTED, OVER_LIMIT or NOT_ALLOWED. There must be room for PROPERTIES_ROOM + len bytes: decoded is never longer.
static int32_t properties(woe_buffer *out, const uint8_t *bag, uint32_t len) {
  size_t keys[PROPERTIES_MAX], at = out->len;
  uint32_t count = 0;
  woe_append_u32(out, 0);
  for (size_t n = 0; n < len;) {
    const uint8_t *pair = bag + n, *end = memchr(pair, '&', len - n);
    uint32_t pair_len = (uint32_t)(end ? (size_t)(end - pair) : len - n);
    const uint8_t *equal = memchr(pair, '=', pair_len);
    if (!equal) return NOT_ALLOWED;
    if (count == PROPERTIES_MAX) return OVER_LIMIT;
    uint32_t key_len = (uint32_t)(equal - pair), key_bytes;
    size_t key = part(out, pair, key_len);
    if (!key) return NOT_ALLOWED;
    memcpy(&key_bytes, out->data + key, 4);
    if (!key_allowed(out->data + key + 4, key_bytes) || repeated(out, keys, count, key)) return NOT_ALLOWED;
    if (!part(out, equal + 1, pair_len - key_len - 1)) return NOT_ALLOWED;
    keys[count++] = key;
    n += (size_t)pair_len + 1;
    if (n == len) return NOT_ALLOWED; // nothing after the last &
  }
  memcpy(out->data + at, &count, 4);
  return EMITTED;
}

// woe_emit notes a message that the guest sends; an empty output is the signal's own.
int32_t woe_emit(woe_instance *i, const uint8_t *output, uint32_t output_len, const uint8_t *body, uint32_t body_len,
                 const uint8_t *bag, uint32_t bag_len) {
  uint64_t bytes = (uint64_t)output_len + body_len + bag_len;
  if (i->emits >= i->limits.emits || i->emitted_bytes + bytes > i->limits.emit_bytes) return OVER_LIMIT;
  if (!output_allowed(output, output_len)) return NOT_ALLOWED;
  if (!woe_reserve(&i->effects, 12 + bytes + PROPERTIES_ROOM)) return OVER_LIMIT;
  size_t before = i->effects.len;
  woe_append_u32(&i->effects, WOE_EMIT);
  woe_append_u32(&i->effects, output_len);
  woe_append_u32(&i->effects, body_len);
  woe_append(&i->effects, output, output_len);
  woe_append(&i->effects, body, body_len);
  int32_t result = properties(&i->effects, bag, bag_len);
  if (result != EMITTED) {
    i->effects.len = before;
    return result;
  }
  i->emits++;
  i->emitted_bytes += bytes;
  return EMITTED;
}

static wasm_trap_t *on_emit(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)n;
  INSTANCE;
  BYTES(output, v[0].i32, v[1].i32, "emit");
  BYTES(body, v[2].i32, v[3].i32, "emit");
  BYTES(bag, v[4].i32, v[5].i32, "emit");
  v[0].i32 = woe_emit(i, output, (uint32_t)v[1].i32, body, (uint32_t)v[3].i32, bag, (uint32_t)v[5].i32);
  return NULL;
}

// on_property looks a name up in the properties that Go encoded: per property two lengths, then name and value.
static wasm_trap_t *on_property(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)n;
  INSTANCE;
  BYTES(key, v[0].i32, v[1].i32, "property");
  uint32_t key_len = (uint32_t)v[1].i32, cap = (uint32_t)v[3].i32;
  BYTES(out, v[2].i32, cap, "property");
  v[0].i32 = -1;
  for (size_t at = 0; at + 8 <= i->properties_len;) {
    uint32_t name_len, value_len;
    memcpy(&name_len, i->properties + at, 4);
    memcpy(&value_len, i->properties + at + 4, 4);
    const uint8_t *name = i->properties + at + 8, *value = name + name_len;
    at += 8 + (size_t)name_len + value_len;
    if (name_len != key_len || memcmp(name, key, key_len)) continue;
    if (cap) memcpy(out, value, value_len < cap ? value_len : cap);
    v[0].i32 = (int32_t)value_len;
    break;
  }
  return NULL;
}

static wasm_trap_t *on_fail(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)n;
  INSTANCE;
  BYTES(text, v[0].i32, v[1].i32, "fail");
  uint32_t len = (uint32_t)v[1].i32;
  i->reason.len = 0;
  woe_append(&i->reason, text, len < REASON_MAX ? len : REASON_MAX);
  return NULL;
}

static wasm_trap_t *on_log(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)n;
  INSTANCE;
  BYTES(text, v[1].i32, v[2].i32, "log");
  woe_log(i, (uint32_t)v[0].i32, text, (uint32_t)v[2].i32);
  return NULL;
}

static wasm_trap_t *on_now(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)caller, (void)n;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  v[0].i64 = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
  return NULL;
}

static wasm_trap_t *on_state_get(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)n;
  INSTANCE;
  BYTES(key, v[0].i32, v[1].i32, "state_get");
  BYTES(out, v[2].i32, v[3].i32, "state_get");
  v[0].i32 = woe_state_get(&i->state, key, (uint32_t)v[1].i32, out, (uint32_t)v[3].i32);
  return NULL;
}

static wasm_trap_t *on_state_set(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)n;
  INSTANCE;
  BYTES(key, v[0].i32, v[1].i32, "state_set");
  BYTES(value, v[2].i32, v[3].i32, "state_set");
  v[0].i32 = woe_state_set(&i->state, key, (uint32_t)v[1].i32, value, (uint32_t)v[3].i32) ? 0 : -1;
  return NULL;
}

static wasm_trap_t *on_state_delete(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)n;
  INSTANCE;
  BYTES(key, v[0].i32, v[1].i32, "state_delete");
  v[0].i32 = woe_state_delete(&i->state, key, (uint32_t)v[1].i32) ? 0 : -1;
  return NULL;
}

static wasm_trap_t *on_metric(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {
  (void)env, (void)n;
  INSTANCE;
  uint32_t kind = (uint32_t)v[0].i32, len = (uint32_t)v[2].i32;
  BYTES(name, v[1].i32, len, "metric");
  if (kind > 2 || len == 0 || len > METRIC_NAME_MAX || i->metrics >= METRICS_PER_CALL) return NULL;
  if (!woe_utf8(name, len) || !woe_reserve(&i->effects, 20 + len)) return NULL;
  i->metrics++;
  woe_append_u32(&i->effects, WOE_METRIC);
  woe_append_u32(&i->effects, kind);
  woe_append_u32(&i->effects, len);
  woe_append(&i->effects, &v[3].f64, sizeof v[3].f64);
  woe_append(&i->effects, name, len);
  return NULL;
}

wasmtime_error_t *woe_define_edge1(wasmtime_linker_t *linker) {
  static const struct {
    const char *name, *type;
    wasmtime_func_unchecked_callback_t function;
  } functions[] = {
      {"emit", "iiiiii>i", on_emit},         {"property", "iiii>i", on_property},   {"fail", "ii>", on_fail},
      {"log", "iii>", on_log},               {"now", ">I", on_now},                 {"state_get", "iiii>i", on_state_get},
      {"state_set", "iiii>i", on_state_set}, {"state_delete", "ii>i", on_state_delete}, {"metric", "iiiF>", on_metric},
  };
  wasmtime_error_t *error = NULL;
  for (size_t n = 0; n < sizeof functions / sizeof *functions && !error; n++)
    error = woe_define(linker, "edge", functions[n].name, functions[n].type, functions[n].function);
  return error;
}
