// What the C files of this package share with each other and with Go. The C side exists so that a message
// costs one crossing: everything that a guest calls while it works is answered here, without Go.
//
// An instance belongs to one thread at a time. No Go pointer is kept here: input and properties are read
// during the call that brings them, and Go reads the buffers below between calls.

#ifndef WOE_HOST_H
#define WOE_HOST_H

#include "wasmtime.h"

#include <string.h>
#include <time.h>

// How a call ended. Go turns everything but WOE_OK into a typed error.
typedef enum {
  WOE_OK = 0,
  WOE_TRAP,      // the code trapped; detail holds message and backtrace
  WOE_EXIT,      // proc_exit; exit_code holds the code
  WOE_DEADLINE,  // it used up its time
  WOE_POINTER,   // it handed out a pointer or length outside its memory; detail says which
  WOE_NO_MEMORY, // edge_alloc returned 0
  WOE_CALLED_OFF, // it was called off while it waited
  WOE_HOST,      // the engine or the host could not do its part; detail says what
} woe_end;

enum { WOE_VERDICT_MAX = 2 }; // drop, pass, done; more is a breach of the ABI

typedef struct {
  uint8_t *data;
  size_t len, cap;
} woe_buffer;

// A guest's linear memory, until the guest runs again: memory.grow may move it.
typedef struct {
  uint8_t *data;
  size_t size;
} woe_memory;

// The records in an instance's effects buffer, each followed by lengths and bytes (see effects.go).
enum { WOE_EMIT = 1, WOE_STATE_SET = 2, WOE_STATE_DELETE = 3, WOE_METRIC = 4 };

// A guest's state: an open-addressing table of byte strings with a journal of what the call at hand replaced.
typedef struct {
  uint64_t seed[2]; // of the hash, so that a guest cannot choose keys that collide
  struct woe_entry *slots;
  size_t cap, used, live; // slots; slots ever used; entries
  int64_t bytes, limit;   // as counted against the quota
  int64_t journal_bytes;  // what the journal keeps alive, counted likewise
  struct woe_undo *undo;
  size_t undo_len, undo_cap;
} woe_state;

typedef struct {
  int64_t memory_bytes;
  int64_t table_elements;
  int64_t state_bytes;
  uint32_t emits;
  uint32_t emit_bytes;
} woe_limits;

// What all guests together may have open.
typedef struct {
  int64_t open, max; // files and directories in private directories; open is changed atomically
} woe_descriptors;

// A signal's private directory, which its instances share.
typedef struct {
  int fd;
  int64_t used; // bytes counted against the quota, changed atomically
  woe_descriptors *descriptors;
} woe_directory;

enum {
  WOE_DEPTH_MAX = 16,     // directories from the private one to a file
  WOE_ENTRY_BYTES = 4096, // what a file or directory counts besides its bytes: about what it takes of a disk
};

typedef struct woe_instance woe_instance;

struct woe_instance {
  wasmtime_store_t *store; // NULL: nothing runs
  wasmtime_context_t *context;
  wasmtime_memory_t memory;
  wasmtime_func_t alloc, message, configure, timer;
  bool has_memory, has_configure, has_timer;
  woe_limits limits;
  struct woe_program *program; // NULL for a guest of edge/1

  // How the ABI takes a message and a tick.
  woe_end (*on_message)(woe_instance *, const uint8_t *body, size_t len, const uint8_t *properties,
                        size_t properties_len, int64_t deadline_ns);
  woe_end (*on_timer)(woe_instance *, const uint8_t *properties, size_t properties_len, int64_t deadline_ns);

  // What WASI hands out: "NAME=value\0" after each other, owned.
  char *environment;
  size_t environment_len;
  uint32_t environment_count;

  woe_state state;
  struct woe_files *files; // NULL: none
  uintptr_t host;          // by which Go knows the instance; 0 unless its guest sends requests

  // The call at hand.
  const uint8_t *properties; // as encoded by Go: count, then per property two lengths and the bytes
  size_t properties_len;
  int64_t deadline_ns, began_ns, clock_cpu_ns, slept_ns;
  int64_t waited_ns; // for answers to its requests, which is no part of its deadline
  bool clock_started, deadline_hit, exited, bad_pointer, called_off;
  int32_t exit_code;
  uint32_t emits, metrics;
  uint64_t emitted_bytes;

  // What the call leaves behind for Go.
  int32_t verdict;
  woe_buffer effects, logs, reason, detail;
  woe_buffer lines[2]; // unfinished lines of stdout and stderr
  uint32_t logs_dropped;
  uint8_t trap_code;
  int64_t took_ns;
  size_t memory_bytes; // of the guest's linear memory
};

static inline int64_t woe_now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// engine.c
wasm_engine_t *woe_engine_new(size_t stack_bytes, uint64_t reservation, uint64_t growth);
wasmtime_linker_t *woe_linker_new(wasm_engine_t *, woe_buffer *detail);
bool woe_compile(wasm_engine_t *, const uint8_t *binary, size_t len, wasm_byte_vec_t *code, woe_buffer *detail);
wasmtime_module_t *woe_load(wasm_engine_t *, const char *path, woe_buffer *detail);
wasmtime_instance_pre_t *woe_prepare(wasmtime_linker_t *, wasmtime_module_t *, woe_buffer *detail);

// instance.c
woe_instance *woe_instance_new(const woe_limits *, const char *environment, size_t len);
void woe_instance_delete(woe_instance *);
bool woe_set_environment(woe_instance *, const char *environment, size_t len);
woe_end woe_start(woe_instance *, wasm_engine_t *, wasmtime_instance_pre_t *, int64_t deadline_ns);
woe_end woe_configure(woe_instance *, const uint8_t *document, size_t len, int64_t deadline_ns);
woe_end woe_message(woe_instance *, const uint8_t *body, size_t len, const uint8_t *properties, size_t properties_len,
                    int64_t deadline_ns);
