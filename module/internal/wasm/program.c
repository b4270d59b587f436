// What every run of a program is.

#include "program.h"

#include <stdlib.h>
#include <string.h>

static const char *const entries[] = {[WOE_START] = "_start", [WOE_POST] = "post_iot_message", [WOE_INIT] = "init"};

// woe_program_new makes a new instance one of a program, in which nothing runs yet.
bool woe_program_new(woe_instance *i, wasm_engine_t *engine, wasmtime_linker_t *linker, wasmtime_module_t *compiled,
                     woe_main entry, const char *name) {
  woe_program *p = calloc(1, sizeof *p);
  if (!p) return false;
  i->program = p;
  i->on_message = woe_command_message;
  i->on_timer = woe_command_timer;
  p->engine = engine;
  p->entry = entry;
  p->name = strdup(name);
  p->prepared = woe_prepare(linker, compiled, &i->detail);
  return p->name && p->prepared;
}

void woe_program_delete(woe_program *p) {
  if (p->service) woe_service_delete(p->service);
  if (p->prepared) wasmtime_instance_pre_delete(p->prepared);
  free(p->output.data);
  free(p->config);
  free(p->name);
  free(p);
}

// woe_program_start instantiates the program in a store that is open, and runs it to its end.
woe_end woe_program_start(woe_instance *i) {
  wasmtime_instance_t handle;
  wasmtime_extern_t e;
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error = wasmtime_instance_pre_instantiate(i->program->prepared, i->context, &handle, &trap);
  if (error || trap) return woe_failure(i, error, trap);
  if ((i->has_memory = woe_lookup(i, &handle, "memory", WOE_EXTERN_MEMORY, &e))) i->memory = e.of.memory;
  const char *entry = entries[i->program->entry];
  if (!i->has_memory || !woe_lookup(i, &handle, entry, WOE_EXTERN_FUNC, &e))
    return woe_broken(i, "it lacks an export of a program");
  wasmtime_val_raw_t none = {0}; // a number too, which the oldest post_iot_message takes
  wasmtime_extern_t initialize;
  if (i->program->entry != WOE_START && woe_lookup(i, &handle, "_initialize", WOE_EXTERN_FUNC, &initialize)) {
    woe_end end = woe_call(i, &initialize.of.func, &none, 1);
    if (end != WOE_OK) return end;
  }
  if (i->program->entry == WOE_INIT) return woe_init_call(i, &handle, &e.of.func);
  return woe_call(i, &e.of.func, &none, 1);
}

// woe_program_set_config keeps what init is told of the configuration file.
bool woe_program_set_config(woe_instance *i, const char *path) {
  free(i->program->config);
  i->program->config = strdup(path);
  return i->program->config != NULL;
}

void woe_program_set_host(woe_instance *i, uintptr_t host) { i->program->host = host; }

// woe_program_answer takes what the host function at hand returns.
bool woe_program_answer(woe_instance *i, const char *text, size_t len) {
  i->program->output.len = 0;
  return woe_append(&i->program->output, text, len);
}
