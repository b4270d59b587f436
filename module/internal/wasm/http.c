// The functions of wasi_experimental_http. They are answered in Go, which has the network; here the time that a guest waits
// is taken off the time of its call.

#include "program.h"
#include "_cgo_export.h"

enum { REQUEST, CLOSE, BODY_READ, HEADER_GET, HEADERS_GET_ALL, NO_MEMORY_CODE = 2, CALLED_OFF = -1, ARGUMENTS_MAX = 10 };

static int32_t answer(woe_instance *i, int32_t function, uint32_t *arguments) {
  woe_memory memory = woe_guest_memory(i);
  if (!i->has_memory) return NO_MEMORY_CODE;
  return woeHTTP(i->host, function, arguments, memory.data, memory.size);
}

// wait_for_answer has a request sent. Neither that it waits, nor what the host does meanwhile on this thread, is the guest's
// computing.
static int32_t wait_for_answer(woe_instance *i, uint32_t *arguments) {
  int64_t wall = woe_now_ns(CLOCK_MONOTONIC), cpu = woe_now_ns(CLOCK_THREAD_CPUTIME_ID);
  woe_service *service = i->program ? i->program->service : NULL;
  if (service) woe_service_rest(service);
  int32_t code = answer(i, REQUEST, arguments);
  if (service) woe_service_work(service, code == CALLED_OFF);
  i->waited_ns += woe_now_ns(CLOCK_MONOTONIC) - wall;
  i->clock_cpu_ns += woe_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
  return code;
}

static wasm_trap_t *call(wasmtime_caller_t *caller, wasmtime_val_raw_t *v, int32_t function, size_t count) {
  woe_instance *i = woe_caller_instance(caller);
  uint32_t arguments[ARGUMENTS_MAX];
  for (size_t n = 0; n < count; n++) arguments[n] = (uint32_t)v[n].i32;
  int32_t code = function == REQUEST ? wait_for_answer(i, arguments) : answer(i, function, arguments);
  if (code == CALLED_OFF) {
    i->called_off = true;
    return woe_trap(i, "it was called off while it waited for an answer");
  }
  v[0].i32 = code;
  return NULL;
}

#define FUNCTION(name, function, count)                                                                              \
  static wasm_trap_t *name(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n) {                   \
    (void)env, (void)n;                                                                                              \
    return call(caller, v, function, count);                                                                         \
  }

FUNCTION(on_req, REQUEST, 10)
FUNCTION(on_close, CLOSE, 1)
FUNCTION(on_body_read, BODY_READ, 4)
FUNCTION(on_header_get, HEADER_GET, 6)
FUNCTION(on_headers_get_all, HEADERS_GET_ALL, 4)

wasmtime_error_t *woe_define_http(wasmtime_linker_t *linker) {
  static const struct {
    const char *name, *type;
    wasmtime_func_unchecked_callback_t function;
  } functions[] = {
      {"req", "iiiiiiiiii>i", on_req},        {"close", "i>i", on_close},
      {"body_read", "iiii>i", on_body_read},  {"header_get", "iiiiii>i", on_header_get},
      {"headers_get_all", "iiii>i", on_headers_get_all},
  };
  wasmtime_error_t *error = NULL;
  for (size_t n = 0; n < sizeof functions / sizeof *functions && !error; n++)
    error = woe_define(linker, "wasi_experimental_http", functions[n].name, functions[n].type, functions[n].function);
  return error;
}
