// The key-value state of one signal, in memory for the time of its instance. A call is a transaction: what it
// sets and deletes is kept with the values it replaced until the call is committed or rolled back.

#include "host.h"

#include <stdlib.h>
#include <string.h>

// What an entry costs besides its bytes, counted against the quota so that many small ones stay bounded too.
enum { WOE_ENTRY_COST = 64 };

typedef struct woe_entry {
  uint8_t *key, *value; // key NULL: never used; value NULL: deleted
  uint32_t key_len, len;
  bool journaled; // by the transaction at hand
} woe_entry;

typedef struct woe_undo {
  size_t slot;
  uint8_t *value; // what the slot held before the transaction, NULL for nothing
  uint32_t len;
} woe_undo;

static uint64_t hash(const uint8_t *key, uint32_t len) { // FNV-1a
  uint64_t h = 14695981039346656037u;
  for (uint32_t i = 0; i < len; i++) h = (h ^ key[i]) * 1099511628211u;
  return h;
}

// find returns the slot of key, or the free one where it would go.
static size_t find(const woe_state *s, const uint8_t *key, uint32_t len) {
  size_t slot = hash(key, len) & (s->cap - 1);
  while (s->slots[slot].key && !(s->slots[slot].key_len == len && !memcmp(s->slots[slot].key, key, len)))
    slot = (slot + 1) & (s->cap - 1);
  return slot;
}

// grow makes room for one more entry and leaves out what is deleted for good. The journal follows its slots.
static bool grow(woe_state *s) {
  if (s->cap && s->used * 4 < s->cap * 3) return true;
  size_t old_cap = s->cap, cap = 16;
  while (cap < s->live * 2 + s->undo_len * 2 + 2) cap *= 2;
  woe_entry *old = s->slots, *slots = calloc(cap, sizeof *slots);
  size_t *moved = malloc((old_cap + 1) * sizeof *moved);
  if (!slots || !moved) {
    free(slots);
    free(moved);
    return false;
  }
  s->slots = slots;
  s->cap = cap;
  s->used = 0;
  for (size_t i = 0; i < old_cap; i++) {
    if (!old[i].key) continue;
    if (!old[i].value && !old[i].journaled) {
      free(old[i].key);
      continue;
    }
    moved[i] = find(s, old[i].key, old[i].key_len);
    slots[moved[i]] = old[i];
    s->used++;
  }
  for (size_t i = 0; i < s->undo_len; i++) s->undo[i].slot = moved[s->undo[i].slot];
  free(old);
  free(moved);
  return true;
}

// release takes the value out of slot: the first time in a transaction into the journal, later for good.
static bool release(woe_state *s, size_t slot) {
  woe_entry *e = &s->slots[slot];
  if (e->journaled) {
    free(e->value);
    return true;
  }
  if (s->undo_len == s->undo_cap) {
    size_t cap = s->undo_cap ? s->undo_cap * 2 : 8;
    woe_undo *undo = realloc(s->undo, cap * sizeof *undo);
    if (!undo) return false;
    s->undo = undo;
    s->undo_cap = cap;
  }
  s->undo[s->undo_len++] = (woe_undo){slot, e->value, e->len};
  s->journal_bytes += (int64_t)e->key_len + e->len + WOE_ENTRY_COST;
  e->journaled = true;
  return true;
}

static int64_t cost(const woe_entry *e) { return e->value ? (int64_t)e->key_len + e->len + WOE_ENTRY_COST : 0; }

int32_t woe_state_get(const woe_state *s, const uint8_t *key, uint32_t key_len, uint8_t *out, uint32_t cap) {
  if (!s->cap) return -1;
  const woe_entry *e = &s->slots[find(s, key, key_len)];
  if (!e->key || !e->value) return -1;
  uint32_t n = e->len < cap ? e->len : cap;
  if (n) memcpy(out, e->value, n);
  return (int32_t)e->len;
}

// woe_state_set keeps a copy of value under key. It refuses what exceeds the quota, and what makes the journal of one
// call exceed twice the quota: a guest may not grow the host by setting and deleting in turn.
bool woe_state_set(woe_state *s, const uint8_t *key, uint32_t key_len, const uint8_t *value, uint32_t len) {
  int64_t added = (int64_t)key_len + len + WOE_ENTRY_COST;
  if (added > s->limit || s->journal_bytes + added > 2 * s->limit || !grow(s)) return false;
  size_t slot = find(s, key, key_len);
  woe_entry *e = &s->slots[slot];
  int64_t bytes = s->bytes - cost(e) + added;
  if (bytes > s->limit) return false;
  bool fresh = e->value == NULL;
  uint8_t *copy = malloc(len + 1), *name = e->key ? e->key : malloc(key_len + 1);
  if (!copy || !name || !release(s, slot)) {
    free(copy);
    if (!e->key) free(name);
    return false;
  }
  if (len) memcpy(copy, value, len);
  if (!e->key) {
    if (key_len) memcpy(name, key, key_len);
    e->key = name;
    e->key_len = key_len;
    s->used++;
  }
  if (fresh) s->live++;
  e->value = copy;
  e->len = len;
  s->bytes = bytes;
  return true;
}

void woe_state_delete(woe_state *s, const uint8_t *key, uint32_t key_len) {
  if (!s->cap) return;
  size_t slot = find(s, key, key_len);
  woe_entry *e = &s->slots[slot];
  if (!e->key || !e->value) return;
  int64_t freed = cost(e);
  if (!release(s, slot)) return;
  s->bytes -= freed;
  s->live--;
  e->value = NULL;
  e->len = 0;
}

// woe_state_record appends what the transaction changed, as it stands now, for Go to keep.
void woe_state_record(const woe_state *s, woe_buffer *out) {
  for (size_t i = 0; i < s->undo_len; i++) {
    const woe_entry *e = &s->slots[s->undo[i].slot];
    woe_append_u32(out, e->value ? WOE_STATE_SET : WOE_STATE_DELETE);
    woe_append_u32(out, e->key_len);
    woe_append_u32(out, e->len);
    woe_append(out, e->key, e->key_len);
    if (e->value) woe_append(out, e->value, e->len);
  }
}

void woe_state_commit(woe_state *s) {
  for (size_t i = 0; i < s->undo_len; i++) {
    free(s->undo[i].value);
    s->slots[s->undo[i].slot].journaled = false;
  }
  s->undo_len = 0;
  s->journal_bytes = 0;
}

void woe_state_rollback(woe_state *s) {
  while (s->undo_len) {
    woe_undo *u = &s->undo[--s->undo_len];
    woe_entry *e = &s->slots[u->slot];
    s->bytes -= cost(e);
    s->live -= e->value != NULL;
    free(e->value);
    e->value = u->value;
    e->len = u->len;
    e->journaled = false;
    s->bytes += cost(e);
    s->live += e->value != NULL;
  }
  s->journal_bytes = 0;
}

void woe_state_free(woe_state *s) {
  woe_state_rollback(s);
  for (size_t i = 0; i < s->cap; i++) {
    free(s->slots[i].key);
    free(s->slots[i].value);
  }
  free(s->slots);
  free(s->undo);
}
