// The life of an instance and the calls into it.

#include "program.h"

#include <stdlib.h>
#include <string.h>

static woe_end edge1_message(woe_instance *, const uint8_t *, size_t, const uint8_t *, size_t, int64_t);
static woe_end edge1_timer(woe_instance *, const uint8_t *, size_t, int64_t);

enum { WOE_WALL_FACTOR = 10 }; // a call may take this many times its deadline where it was merely not scheduled

// The epoch strikes every few milliseconds while calls run. The first strike in a call starts its clock (reading the
// thread's processor time is a system call, which most calls are too short to need); later ones compare.
static wasmtime_error_t *on_epoch(wasmtime_context_t *context, void *data, uint64_t *delta, uint8_t *kind) {
  (void)context;
  woe_instance *i = data;
  *delta = 1;
  *kind = 0; // go on
  if (i->program && i->program->service) return woe_service_strike(i);
  int64_t cpu = woe_now_ns(CLOCK_THREAD_CPUTIME_ID), wall = woe_now_ns(CLOCK_MONOTONIC);
  if (!i->clock_started) {
    i->clock_started = true;
    i->clock_cpu_ns = cpu;
  }
  if (cpu - i->clock_cpu_ns + i->slept_ns < i->deadline_ns && wall - i->began_ns - i->waited_ns < i->deadline_ns * WOE_WALL_FACTOR)
    return NULL;
  i->deadline_hit = true;
  return wasmtime_error_new("deadline");
}

woe_instance *woe_instance_new(const woe_limits *limits, const char *environment, size_t len) {
  woe_instance *i = calloc(1, sizeof *i);
  if (!i) return NULL;
  i->limits = *limits;
  i->state.limit = limits->state_bytes;
  i->on_message = edge1_message;
  i->on_timer = edge1_timer;
  if (woe_set_environment(i, environment, len)) return i;
  free(i);
  return NULL;
}

// woe_set_environment keeps a copy of what WASI hands out from now on.
bool woe_set_environment(woe_instance *i, const char *environment, size_t len) {
  char *copy = malloc(len + 1);
  if (!copy) return false;
  if (len) memcpy(copy, environment, len);
  free(i->environment);
  i->environment = copy;
  i->environment_len = len;
  i->environment_count = 0;
  for (size_t n = 0; n < len; n++) i->environment_count += environment[n] == '\0';
  return true;
}

// woe_open makes the store that a guest runs in.
void woe_open(woe_instance *i, wasm_engine_t *engine) {
  i->store = wasmtime_store_new(engine, i, NULL);
  i->context = wasmtime_store_context(i->store);
  wasmtime_store_limiter(i->store, i->limits.memory_bytes, i->limits.table_elements, 1, 4, 1);
  wasmtime_store_epoch_deadline_callback(i->store, on_epoch, i, NULL);
}

// woe_close drops the store and all that ran in it.
void woe_close(woe_instance *i) {
  if (!i->store) return;
  woe_files_close(i);
  wasmtime_store_delete(i->store);
  i->store = NULL;
  i->context = NULL;
  i->has_memory = false;
}

void woe_instance_delete(woe_instance *i) {
  woe_close(i);
  if (i->program) woe_program_delete(i->program);
  woe_state_free(&i->state);
  woe_files_delete(i);
  free(i->environment);
  free(i->effects.data);
  free(i->logs.data);
  free(i->reason.data);
  free(i->detail.data);
  free(i->lines[0].data);
  free(i->lines[1].data);
  free(i);
}

void woe_begin(woe_instance *i, int64_t deadline_ns) {
  i->began_ns = woe_now_ns(CLOCK_MONOTONIC);
  i->deadline_ns = deadline_ns;
  i->slept_ns = i->waited_ns = 0;
  i->clock_started = i->deadline_hit = i->exited = i->bad_pointer = i->called_off = false;
  i->emits = i->metrics = 0;
  i->emitted_bytes = 0;
  i->effects.len = i->logs.len = i->reason.len = i->detail.len = 0;
  i->logs_dropped = 0;
  wasmtime_context_set_epoch_deadline(i->context, 1);
}

// woe_broken ends a call for a reason that is not the engine's.
woe_end woe_broken(woe_instance *i, const char *reason) {
  i->detail.len = 0;
  woe_append(&i->detail, reason, strlen(reason));
  return WOE_HOST;
}

// woe_finish flushes unfinished output lines, settles the transaction and takes the measures of the call.
woe_end woe_finish(woe_instance *i, woe_end end) {
  woe_flush_lines(i);
  bool kept = end == WOE_OK && i->verdict >= 0 && i->verdict <= WOE_VERDICT_MAX;
  if (kept && !woe_state_record(&i->state, &i->effects)) {
    end = woe_broken(i, "the host has no memory left for the guest's state");
    kept = false;
  }
  if (kept) {
    woe_state_commit(&i->state);
  } else {
    woe_state_rollback(&i->state);
    i->effects.len = 0;
  }
  i->properties = NULL;
  i->properties_len = 0;
  i->memory_bytes = i->has_memory ? wasmtime_memory_data_size(i->context, &i->memory) : 0;
  i->took_ns = woe_now_ns(CLOCK_MONOTONIC) - i->began_ns;
  return end;
}

woe_end woe_call(woe_instance *i, const wasmtime_func_t *function, wasmtime_val_raw_t *values, size_t count) {
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error = wasmtime_func_call_unchecked(i->context, function, values, count, &trap);
  return error || trap ? woe_failure(i, error, trap) : WOE_OK;
}