woe_end woe_timer(woe_instance *, const uint8_t *properties, size_t properties_len, int64_t deadline_ns);
void woe_open(woe_instance *, wasm_engine_t *);
void woe_close(woe_instance *);
void woe_begin(woe_instance *, int64_t deadline_ns);
woe_end woe_call(woe_instance *, const wasmtime_func_t *, wasmtime_val_raw_t *, size_t count);
woe_end woe_finish(woe_instance *, woe_end);
woe_end woe_broken(woe_instance *, const char *reason);
bool woe_lookup(woe_instance *, const wasmtime_instance_t *, const char *name, uint8_t kind, wasmtime_extern_t *);

// program.c, command.c: WASI commands, and the guests of 2022
typedef enum { WOE_START, WOE_POST, WOE_INIT } woe_main; // _start, post_iot_message, init
bool woe_program_new(woe_instance *, wasm_engine_t *, wasmtime_linker_t *, wasmtime_module_t *, woe_main,
                     const char *name);
bool woe_program_set_config(woe_instance *, const char *path);
void woe_program_set_host(woe_instance *, uintptr_t host);
bool woe_program_answer(woe_instance *, const char *text, size_t len);

// service.c, pulse.c: those that run on their own
typedef struct woe_pulse woe_pulse;
typedef struct {
  int in, out, err;   // the guest's ends of pipes, which do not block
  int stop;           // an eventfd that can be read when the end was asked for
  uint32_t percent;   // of one processor
  uint32_t log_lines; // a minute
} woe_service_setup;
bool woe_service_new(woe_instance *, const woe_service_setup *, woe_pulse *);
woe_end woe_service_run(woe_instance *);
void woe_service_stop(woe_instance *);
size_t woe_service_memory(const woe_instance *);
uint64_t woe_service_logs_dropped(const woe_instance *);
woe_pulse *woe_pulse_new(int event);
void woe_pulse_delete(woe_pulse *);
uint32_t woe_pulse_working(const woe_pulse *);

// define.c
wasmtime_error_t *woe_define(wasmtime_linker_t *, const char *module, const char *name, const char *type,
                             wasmtime_func_unchecked_callback_t);

// buffer.c
bool woe_grow(woe_buffer *, size_t);

// woe_reserve makes room for len more bytes. A record is reserved as a whole before its first byte is written, so that
// Go never reads half of one.
static inline bool woe_reserve(woe_buffer *b, size_t len) { return b->cap - b->len >= len || woe_grow(b, len); }

static inline bool woe_append(woe_buffer *b, const void *data, size_t len) {
  if (!woe_reserve(b, len)) return false;
  if (len) memcpy(b->data + b->len, data, len);
  b->len += len;
  return true;
}

static inline bool woe_append_u32(woe_buffer *b, uint32_t v) { return woe_append(b, &v, sizeof v); }

// memory.c
void woe_log(woe_instance *, uint32_t level, const uint8_t *text, size_t len);
woe_memory woe_guest_memory(woe_instance *);
uint8_t *woe_bytes(woe_memory, uint32_t pointer, uint32_t len);
uint8_t *woe_guest_bytes(woe_instance *, uint32_t pointer, uint32_t len);
bool woe_utf8(const uint8_t *text, size_t len);
wasm_trap_t *woe_pointer_trap(woe_instance *, const char *function);
woe_instance *woe_caller_instance(wasmtime_caller_t *);

// failure.c
wasm_trap_t *woe_trap(woe_instance *, const char *text);
woe_end woe_failure(woe_instance *, wasmtime_error_t *, wasm_trap_t *);
void woe_error_text(woe_buffer *, wasmtime_error_t *);

// state.c
int32_t woe_state_get(const woe_state *, const uint8_t *key, uint32_t key_len, uint8_t *out, uint32_t cap);
bool woe_state_set(woe_state *, const uint8_t *key, uint32_t key_len, const uint8_t *value, uint32_t len);
bool woe_state_load(woe_state *, const uint8_t *key, uint32_t key_len, const uint8_t *value, uint32_t len);
bool woe_state_delete(woe_state *, const uint8_t *key, uint32_t key_len);
bool woe_state_record(const woe_state *, woe_buffer *out);
void woe_state_commit(woe_state *);
void woe_state_rollback(woe_state *);
void woe_state_free(woe_state *);

// files.c
bool woe_files_new(woe_instance *, woe_directory *);
void woe_files_close(woe_instance *); // those that the guest left open
void woe_files_delete(woe_instance *);

// edge1.c
int32_t woe_emit(woe_instance *, const uint8_t *output, uint32_t output_len, const uint8_t *body, uint32_t body_len,
                 const uint8_t *bag, uint32_t bag_len);
wasmtime_error_t *woe_define_edge1(wasmtime_linker_t *);

// http.c
wasmtime_error_t *woe_define_http(wasmtime_linker_t *);

// wit2022.c
wasmtime_error_t *woe_define_2022(wasmtime_linker_t *);

// wasi.c, environment.c, streams.c, poll.c, files_wasi.c, paths_wasi.c
void woe_flush_lines(woe_instance *);
wasmtime_error_t *woe_define_wasi(wasmtime_linker_t *);
wasmtime_error_t *woe_define_wasi_environment(wasmtime_linker_t *);
wasmtime_error_t *woe_define_wasi_streams(wasmtime_linker_t *);
wasmtime_error_t *woe_define_wasi_poll(wasmtime_linker_t *);
wasmtime_error_t *woe_define_wasi_files(wasmtime_linker_t *);
wasmtime_error_t *woe_define_wasi_paths(wasmtime_linker_t *);

#endif
