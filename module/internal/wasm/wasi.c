// WASI preview 1, as far as a guest has a claim to it: here clocks, random numbers and an end by proc_exit; further files
// have the rest. There are no sockets; what concerns them answers as on a system that has none.

#include "wasi.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

enum { RANDOM_MAX = 1 << 20 };

WASI(clock_res_get) {
  INSTANCE;
  if (v[0].i32 != CLOCK_REAL && v[0].i32 != CLOCK_MONO) ANSWER(INVAL);
  ANSWER(store64(i, v[1].i32, 1) ? SUCCESS : FAULT);
}

WASI(clock_time_get) {
  INSTANCE;
  if (v[0].i32 != CLOCK_REAL && v[0].i32 != CLOCK_MONO) ANSWER(INVAL);
  uint64_t now = woe_now_ns(v[0].i32 == CLOCK_REAL ? CLOCK_REALTIME : CLOCK_MONOTONIC);
  ANSWER(store64(i, v[2].i32, now) ? SUCCESS : FAULT);
}

WASI(random_get) {
  INSTANCE;
  uint32_t len = (uint32_t)v[1].i32;
  uint8_t *p = woe_guest_bytes(i, (uint32_t)v[0].i32, len);
  if (!p) ANSWER(FAULT);
  if (len > RANDOM_MAX) ANSWER(INVAL);
  for (uint32_t done = 0; done < len;) {
    ssize_t got = getrandom(p + done, len - done, 0);
    if (got > 0) done += (uint32_t)got;
    else if (errno != EINTR) ANSWER(IO);
  }
  ANSWER(SUCCESS);
}

WASI(sched_yield_) {
  (void)env, (void)caller, (void)n;
  ANSWER(SUCCESS);
}

WASI(proc_exit) {
  INSTANCE;
  char text[40];
  i->exited = true;
  i->exit_code = v[0].i32;
  snprintf(text, sizeof text, "exit code %d", v[0].i32);
  return woe_trap(i, text);
}

WASI(fd_seek) {
  INSTANCE;
  ANSWER((uint32_t)v[0].i32 <= 2 ? SPIPE : woe_file_seek(i, v));
}

WASI(fd_tell) {
  INSTANCE;
  ANSWER((uint32_t)v[0].i32 <= 2 ? SPIPE : woe_file_tell(i, v));
}

WASI(not_offered) {
  (void)env, (void)caller, (void)n;
  ANSWER(NOSYS);
}

wasmtime_error_t *woe_define_wasi_table(wasmtime_linker_t *linker, const woe_wasi_function *functions, size_t count) {
  wasmtime_error_t *error = NULL;
  for (size_t n = 0; n < count && !error; n++)
    error = woe_define(linker, "wasi_snapshot_preview1", functions[n].name, functions[n].type, functions[n].function);
  return error;
}

wasmtime_error_t *woe_define_wasi(wasmtime_linker_t *linker) {
  static const woe_wasi_function functions[] = {
      {"clock_res_get", "ii>i", clock_res_get},
      {"clock_time_get", "iIi>i", clock_time_get},
      {"random_get", "ii>i", random_get},
      {"sched_yield", ">i", sched_yield_},
      {"proc_exit", "i>", proc_exit},
      {"proc_raise", "i>i", not_offered},
      {"fd_seek", "iIii>i", fd_seek},
      {"fd_tell", "ii>i", fd_tell},
      {"sock_accept", "iii>i", not_offered},
      {"sock_recv", "iiiiii>i", not_offered},
      {"sock_send", "iiiii>i", not_offered},
      {"sock_shutdown", "ii>i", not_offered},
  };
  return woe_define_wasi_table(linker, functions, sizeof functions / sizeof *functions);
}