// hand_in copies what the host passes to the guest into room that the guest allocates. Nothing needs no room.
static woe_end hand_in(woe_instance *i, const uint8_t *bytes, size_t len, uint32_t *pointer) {
  if (len > INT32_MAX) return woe_broken(i, "the message is too long for a guest");
  wasmtime_val_raw_t value = {.i32 = (int32_t)len};
  woe_end end = woe_call(i, &i->alloc, &value, 1);
  if (end != WOE_OK) return end;
  *pointer = (uint32_t)value.i32;
  if (*pointer == 0 && len) return WOE_NO_MEMORY;
  uint8_t *room = woe_guest_bytes(i, *pointer, (uint32_t)len);
  if (!room) {
    static const char text[] = "edge_alloc returned room outside the guest's memory";
    woe_append(&i->detail, text, sizeof text - 1);
    return WOE_POINTER;
  }
  if (len) memcpy(room, bytes, len);
  return WOE_OK;
}

static woe_end call_with(woe_instance *i, const wasmtime_func_t *function, const uint8_t *bytes, size_t len) {
  uint32_t pointer = 0;
  woe_end end = hand_in(i, bytes, len, &pointer);
  if (end != WOE_OK) return end;
  wasmtime_val_raw_t values[2] = {{.i32 = (int32_t)pointer}, {.i32 = (int32_t)len}};
  end = woe_call(i, function, values, 2);
  if (end == WOE_OK) i->verdict = values[0].i32;
  return end;
}

bool woe_lookup(woe_instance *i, const wasmtime_instance_t *handle, const char *name, uint8_t kind,
                wasmtime_extern_t *found) {
  return wasmtime_instance_export_get(i->context, handle, name, strlen(name), found) && found->kind == kind;
}

// woe_start instantiates the guest and runs its _initialize. The types of the exports were checked on the binary.
woe_end woe_start(woe_instance *i, wasm_engine_t *engine, wasmtime_instance_pre_t *prepared, int64_t deadline_ns) {
  woe_open(i, engine);
  woe_begin(i, deadline_ns);
  i->verdict = -1;
  wasmtime_instance_t handle;
  wasmtime_extern_t e;
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error = wasmtime_instance_pre_instantiate(prepared, i->context, &handle, &trap);
  if (error || trap) return woe_finish(i, woe_failure(i, error, trap));
  if ((i->has_memory = woe_lookup(i, &handle, "memory", WOE_EXTERN_MEMORY, &e))) i->memory = e.of.memory;
  if ((i->has_configure = woe_lookup(i, &handle, "edge_configure", WOE_EXTERN_FUNC, &e))) i->configure = e.of.func;
  if ((i->has_timer = woe_lookup(i, &handle, "edge_timer", WOE_EXTERN_FUNC, &e))) i->timer = e.of.func;
  bool has_alloc, has_message;
  if ((has_alloc = woe_lookup(i, &handle, "edge_alloc", WOE_EXTERN_FUNC, &e))) i->alloc = e.of.func;
  if ((has_message = woe_lookup(i, &handle, "edge_message", WOE_EXTERN_FUNC, &e))) i->message = e.of.func;
  if (!i->has_memory || !has_alloc || !has_message) return woe_finish(i, woe_broken(i, "it lacks an export of edge/1"));
  woe_end end = WOE_OK;
  if (woe_lookup(i, &handle, "_initialize", WOE_EXTERN_FUNC, &e)) {
    wasmtime_val_raw_t none = {0};
    end = woe_call(i, &e.of.func, &none, 1);
  }
  i->verdict = 0;
  return woe_finish(i, end);
}

woe_end woe_configure(woe_instance *i, const uint8_t *document, size_t len, int64_t deadline_ns) {
  woe_begin(i, deadline_ns);
  i->verdict = 0;
  woe_end end = i->has_configure ? call_with(i, &i->configure, document, len) : WOE_OK;
  if (i->verdict != 0) i->verdict = -1; // whatever is not 0 refuses
  return woe_finish(i, end);
}

static woe_end edge1_message(woe_instance *i, const uint8_t *body, size_t len, const uint8_t *properties,
                             size_t properties_len, int64_t deadline_ns) {
  woe_begin(i, deadline_ns);
  i->properties = properties;
  i->properties_len = properties_len;
  return woe_finish(i, call_with(i, &i->message, body, len));
}

static woe_end edge1_timer(woe_instance *i, const uint8_t *properties, size_t properties_len, int64_t deadline_ns) {
  woe_begin(i, deadline_ns);
  i->properties = properties;
  i->properties_len = properties_len;
  wasmtime_val_raw_t value = {0};
  woe_end end = i->has_timer ? woe_call(i, &i->timer, &value, 1) : woe_broken(i, "it does not export edge_timer () → i32");
  if (end == WOE_OK) i->verdict = value.i32;
  return woe_finish(i, end);
}

woe_end woe_message(woe_instance *i, const uint8_t *body, size_t len, const uint8_t *properties, size_t properties_len,
                    int64_t deadline_ns) {
  return i->on_message(i, body, len, properties, properties_len, deadline_ns);
}

woe_end woe_timer(woe_instance *i, const uint8_t *properties, size_t properties_len, int64_t deadline_ns) {
  return i->on_timer(i, properties, properties_len, deadline_ns);
}
