// Buffers that Go reads after a call.

#include "host.h"

#include <stdlib.h>
#include <string.h>

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
