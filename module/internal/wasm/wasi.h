// What the files of WASI preview 1 share: error numbers, and how a function of it is written.
//
// Types and numbers: wasi_snapshot_preview1, witx definitions.

#ifndef WOE_WASI_H
#define WOE_WASI_H

#include "host.h"

#include <string.h>

enum {
  SUCCESS = 0,
  ACCES = 2,
  AGAIN = 6,
  BADF = 8,
  BUSY = 10,
  EXIST = 20,
  FAULT = 21,
  FBIG = 22,
  ILSEQ = 25,
  INVAL = 28,
  IO = 29,
  ISDIR = 31,
  LOOP = 32,
  MFILE = 33,
  NAMETOOLONG = 37,
  NFILE = 41,
  NOENT = 44,
  NOMEM = 48,
  NOSPC = 51,
  NOSYS = 52,
  NOTDIR = 54,
  NOTEMPTY = 55,
  NOTSUP = 58,
  OVERFLOW = 61,
  PERM = 63,
  ROFS = 69,
  SPIPE = 70,
  XDEV = 75,

  FILETYPE_UNKNOWN = 0,
  FILETYPE_CHARACTER_DEVICE = 2,
  FILETYPE_DIRECTORY = 3,
  FILETYPE_REGULAR_FILE = 4,
  FILETYPE_SYMBOLIC_LINK = 7,

  CLOCK_REAL = 0,
  CLOCK_MONO = 1,

  FDSTAT_SIZE = 24,
  WRITE_MAX = 1 << 16, // bytes of one read or write: it cannot keep the host long
  IOVECS_MAX = 1024,
};

#define WASI(name) static wasm_trap_t *name(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t n)
#define INSTANCE           \
  (void)env, (void)n;      \
  woe_instance *i = woe_caller_instance(caller)
#define ANSWER(errno_)     \
  do {                     \
    v[0].i32 = (errno_);   \
    return NULL;           \
  } while (0)

static inline uint32_t load32(const uint8_t *p) {
  uint32_t x;
  memcpy(&x, p, 4);
  return x;
}

static inline uint64_t load64(const uint8_t *p) {
  uint64_t x;
  memcpy(&x, p, 8);
  return x;
}

static inline bool store32(woe_instance *i, int32_t pointer, uint32_t value) {
  uint8_t *p = woe_guest_bytes(i, (uint32_t)pointer, 4);
  if (p) memcpy(p, &value, 4);
  return p != NULL;
}

static inline bool store64(woe_instance *i, int32_t pointer, uint64_t value) {
  uint8_t *p = woe_guest_bytes(i, (uint32_t)pointer, 8);
  if (p) memcpy(p, &value, 8);
  return p != NULL;
}

// A function of WASI as its table has it; woe_define says how types are written.
typedef struct {
  const char *name, *type;
  wasmtime_func_unchecked_callback_t function;
} woe_wasi_function;

wasmtime_error_t *woe_define_wasi_table(wasmtime_linker_t *, const woe_wasi_function *, size_t count);

// The functions of open files (files_wasi.c), where fd is none of the standard streams. v are the arguments of the
// function of WASI; they return its error number.
int32_t woe_file_write(woe_instance *, const wasmtime_val_raw_t *v);
int32_t woe_file_read(woe_instance *, const wasmtime_val_raw_t *v);
int32_t woe_file_seek(woe_instance *, const wasmtime_val_raw_t *v);
int32_t woe_file_tell(woe_instance *, const wasmtime_val_raw_t *v);
int32_t woe_file_fdstat(woe_instance *, const wasmtime_val_raw_t *v);
int32_t woe_file_set_flags(woe_instance *, const wasmtime_val_raw_t *v);

#endif
