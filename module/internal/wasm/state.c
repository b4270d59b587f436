// The key-value state of one signal, in memory for the time of its instance. A call is a transaction: what it
// sets and deletes is kept with the values it replaced until the call is committed or rolled back.

#include "host.h"

#include <stdlib.h>
#include <string.h>

// What an entry costs besides its bytes, counted against the quota so that many small ones stay bounded too.
enum { WOE_ENTRY_COST = 64 };

// A slot whose entry was deleted has the key gone; what was found behind it is still looked for there.
static uint8_t gone[1];

typedef struct woe_entry {
  uint8_t *key, *value; // key NULL: never used; value NULL: deleted by the transaction at hand
  uint32_t key_len, len;
  bool journaled; // by the transaction at hand
} woe_entry;

typedef struct woe_undo {
  size_t slot;
  uint8_t *value; // what the slot held before the transaction, NULL for nothing
  uint32_t len;
} woe_undo;

static void mix(uint64_t v[4], int rounds) {
#define ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))
  while (rounds--) {
    v[0] += v[1], v[1] = ROTATE(v[1], 13) ^ v[0], v[0] = ROTATE(v[0], 32);
    v[2] += v[3], v[3] = ROTATE(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = ROTATE(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = ROTATE(v[1], 17) ^ v[2], v[2] = ROTATE(v[2], 32);
  }
#undef ROTATE
}

// hash is SipHash-1-3: with the seed secret, keys that all meet in one slot cannot be chosen.
static uint64_t hash(const woe_state *s, const uint8_t *key, uint32_t len) {
  uint64_t v[4] = {s->seed[0] ^ 0x736f6d6570736575u, s->seed[1] ^ 0x646f72616e646f6du,
                   s->seed[0] ^ 0x6c7967656e657261u, s->seed[1] ^ 0x7465646279746573u};
  for (size_t at = 0; at <= len; at += 8) {
    uint64_t word = at + 8 <= len ? 0 : (uint64_t)len << 56;
    memcpy(&word, key + at, at + 8 <= len ? 8 : len - at);
    v[3] ^= word;
    mix(v, 1);
    v[0] ^= word;
  }
  v[2] ^= 0xff;
  mix(v, 3);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static bool holds(const woe_entry *e, const uint8_t *key, uint32_t len) {
  return e->key != gone && e->key_len == len && !memcmp(e->key, key, len);
}

// find returns the slot of key, or the unused one where it would go.
static size_t find(const woe_state *s, const uint8_t *key, uint32_t len) {
  size_t slot = hash(s, key, len) & (s->cap - 1);
  while (s->slots[slot].key && !holds(&s->slots[slot], key, len)) slot = (slot + 1) & (s->cap - 1);
  return slot;
}

// grow makes room for one more entry and leaves out what is gone. The journal follows its slots.
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
    if (!old[i].key || old[i].key == gone) continue;
    moved[i] = find(s, old[i].key, old[i].key_len);
    slots[moved[i]] = old[i];
    s->used++;
  }
  for (size_t i = 0; i < s->undo_len; i++) s->undo[i].slot = moved[s->undo[i].slot];
  free(old);
  free(moved);
  return true;
}

// room_to_undo makes room for one more entry of the journal.
static bool room_to_undo(woe_state *s) {
  if (s->undo_len < s->undo_cap) return true;
  size_t cap = s->undo_cap ? s->undo_cap * 2 : 8;
  woe_undo *undo = realloc(s->undo, cap * sizeof *undo);
  if (!undo) return false;
  s->undo = undo;
  s->undo_cap = cap;
  return true;
}

// release takes the value out of slot: the first time in a transaction into the journal, later for good.
static void release(woe_state *s, size_t slot) {
  woe_entry *e = &s->slots[slot];
  if (e->journaled) {
    free(e->value);
    return;
  }
  s->undo[s->undo_len++] = (woe_undo){slot, e->value, e->len};
  s->journal_bytes += (int64_t)e->key_len + e->len + WOE_ENTRY_COST;
  e->journaled = true;
}

// settle ends the part of slot in a transaction. A key without a value is given up here and not when it is deleted:
// until then the journal needs it.
static void settle(woe_state *s, size_t slot) {
  woe_entry *e = &s->slots[slot];
  e->journaled = false;
  if (e->value) return;
  free(e->key);
  e->key = gone;
  e->key_len = 0;
}

static int64_t cost(const woe_entry *e) { return e->value ? (int64_t)e->key_len + e->len + WOE_ENTRY_COST : 0; }

int32_t woe_state_get(const woe_state *s, const uint8_t *key, uint32_t key_len, uint8_t *out, uint32_t cap) {
  if (!s->cap || key_len > s->bytes) return -1; // a longer key is not worth hashing
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
  if (added > s->limit || s->journal_bytes + added > 2 * s->limit || !grow(s) || !room_to_undo(s)) return false;
  size_t slot = find(s, key, key_len);
  woe_entry *e = &s->slots[slot];
  int64_t bytes = s->bytes - cost(e) + added;
  if (bytes > s->limit) return false;
  uint8_t *copy = malloc((size_t)len + 1), *name = e->key ? e->key : malloc((size_t)key_len + 1);
  if (!copy || !name) {
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
  s->live += e->value == NULL;
  release(s, slot);
  e->value = copy;
  e->len = len;
  s->bytes = bytes;
  return true;
}

// woe_state_load keeps what an earlier instance stored, also where the quota has become smaller since: nothing is lost
// by that, but nothing can be set until enough is deleted.
bool woe_state_load(woe_state *s, const uint8_t *key, uint32_t key_len, const uint8_t *value, uint32_t len) {
  int64_t limit = s->limit;
  s->limit = INT64_MAX / 4;
  bool kept = woe_state_set(s, key, key_len, value, len);
  s->limit = limit;
  if (kept) woe_state_commit(s);
  return kept;
}

// woe_state_delete reports false where the host has no memory to note it.
bool woe_state_delete(woe_state *s, const uint8_t *key, uint32_t key_len) {
  if (!s->cap || key_len > s->bytes) return true;
  size_t slot = find(s, key, key_len);
  woe_entry *e = &s->slots[slot];
  if (!e->key || !e->value) return true;
  if (!room_to_undo(s)) return false;
  s->bytes -= cost(e);
  s->live--;
  release(s, slot);
  e->value = NULL;
  e->len = 0;
  return true;
}

// woe_state_record appends what the transaction changed, as it stands now, for Go to keep: all of it or, where the host
// has no memory, nothing.
bool woe_state_record(const woe_state *s, woe_buffer *out) {
  size_t bytes = 0;
  for (size_t i = 0; i < s->undo_len; i++) {
    const woe_entry *e = &s->slots[s->undo[i].slot];
    bytes += 12 + (size_t)e->key_len + e->len;
  }
  if (!woe_reserve(out, bytes)) return false;
  for (size_t i = 0; i < s->undo_len; i++) {
    const woe_entry *e = &s->slots[s->undo[i].slot];
    woe_append_u32(out, e->value ? WOE_STATE_SET : WOE_STATE_DELETE);
    woe_append_u32(out, e->key_len);
    woe_append_u32(out, e->len);
    woe_append(out, e->key, e->key_len);
    woe_append(out, e->value, e->len);
  }
  return true;
}

void woe_state_commit(woe_state *s) {
  for (size_t i = 0; i < s->undo_len; i++) {
    free(s->undo[i].value);
    settle(s, s->undo[i].slot);
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
    s->bytes += cost(e);
    s->live += e->value != NULL;
    settle(s, u->slot);
  }
  s->journal_bytes = 0;
}

void woe_state_free(woe_state *s) {
  woe_state_rollback(s);
  for (size_t i = 0; i < s->cap; i++) {
    if (s->slots[i].key != gone) free(s->slots[i].key);
    free(s->slots[i].value);
  }
  free(s->slots);
  free(s->undo);
}
