// Engines, linkers and compiled guests.

#include "host.h"

enum { SMALL_GUARD = 64 << 10 }; // bytes on either side of a small guest's memory

// What no ABI here needs is off: each proposal is code in the engine that a hostile guest could reach.
wasm_engine_t *woe_engine_new(size_t stack_bytes, uint64_t reservation, uint64_t growth) {
  wasm_config_t *config = wasm_config_new();
  wasmtime_config_epoch_interruption_set(config, true);
  wasmtime_config_max_wasm_stack_set(config, stack_bytes);
  if (reservation) {
    wasmtime_config_memory_reservation_set(config, reservation);
    wasmtime_config_memory_reservation_for_growth_set(config, growth);
    wasmtime_config_memory_guard_size_set(config, SMALL_GUARD);
  }
  wasmtime_config_native_unwind_info_set(config, false); // for native debuggers; costs every compile and load
  wasmtime_config_wasm_threads_set(config, false);
  wasmtime_config_wasm_tail_call_set(config, false);
  wasmtime_config_wasm_function_references_set(config, false);
  wasmtime_config_wasm_gc_set(config, false);
  wasmtime_config_wasm_relaxed_simd_set(config, false);
  wasmtime_config_wasm_multi_memory_set(config, false);
  wasmtime_config_wasm_memory64_set(config, false);
  wasmtime_config_wasm_component_model_set(config, false);
  wasmtime_config_wasm_exceptions_set(config, false);
  wasmtime_config_wasm_wide_arithmetic_set(config, false);
  wasmtime_config_wasm_custom_page_sizes_set(config, false);
  wasmtime_config_wasm_stack_switching_set(config, false);
  return wasm_engine_new_with_config(config);
}

// woe_linker_new returns a linker that offers everything a guest may import, or NULL with the reason in detail.
wasmtime_linker_t *woe_linker_new(wasm_engine_t *engine, woe_buffer *detail) {
  wasmtime_linker_t *linker = wasmtime_linker_new(engine);
  wasmtime_error_t *error = woe_define_edge1(linker);
  if (!error) error = woe_define_http(linker);
  if (!error) error = woe_define_2022(linker);
  if (!error) error = woe_define_wasi(linker);
  if (!error) error = woe_define_wasi_files(linker);
  if (!error) error = woe_define_wasi_paths(linker);
  if (!error) error = woe_define_wasi_environment(linker);
  if (!error) error = woe_define_wasi_streams(linker);
  if (!error) error = woe_define_wasi_poll(linker);
  if (!error) return linker;
  woe_error_text(detail, error);
  wasmtime_linker_delete(linker);
  return NULL;
}

// woe_compile makes machine code of a binary, which wasm_byte_vec_delete frees.
bool woe_compile(wasm_engine_t *engine, const uint8_t *binary, size_t len, wasm_byte_vec_t *code, woe_buffer *detail) {
  wasmtime_module_t *compiled = NULL;
  wasmtime_error_t *error = wasmtime_module_new(engine, binary, len, &compiled);
  if (!error) {
    error = wasmtime_module_serialize(compiled, code);
    wasmtime_module_delete(compiled);
  }
  if (error) woe_error_text(detail, error);
  return !error;
}

// woe_load maps machine code that woe_compile made for an engine of the same settings.
wasmtime_module_t *woe_load(wasm_engine_t *engine, const char *path, woe_buffer *detail) {
  wasmtime_module_t *compiled = NULL;
  wasmtime_error_t *error = wasmtime_module_deserialize_file(engine, path, &compiled);
  if (error) woe_error_text(detail, error);
  return error ? NULL : compiled;
}

// woe_prepare resolves a guest's imports once, for all its instances.
wasmtime_instance_pre_t *woe_prepare(wasmtime_linker_t *linker, wasmtime_module_t *compiled, woe_buffer *detail) {
  wasmtime_instance_pre_t *prepared = NULL;
  wasmtime_error_t *error = wasmtime_linker_instantiate_pre(linker, compiled, &prepared);
  if (error) woe_error_text(detail, error);
  return error ? NULL : prepared;
}
