// What is used of Wasmtime's C API is declared here: cgo does not hand one package's include path to another. Shapes and
// meanings: the headers wasm.h and wasmtime/*.h of Wasmtime 39.

#include "loop.h"

#include <stdlib.h>
#include <string.h>

typedef struct wasm_config_t wasm_config_t;
typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasmtime_error wasmtime_error_t;
typedef struct wasmtime_store wasmtime_store_t;
typedef struct wasmtime_context wasmtime_context_t;
typedef struct wasmtime_module wasmtime_module_t;

typedef struct { uint64_t store_id; size_t index; } wasmtime_instance_t;
typedef struct { uint64_t store_id; void *pointer; } wasmtime_func_t;
typedef struct {
  struct { uint64_t store_id; uint32_t a; };
  uint32_t b;
} wasmtime_memory_t;
typedef union { int32_t i32; int64_t i64; uint8_t v128[16]; } __attribute__((aligned(8))) wasmtime_val_raw_t;
typedef struct { uint64_t store_id; uint32_t a, b, c; } wasmtime_global_t;

enum { EXTERN_FUNC = 0, EXTERN_MEMORY = 3 };
typedef struct {
  uint8_t kind;
  union { wasmtime_func_t func; wasmtime_memory_t memory; wasmtime_global_t global; } of;
} wasmtime_extern_t;

wasm_config_t *wasm_config_new(void);
void wasmtime_config_epoch_interruption_set(wasm_config_t *, bool);
wasm_engine_t *wasm_engine_new_with_config(wasm_config_t *);
void wasm_engine_delete(wasm_engine_t *);
wasmtime_store_t *wasmtime_store_new(wasm_engine_t *, void *data, void (*finalizer)(void *));
wasmtime_context_t *wasmtime_store_context(wasmtime_store_t *);
void wasmtime_store_delete(wasmtime_store_t *);
void wasmtime_context_set_epoch_deadline(wasmtime_context_t *, uint64_t ticks);
wasmtime_error_t *wasmtime_module_new(wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t **);
void wasmtime_module_delete(wasmtime_module_t *);
wasmtime_error_t *wasmtime_instance_new(wasmtime_context_t *, const wasmtime_module_t *, const wasmtime_extern_t *, size_t,
                                        wasmtime_instance_t *, wasm_trap_t **);
bool wasmtime_instance_export_get(wasmtime_context_t *, const wasmtime_instance_t *, const char *, size_t,
                                  wasmtime_extern_t *);
wasmtime_error_t *wasmtime_func_call_unchecked(wasmtime_context_t *, const wasmtime_func_t *, wasmtime_val_raw_t *,
                                               size_t, wasm_trap_t **);
uint8_t *wasmtime_memory_data(const wasmtime_context_t *, const wasmtime_memory_t *);

struct compare_loop {
  wasm_engine_t *engine;
  wasmtime_module_t *module;
  wasmtime_store_t *store;
  wasmtime_context_t *context;
  wasmtime_memory_t memory;
  wasmtime_func_t edge_alloc, edge_message, alloc, process;
  uint8_t out[COMPARE_OUT_MAX];
  size_t out_len;
};

static bool function(compare_loop *l, const wasmtime_instance_t *i, const char *name, wasmtime_func_t *found) {
  wasmtime_extern_t e;
  if (!wasmtime_instance_export_get(l->context, i, name, strlen(name), &e) || e.kind != EXTERN_FUNC) return false;
  *found = e.of.func;
  return true;
}

static bool set_up(compare_loop *l, const uint8_t *binary, size_t len) {
  wasm_config_t *config = wasm_config_new();
  wasmtime_config_epoch_interruption_set(config, true); // so that the guest's code is the same as elsewhere
  l->engine = wasm_engine_new_with_config(config);
  l->store = wasmtime_store_new(l->engine, NULL, NULL);
  l->context = wasmtime_store_context(l->store);
  wasmtime_context_set_epoch_deadline(l->context, UINT64_MAX / 2);
  wasmtime_instance_t i;
  wasm_trap_t *trap = NULL;
  if (wasmtime_module_new(l->engine, binary, len, &l->module)) return false;
  if (wasmtime_instance_new(l->context, l->module, NULL, 0, &i, &trap) || trap) return false;
  wasmtime_extern_t e;
  if (!wasmtime_instance_export_get(l->context, &i, "memory", 6, &e) || e.kind != EXTERN_MEMORY) return false;
  l->memory = e.of.memory;
  return function(l, &i, "edge_alloc", &l->edge_alloc) && function(l, &i, "edge_message", &l->edge_message) &&
         function(l, &i, "alloc", &l->alloc) && function(l, &i, "process", &l->process);
}

compare_loop *compare_loop_new(const uint8_t *binary, size_t len) {
  compare_loop *l = calloc(1, sizeof *l);
  if (l && set_up(l, binary, len)) return l;
  if (l) compare_loop_delete(l);
  return NULL;
}

void compare_loop_delete(compare_loop *l) {
  wasmtime_store_delete(l->store);
  if (l->module) wasmtime_module_delete(l->module);
  wasm_engine_delete(l->engine);
  free(l);
}

static bool call(compare_loop *l, const wasmtime_func_t *f, wasmtime_val_raw_t *values, size_t count) {
  wasm_trap_t *trap = NULL;
  return !wasmtime_func_call_unchecked(l->context, f, values, count, &trap) && !trap;
}

// hand_in allocates, copies the message and calls; what the guest returns is left in values.
static bool hand_in(compare_loop *l, const wasmtime_func_t *alloc, const wasmtime_func_t *f, const uint8_t *message,
                    size_t len, wasmtime_val_raw_t values[2]) {
  values[0].i32 = (int32_t)len;
  if (!call(l, alloc, values, 1)) return false;
  memcpy(wasmtime_memory_data(l->context, &l->memory) + (uint32_t)values[0].i32, message, len);
  values[1].i32 = (int32_t)len;
  return call(l, f, values, 2);
}

bool compare_loop_pass(compare_loop *l, const uint8_t *message, size_t len, size_t n) {
  wasmtime_val_raw_t values[2];
  while (n--)
    if (!hand_in(l, &l->edge_alloc, &l->edge_message, message, len, values) || values[0].i32 != 1) return false;
  return true;
}

bool compare_loop_process(compare_loop *l, const uint8_t *message, size_t len, size_t n) {
  wasmtime_val_raw_t values[2];
  while (n--) {
    if (!hand_in(l, &l->alloc, &l->process, message, len, values)) return false;
    uint64_t packed = (uint64_t)values[0].i64;
    l->out_len = (uint32_t)packed;
    if (l->out_len > COMPARE_OUT_MAX) return false;
    memcpy(l->out, wasmtime_memory_data(l->context, &l->memory) + (packed >> 32), l->out_len);
  }
  return true;
}

const uint8_t *compare_loop_output(const compare_loop *l, size_t *len) {
  *len = l->out_len;
  return l->out;
}
