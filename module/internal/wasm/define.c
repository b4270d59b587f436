// How host functions are written down.

#include "host.h"

#include <string.h>

static wasm_valtype_t *value_type(char letter) {
  return wasm_valtype_new(letter == 'I' ? WASM_I64 : letter == 'F' ? WASM_F64 : WASM_I32);
}

// woe_define adds a host function whose type is written like "iiI>i": i32, i32, i64 → i32. F is f64.
wasmtime_error_t *woe_define(wasmtime_linker_t *linker, const char *module, const char *name, const char *type,
                             wasmtime_func_unchecked_callback_t function) {
  wasm_valtype_t *params[16], *results[1];
  size_t np = 0, nr = 0;
  for (; *type != '>'; type++) params[np++] = value_type(*type);
  for (type++; *type; type++) results[nr++] = value_type(*type);
  wasm_valtype_vec_t p, r;
  wasm_valtype_vec_new(&p, np, params);
  wasm_valtype_vec_new(&r, nr, results);
  wasm_functype_t *ft = wasm_functype_new(&p, &r);
  wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(linker, module, strlen(module), name, strlen(name),
                                                                  ft, function, NULL, NULL);
  wasm_functype_delete(ft);
  return error;
}
