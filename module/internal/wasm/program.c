// What every run of a WASI command is.

#include "program.h"

#include <stdlib.h>
#include <string.h>

// woe_program_new makes a new instance one of a WASI command, in which nothing runs yet.
bool woe_program_new(woe_instance *i, wasm_engine_t *engine, wasmtime_linker_t *linker, wasmtime_module_t *compiled,
                     const char *name) {
  woe_program *p = calloc(1, sizeof *p);
  if (!p) return false;
  i->program = p;
  i->on_message = woe_command_message;
  i->on_timer = woe_command_timer;
  p->engine = engine;
  p->name = strdup(name);
  p->prepared = woe_prepare(linker, compiled, &i->detail);
  return p->name && p->prepared;
}

void woe_program_delete(woe_program *p) {
  if (p->service) woe_service_delete(p->service);
  if (p->prepared) wasmtime_instance_pre_delete(p->prepared);
  free(p->output.data);
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
  if (!i->has_memory || !woe_lookup(i, &handle, "_start", WOE_EXTERN_FUNC, &e))
    return woe_broken(i, "it lacks an export of a WASI command");
  wasmtime_val_raw_t none = {0};
  return woe_call(i, &e.of.func, &none, 1);
}
