// Guests whose host functions were described in WIT, in 2022: their entry, and what they import. Strings are passed as
// wit-bindgen did then, before components: a pointer and a length; what goes to the guest lies in room that its
// canonical_abi_realloc gives, and is the guest's. Of a string that a host function returns, pointer and length are stored
// where its last argument says.

#include "program.h"
#include "_cgo_export.h"

enum { LOGINFO, PUBLISH, SUBSCRIBE, READ, SEND };

// as_trap ends the caller with what ended the function that it called.
static wasm_trap_t *as_trap(wasmtime_error_t *error) {
  wasm_byte_vec_t text;
  wasmtime_error_message(error, &text);
  wasm_trap_t *trap = wasmtime_trap_new(text.data, text.size);
  wasm_byte_vec_delete(&text);
  wasmtime_error_delete(error);
  return trap;
}

static wasm_trap_t *breach(woe_instance *i, const char *text) {
  i->bad_pointer = true;
  return woe_trap(i, text);
}

// hand_in copies a text into room that the guest allocates for it.
static wasm_trap_t *hand_in(woe_instance *i, const wasmtime_func_t *allocate, const void *text, size_t len,
                            uint32_t *pointer) {
  wasmtime_val_raw_t v[4] = {{.i32 = 0}, {.i32 = 0}, {.i32 = 1}, {.i32 = (int32_t)len}};
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error = wasmtime_func_call_unchecked(i->context, allocate, v, 4, &trap);
  if (error) return as_trap(error);
  if (trap) return trap;
  *pointer = (uint32_t)v[0].i32;
  uint8_t *room = woe_guest_bytes(i, *pointer, (uint32_t)len);
  if (!room) return breach(i, "canonical_abi_realloc returned room outside the guest's memory");
  if (len) memcpy(room, text, len);
  return NULL;
}

// woe_init_call calls init with the path of the configuration file. What init took is its own.
woe_end woe_init_call(woe_instance *i, const wasmtime_instance_t *handle, const wasmtime_func_t *init) {
  const char *config = i->program->config ? i->program->config : "";
  wasmtime_extern_t allocate;
  uint32_t pointer;
  if (!woe_lookup(i, handle, "canonical_abi_realloc", WOE_EXTERN_FUNC, &allocate))
    return woe_broken(i, "it does not export canonical_abi_realloc");
  wasm_trap_t *trap = hand_in(i, &allocate.of.func, config, strlen(config), &pointer);
  if (trap) return woe_failure(i, NULL, trap);
  wasmtime_val_raw_t v[2] = {{.i32 = (int32_t)pointer}, {.i32 = (int32_t)strlen(config)}};
  return woe_call(i, init, v, 2);
}

// hand_back stores what the host function returns.
static wasm_trap_t *hand_back(woe_instance *i, wasmtime_caller_t *caller, const char *name, uint32_t result) {
  const woe_buffer *text = &i->program->output;
  wasmtime_extern_t allocate;
  uint32_t returned[2] = {0, (uint32_t)text->len};
  if (!wasmtime_caller_export_get(caller, "canonical_abi_realloc", 21, &allocate) || allocate.kind != WOE_EXTERN_FUNC)
    return breach(i, "it does not export canonical_abi_realloc");
  wasm_trap_t *trap = hand_in(i, &allocate.of.func, text->data, text->len, returned);
  if (trap) return trap;
  uint8_t *to = woe_guest_bytes(i, result, sizeof returned);
  if (!to) return woe_pointer_trap(i, name);
  memcpy(to, returned, sizeof returned); // little-endian, as both are
  return NULL;
}

// call checks the strings among the arguments, has Go do what is asked, and returns a string where there is one to return.
static wasm_trap_t *call(wasmtime_caller_t *caller, wasmtime_val_raw_t *v, const char *name, int32_t function,
                         int strings, bool returns) {
  woe_instance *i = woe_caller_instance(caller);
  woe_memory memory = woe_guest_memory(i);
  uint8_t *text[2] = {NULL};
  uint32_t len[2] = {0};
  for (int n = 0; n < strings; n++) {
    len[n] = (uint32_t)v[2 * n + 1].i32;
    text[n] = woe_bytes(memory, (uint32_t)v[2 * n].i32, len[n]);
    if (!text[n]) return woe_pointer_trap(i, name);
    if (!woe_utf8(text[n], len[n])) return breach(i, "invalid utf-8");
  }
  woe_service_rest(i->program->service);
  woe2022(i->program->host, function, text[0], len[0], text[1], len[1]);
  woe_service_work(i->program->service, false);
  return returns ? hand_back(i, caller, name, (uint32_t)v[2 * strings].i32) : NULL;
}

#define FUNCTION(name, function, strings, returns)                                                    \
  static wasm_trap_t *on_##name(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) { \
    (void)env, (void)n;                                                                               \
    return call(caller, v, #name, function, strings, returns);                                        \
  }

FUNCTION(loginfo, LOGINFO, 2, false)
FUNCTION(publish, PUBLISH, 2, false)
FUNCTION(subscribe, SUBSCRIBE, 1, true)
FUNCTION(read, READ, 1, true)
FUNCTION(sendout, SEND, 1, true)
FUNCTION(sendtelemetry, SEND, 1, true)

wasmtime_error_t *woe_define_2022(wasmtime_linker_t *linker) {
  static const struct {
    const char *module, *name, *type;
    wasmtime_func_unchecked_callback_t function;
  } functions[] = {
      {"hostobservability", "loginfo", "iiii>", on_loginfo},   {"hostobservability", "publish", "iiii>", on_publish},
      {"hostobservability", "subscribe", "iii>", on_subscribe}, {"hostobservability", "read", "iii>", on_read},
      {"wasmimports", "sendout", "iii>", on_sendout},           {"hostfunctions", "sendtelemetry", "iii>", on_sendtelemetry},
  };
  wasmtime_error_t *error = NULL;
  for (size_t n = 0; n < sizeof functions / sizeof *functions && !error; n++)
    error = woe_define(linker, functions[n].module, functions[n].name, functions[n].type, functions[n].function);
  return error;
}
