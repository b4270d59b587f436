// WASI preview 1, as far as a guest has a claim to it: clocks, random numbers, the environment that its permissions
// grant, standard output as log lines, an end by proc_exit; files are in files_wasi.c. There are no arguments and no
// sockets; what concerns them answers as on a system that has none. All of it obeys the deadline of the call.

#include "wasi.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

enum {
  CLOCK_REAL = 0,
  CLOCK_MONO = 1,
  EVENT_CLOCK = 0,
  SUBSCRIPTION_SIZE = 48,
  EVENT_SIZE = 32,
  SUBSCRIPTIONS_MAX = 64,
  RANDOM_MAX = 1 << 20,
  LINE_MAX_BYTES = 1024,
};

static uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

WASI(args_sizes_get) {
  INSTANCE;
  ANSWER(store32(i, v[0].i32, 0) && store32(i, v[1].i32, 0) ? SUCCESS : FAULT);
}

WASI(args_get) {
  (void)env, (void)caller, (void)n;
  ANSWER(SUCCESS);
}

WASI(environ_sizes_get) {
  INSTANCE;
  ANSWER(store32(i, v[0].i32, i->environment_count) && store32(i, v[1].i32, (uint32_t)i->environment_len) ? SUCCESS : FAULT);
}

WASI(environ_get) {
  INSTANCE;
  uint32_t pointers = (uint32_t)v[0].i32, text = (uint32_t)v[1].i32;
  uint8_t *p = woe_guest_bytes(i, pointers, i->environment_count * 4);
  uint8_t *t = woe_guest_bytes(i, text, (uint32_t)i->environment_len);
  if (!p || !t) ANSWER(FAULT);
  memcpy(t, i->environment, i->environment_len);
  for (size_t at = 0, k = 0; at < i->environment_len; at += strlen(i->environment + at) + 1, k++) {
    uint32_t address = text + (uint32_t)at;
    memcpy(p + 4 * k, &address, 4);
  }
  ANSWER(SUCCESS);
}

WASI(clock_res_get) {
  INSTANCE;
  if (v[0].i32 != CLOCK_REAL && v[0].i32 != CLOCK_MONO) ANSWER(INVAL);
  ANSWER(store64(i, v[1].i32, 1) ? SUCCESS : FAULT);
}

