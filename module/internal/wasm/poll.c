// poll_oneoff of WASI preview 1: waiting for a time, or for standard input. A call that sleeps uses up its deadline as
// work does. A service may wait for as long as it likes, until its end is asked for.

#include "program.h"
#include "wasi.h"

#include <poll.h>

enum {
  EVENT_CLOCK = 0,
  EVENT_READ = 1,
  EVENT_WRITE = 2,
  SUBSCRIPTION_SIZE = 48,
  EVENT_SIZE = 32,
  SUBSCRIPTIONS_MAX = 64,
};

static const uint64_t on_input = UINT64_MAX; // not a time: the subscription waits for standard input

// wait_of returns how long the subscription at s wants to wait, in nanoseconds. Only a clock, and the input of a service,
// are not ready at once.
static uint64_t wait_of(const woe_instance *i, const uint8_t *s) {
  if (s[8] == EVENT_READ && load32(s + 16) == 0 && i->program && i->program->service) return on_input;
  if (s[8] != EVENT_CLOCK) return 0;
  uint64_t timeout = load64(s + 24);
  if (timeout == on_input) timeout--;
  bool absolute = s[40] & 1;
  if (!absolute) return timeout;
  uint64_t now = (uint64_t)woe_now_ns(load32(s + 16) == CLOCK_REAL ? CLOCK_REALTIME : CLOCK_MONOTONIC);
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

// wait_all waits for the least of all times, and for input where a subscription is for that: it returns as
// woe_service_wait, and WOE_STOPPED also where the deadline does not allow it.
static int wait_all(woe_instance *i, uint64_t least, bool for_input) {
  woe_service *s = i->program ? i->program->service : NULL;
  if (s) return woe_service_wait(s, for_input ? woe_service_input(s) : -1, POLLIN, least > INT64_MAX ? -1 : (int64_t)least);
  return least == 0 || sleep_within_deadline(i, least) ? WOE_TIME_OUT : WOE_STOPPED;
}

// write_event reports the subscription at s to be ready.
static void write_event(const woe_instance *i, uint8_t *e, const uint8_t *s) {
  uint8_t event[EVENT_SIZE] = {0};
  memcpy(event, s, 8); // userdata
  event[10] = s[8];
  if (s[8] != EVENT_CLOCK && load32(s + 16) > 2) event[8] = BADF;
  uint64_t bytes = s[8] == EVENT_READ ? woe_input_bytes(i) : s[8] == EVENT_WRITE ? WRITE_MAX : 0;
  memcpy(event + 16, &bytes, 8);
  memcpy(e, event, EVENT_SIZE);
}

WASI(poll_oneoff) {
  INSTANCE;
  uint32_t in = (uint32_t)v[0].i32, out = (uint32_t)v[1].i32, count = (uint32_t)v[2].i32, ready = 0;
  if (count == 0 || count > SUBSCRIPTIONS_MAX) ANSWER(INVAL);
  const uint8_t *s = woe_guest_bytes(i, in, count * SUBSCRIPTION_SIZE);
  uint8_t *e = woe_guest_bytes(i, out, count * EVENT_SIZE);
  if (!s || !e) ANSWER(FAULT);
  uint64_t waits[SUBSCRIPTIONS_MAX], least = on_input;
  bool for_input = false;
  for (uint32_t k = 0; k < count; k++) {
    waits[k] = wait_of(i, s + k * SUBSCRIPTION_SIZE);
    if (waits[k] < least) least = waits[k];
    for_input = for_input || waits[k] == on_input;
  }
  int how = wait_all(i, least, for_input);
  if (how == WOE_STOPPED) return woe_trap(i, i->deadline_hit ? "deadline" : "its end was asked for");
  for (uint32_t k = 0; k < count; k++) {
    bool over = waits[k] == on_input ? how == WOE_READY : waits[k] <= least && (how == WOE_TIME_OUT || least == 0);
    if (over) write_event(i, e + EVENT_SIZE * ready++, s + k * SUBSCRIPTION_SIZE);
  }
  ANSWER(store32(i, v[3].i32, ready) ? SUCCESS : FAULT);
}

wasmtime_error_t *woe_define_wasi_poll(wasmtime_linker_t *linker) {
  static const woe_wasi_function functions[] = {{"poll_oneoff", "iiii>i", poll_oneoff}};
  return woe_define_wasi_table(linker, functions, sizeof functions / sizeof *functions);
}
