// What a guest is told at its start: arguments and environment of WASI preview 1. A guest of edge/1 has no arguments and
// the environment that its permissions grant. A program has one argument, its name, and further variables: what Go adds
// to the block (EDGE_SIGNAL, EDGE_SETTINGS) and the properties of the message at hand, as PROPERTY_ and their exact name.

#include "program.h"
#include "wasi.h"

static const char property_prefix[] = "PROPERTY_";
enum { PREFIX = sizeof property_prefix - 1 };

static const char *argument(const woe_instance *i) { return i->program ? i->program->name : NULL; }

WASI(args_sizes_get) {
  INSTANCE;
  const char *name = argument(i);
  uint32_t size = name ? (uint32_t)strlen(name) + 1 : 0;
  ANSWER(store32(i, v[0].i32, name != NULL) && store32(i, v[1].i32, size) ? SUCCESS : FAULT);
}

WASI(args_get) {
  INSTANCE;
  const char *name = argument(i);
  if (!name) ANSWER(SUCCESS);
  uint32_t size = (uint32_t)strlen(name) + 1;
  uint8_t *text = woe_guest_bytes(i, (uint32_t)v[1].i32, size);
  if (!text || !store32(i, v[0].i32, (uint32_t)v[1].i32)) ANSWER(FAULT);
  memcpy(text, name, size);
  ANSWER(SUCCESS);
}

typedef struct {
  const uint8_t *name, *value;
  uint32_t name_len, value_len;
} variable;

static bool holds(const uint8_t *text, uint32_t len, char c) { return len && memchr(text, c, len); }

// next_property returns the next property that can be a variable: NUL would end it, and '=' in its name would make it
// another's value.
static bool next_property(const woe_instance *i, size_t *at, variable *p) {
  while (i->program && *at + 8 <= i->properties_len) {
    memcpy(&p->name_len, i->properties + *at, 4);
    memcpy(&p->value_len, i->properties + *at + 4, 4);
    p->name = i->properties + *at + 8;
    p->value = p->name + p->name_len;
    *at += 8 + (size_t)p->name_len + p->value_len;
    if (!holds(p->name, p->name_len, '\0') && !holds(p->name, p->name_len, '=') && !holds(p->value, p->value_len, '\0'))
      return true;
  }
  return false;
}

static size_t variable_size(const variable *p) { return PREFIX + (size_t)p->name_len + 1 + p->value_len + 1; }

static void measure(const woe_instance *i, uint32_t *count, size_t *size) {
  variable p;
  *count = i->environment_count;
  *size = i->environment_len;
  for (size_t at = 0; next_property(i, &at, &p); (*count)++) *size += variable_size(&p);
}

WASI(environ_sizes_get) {
  INSTANCE;
  uint32_t count;
  size_t size;
  measure(i, &count, &size);
  if (size > INT32_MAX) ANSWER(OVERFLOW);
  ANSWER(store32(i, v[0].i32, count) && store32(i, v[1].i32, (uint32_t)size) ? SUCCESS : FAULT);
}

// cursor is where in the guest's memory the next variable goes. Nothing is read back: the two may overlap.
typedef struct {
  uint8_t *pointers, *text;
  uint32_t address; // of text, as the guest sees it
} cursor;

static void next_variable(cursor *c, size_t size) {
  memcpy(c->pointers, &c->address, 4);
  c->pointers += 4;
  c->address += (uint32_t)size;
}

static void put(cursor *c, const void *bytes, size_t len) {
  if (len) memcpy(c->text, bytes, len);
  c->text += len;
}

static void put_property(cursor *c, const variable *p) {
  next_variable(c, variable_size(p));
  put(c, property_prefix, PREFIX);
  put(c, p->name, p->name_len);
  put(c, "=", 1);
  put(c, p->value, p->value_len);
  put(c, "", 1);
}

WASI(environ_get) {
  INSTANCE;
  uint32_t count;
  size_t size;
  measure(i, &count, &size);
  if (size > INT32_MAX) ANSWER(OVERFLOW);
  cursor c = {.pointers = woe_guest_bytes(i, (uint32_t)v[0].i32, count * 4),
              .text = woe_guest_bytes(i, (uint32_t)v[1].i32, (uint32_t)size),
              .address = (uint32_t)v[1].i32};
  if (!c.pointers || !c.text) ANSWER(FAULT);
  for (size_t at = 0, len; at < i->environment_len; at += len) {
    len = strlen(i->environment + at) + 1;
    next_variable(&c, len);
    put(&c, i->environment + at, len);
  }
  variable p;
  for (size_t at = 0; next_property(i, &at, &p);) put_property(&c, &p);
  ANSWER(SUCCESS);
}

wasmtime_error_t *woe_define_wasi_environment(wasmtime_linker_t *linker) {
  static const woe_wasi_function functions[] = {
      {"args_get", "ii>i", args_get},
      {"args_sizes_get", "ii>i", args_sizes_get},
      {"environ_get", "ii>i", environ_get},
      {"environ_sizes_get", "ii>i", environ_sizes_get},
  };
  return woe_define_wasi_table(linker, functions, sizeof functions / sizeof *functions);
}