WASI(clock_time_get) {
  INSTANCE;
  if (v[0].i32 != CLOCK_REAL && v[0].i32 != CLOCK_MONO) ANSWER(INVAL);
  uint64_t now = clock_ns(v[0].i32 == CLOCK_REAL ? CLOCK_REALTIME : CLOCK_MONOTONIC);
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

// write_lines appends to the unfinished line of stream and logs each that is complete. Long ones are cut into pieces.
static void write_lines(woe_instance *i, int stream, const uint8_t *text, size_t len) {
  woe_buffer *line = &i->lines[stream];
  for (size_t at = 0; at < len; at++) {
    if (text[at] != '\n') woe_append(line, text + at, 1);
    if (text[at] != '\n' && line->len < LINE_MAX_BYTES) continue;
    if (line->len) woe_log(i, stream ? 3 : 2, line->data, line->len);
    line->len = 0;
  }
}

WASI(fd_write) {
  INSTANCE;
  uint32_t fd = (uint32_t)v[0].i32, count = (uint32_t)v[2].i32, written = 0;
  if (fd > 2) ANSWER(woe_file_write(i, v));
  if (fd == 0) ANSWER(BADF);
  if (count > IOVECS_MAX) ANSWER(INVAL);
  const uint8_t *vectors = woe_guest_bytes(i, (uint32_t)v[1].i32, count * 8);
  if (!vectors) ANSWER(FAULT);
  for (uint32_t k = 0; k < count && written < WRITE_MAX; k++) {
    uint32_t len = load32(vectors + 8 * k + 4);
    const uint8_t *text = woe_guest_bytes(i, load32(vectors + 8 * k), len);
    if (!text) ANSWER(FAULT);
    if (len > WRITE_MAX - written) len = WRITE_MAX - written; // a short write: one call cannot keep the host long
    write_lines(i, fd == 2, text, len);
    written += len;
  }
  ANSWER(store32(i, v[3].i32, written) ? SUCCESS : FAULT);
}

WASI(fd_read) { // standard input is at its end
  INSTANCE;
  if ((uint32_t)v[0].i32 > 2) ANSWER(woe_file_read(i, v));
  if (v[0].i32 != 0) ANSWER(BADF);
  ANSWER(store32(i, v[3].i32, 0) ? SUCCESS : FAULT);
}

WASI(fd_seek) {
  INSTANCE;
  ANSWER((uint32_t)v[0].i32 <= 2 ? SPIPE : woe_file_seek(i, v));
}

WASI(fd_tell) {
  INSTANCE;
  ANSWER((uint32_t)v[0].i32 <= 2 ? SPIPE : woe_file_tell(i, v));
}

WASI(fd_fdstat_get) {
  INSTANCE;
  if ((uint32_t)v[0].i32 > 2) ANSWER(woe_file_fdstat(i, v));
  uint8_t *p = woe_guest_bytes(i, (uint32_t)v[1].i32, FDSTAT_SIZE);
  if (!p) ANSWER(FAULT);
  memset(p, 0, FDSTAT_SIZE);
  p[0] = FILETYPE_CHARACTER_DEVICE;
  memset(p + 8, 0xff, 8); // rights: nobody looks
  ANSWER(SUCCESS);
}

WASI(fd_fdstat_set_flags) {
  INSTANCE;
  ANSWER((uint32_t)v[0].i32 <= 2 ? SUCCESS : woe_file_set_flags(i, v));
}

WASI(not_offered) {
  (void)env, (void)caller, (void)n;
  ANSWER(NOSYS);
}

// wait_of returns how long the subscription at s wants to wait, in nanoseconds; what is no clock is ready at once.
static uint64_t wait_of(const uint8_t *s) {
  if (s[8] != EVENT_CLOCK) return 0;
  uint64_t timeout = load64(s + 24);
  bool absolute = s[40] & 1;
  if (!absolute) return timeout;
  uint64_t now = clock_ns(load32(s + 16) == CLOCK_REAL ? CLOCK_REALTIME : CLOCK_MONOTONIC);
  return timeout > now ? timeout - now : 0;
}

// A sleep uses up the deadline as work does: it is cut at what is left of it, and then the call ends.
static bool sleep_within_deadline(woe_instance *i, uint64_t wait) {
  int64_t left = i->deadline_ns - i->slept_ns;
  bool enough = left > 0 && wait < (uint64_t)left;
  uint64_t ns = enough ? wait : left > 0 ? (uint64_t)left : 0;
  struct timespec rest = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  while (nanosleep(&rest, &rest)) {} // signals of the Go runtime interrupt it
  i->slept_ns += (int64_t)ns;
  i->deadline_hit = !enough;
  return enough;
}

WASI(poll_oneoff) {
  INSTANCE;
  uint32_t in = (uint32_t)v[0].i32, out = (uint32_t)v[1].i32, count = (uint32_t)v[2].i32, ready = 0;
  if (count == 0 || count > SUBSCRIPTIONS_MAX) ANSWER(INVAL);
  const uint8_t *s = woe_guest_bytes(i, in, count * SUBSCRIPTION_SIZE);
  uint8_t *e = woe_guest_bytes(i, out, count * EVENT_SIZE);
  if (!s || !e) ANSWER(FAULT);
  uint64_t waits[SUBSCRIPTIONS_MAX], least = UINT64_MAX;
  for (uint32_t k = 0; k < count; k++) {
    waits[k] = wait_of(s + k * SUBSCRIPTION_SIZE);
    if (waits[k] < least) least = waits[k];
  }
  if (least > 0 && !sleep_within_deadline(i, least)) return woe_trap(i, "deadline");
  for (uint32_t k = 0; k < count; k++) {
    if (waits[k] > least) continue;
    uint8_t event[EVENT_SIZE] = {0};
    memcpy(event, s + k * SUBSCRIPTION_SIZE, 8); // userdata
    event[10] = s[k * SUBSCRIPTION_SIZE + 8];
    memcpy(e + EVENT_SIZE * ready++, event, EVENT_SIZE);
  }
  ANSWER(store32(i, v[3].i32, ready) ? SUCCESS : FAULT);
}

wasmtime_error_t *woe_define_wasi_table(wasmtime_linker_t *linker, const woe_wasi_function *functions, size_t count) {
  wasmtime_error_t *error = NULL;
  for (size_t n = 0; n < count && !error; n++)
    error = woe_define(linker, "wasi_snapshot_preview1", functions[n].name, functions[n].type, functions[n].function);
  return error;
}

wasmtime_error_t *woe_define_wasi(wasmtime_linker_t *linker) {
  static const woe_wasi_function functions[] = {
      {"args_get", "ii>i", args_get},
      {"args_sizes_get", "ii>i", args_sizes_get},
      {"environ_get", "ii>i", environ_get},
      {"environ_sizes_get", "ii>i", environ_sizes_get},
      {"clock_res_get", "ii>i", clock_res_get},
      {"clock_time_get", "iIi>i", clock_time_get},
      {"random_get", "ii>i", random_get},
      {"sched_yield", ">i", sched_yield_},
      {"proc_exit", "i>", proc_exit},
      {"proc_raise", "i>i", not_offered},
      {"poll_oneoff", "iiii>i", poll_oneoff},
      {"fd_write", "iiii>i", fd_write},
      {"fd_read", "iiii>i", fd_read},
      {"fd_seek", "iIii>i", fd_seek},
      {"fd_tell", "ii>i", fd_tell},
      {"fd_fdstat_get", "ii>i", fd_fdstat_get},
      {"fd_fdstat_set_flags", "ii>i", fd_fdstat_set_flags},
      {"sock_accept", "iii>i", not_offered},
      {"sock_recv", "iiiiii>i", not_offered},
      {"sock_send", "iiiii>i", not_offered},
      {"sock_shutdown", "ii>i", not_offered},
  };
  return woe_define_wasi_table(linker, functions, sizeof functions / sizeof *functions);
}
