// Buffers that Go reads after a call.

#include "host.h"

#include <stdlib.h>

// woe_grow makes room for len more bytes where there is too little; see woe_reserve.
bool woe_grow(woe_buffer *b, size_t len) {
  size_t cap = b->cap ? b->cap : 256;
  while (cap - b->len < len) cap *= 2;
  uint8_t *grown = realloc(b->data, cap);
  if (!grown) return false;
  b->data = grown;
  b->cap = cap;
  return true;
}
