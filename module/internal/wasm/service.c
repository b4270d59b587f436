// A WASI command that runs for long, on a thread of its own. Its standard streams are pipes, whose other ends are Go's:
// the kernel bounds what waits in them, and whoever waits for them waits without using the processor.

#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct woe_service {
  woe_instance *instance;
  woe_service_setup setup;
  woe_pulse *pulse;
  bool stopping; // set by any thread
  bool stopped;  // it ended for that
  bool nonblocking;
  bool resting; // since woe_service_rest

  int64_t window_cpu_ns, window_wall_ns; // when the window at hand began, by both clocks

  int64_t minute_ns; // when the minute of the log at hand began
  uint32_t minute_lines;
  uint64_t logs_dropped;
};

static const int64_t second = 1000000000;
static const int64_t window = 100000000; // over which a service may have its share of a processor

// woe_service_new makes an instance of a program a service. The descriptors are the caller's to close.
bool woe_service_new(woe_instance *i, const woe_service_setup *setup, woe_pulse *pulse) {
  woe_service *s = calloc(1, sizeof *s);
  if (!s) return false;
  s->instance = i;
  s->setup = *setup;
  s->pulse = pulse;
  i->program->service = s;
  return true;
}

void woe_service_delete(woe_service *s) { free(s); }

static bool stopping(woe_service *s) {
  s->stopped = s->stopped || __atomic_load_n(&s->stopping, __ATOMIC_ACQUIRE);
  return s->stopped;
}

// woe_service_stop asks for the end, from any thread: the guest's next call of a stream ends it, or the next strike of
// the epoch.
void woe_service_stop(woe_instance *i) {
  woe_service *s = i->program->service;
  uint64_t one = 1;
  __atomic_store_n(&s->stopping, true, __ATOMIC_RELEASE);
  if (write(s->setup.stop, &one, sizeof one) < 0) return; // it can be read already
}

// note_memory keeps how large the guest's memory is, for other threads to read.
static void note_memory(woe_instance *i) {
  size_t bytes = i->has_memory ? wasmtime_memory_data_size(i->context, &i->memory) : 0;
  __atomic_store_n(&i->memory_bytes, bytes, __ATOMIC_RELAXED);
}

// woe_service_memory may be called from any thread.
size_t woe_service_memory(const woe_instance *i) { return __atomic_load_n(&i->memory_bytes, __ATOMIC_RELAXED); }

// woe_service_wait waits until fd, which may be -1, is ready for events, or ns nanoseconds, for ever where they are
// negative.
int woe_service_wait(woe_service *s, int fd, short events, int64_t ns) {
  int64_t until = woe_now_ns(CLOCK_MONOTONIC) + ns;
  struct pollfd fds[2] = {{.fd = s->setup.stop, .events = POLLIN}, {.fd = fd, .events = events}};
  int ready;
  note_memory(s->instance);
  bool works = ns && !s->resting;
  if (works) woe_pulse_rest(s->pulse);
  do { // signals of the Go runtime interrupt it
    int64_t left = ns < 0 ? 0 : until - woe_now_ns(CLOCK_MONOTONIC);
    if (left < 0) left = 0;
    struct timespec time = {.tv_sec = left / second, .tv_nsec = left % second};
    ready = ppoll(fds, 2, ns < 0 ? NULL : &time, NULL);
  } while (ready < 0 && errno == EINTR);
  if (works) woe_pulse_work(s->pulse);
  if (stopping(s)) return WOE_STOPPED;
  return ready > 0 ? WOE_READY : WOE_TIME_OUT;
}

void woe_service_rest(woe_service *s) {
  note_memory(s->instance);
  s->resting = true;
  woe_pulse_rest(s->pulse);
}

// woe_service_work says that the wait is over, or called off: that is an end which was asked for, though the word of it may
// still be on its way.
void woe_service_work(woe_service *s, bool called_off) {
  s->resting = false;
  woe_pulse_work(s->pulse);
  s->stopped = s->stopped || called_off;
}

int woe_service_input(const woe_service *s) { return s->setup.in; }
bool woe_service_blocking(const woe_service *s) { return !s->nonblocking; }
void woe_service_set_blocking(woe_service *s, bool blocking) { s->nonblocking = !blocking; }

int64_t woe_service_read(woe_service *s, uint8_t *to, size_t len) {
  for (;;) {
    if (stopping(s)) return WOE_STOPPED;
    ssize_t n = read(s->setup.in, to, len);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return 0;
    if (s->nonblocking) return WOE_NOTHING_YET;
    woe_service_wait(s, s->setup.in, POLLIN, -1);
  }
}

static int64_t write_pipe(woe_service *s, int fd, const uint8_t *from, size_t len) {
  for (;;) {
    if (stopping(s)) return WOE_STOPPED;
    ssize_t n = write(fd, from, len);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return (int64_t)len; // nobody reads any more
    woe_service_wait(s, fd, POLLOUT, -1);
  }
}

int64_t woe_service_write(woe_service *s, const uint8_t *from, size_t len) {
  return write_pipe(s, s->setup.out, from, len);
}

// woe_service_log hands a line on, a digit for its level before it. Those beyond what a minute may have are dropped here, so that a flood costs the guest's
// share of the processor and not the host's.
void woe_service_log(woe_service *s, uint32_t level, const uint8_t *line, size_t len) {
  uint8_t text[1 + WOE_LINE_MAX + 1] = {(uint8_t)('0' + (level > 5 ? 5 : level))};
  int64_t now = woe_now_ns(CLOCK_MONOTONIC);
  if (now - s->minute_ns >= 60 * second) {
    s->minute_ns = now;
    s->minute_lines = 0;
  }
  if (s->minute_lines >= s->setup.log_lines) {
    __atomic_fetch_add(&s->logs_dropped, 1, __ATOMIC_RELAXED);
    return;
  }
  s->minute_lines++;
  if (len > WOE_LINE_MAX) len = WOE_LINE_MAX;
  if (len) memcpy(text + 1, line, len);
  text[1 + len] = '\n';
  write_pipe(s, s->setup.err, text, len + 2); // whole: it is less than PIPE_BUF
}

// woe_service_logs_dropped may be called from any thread.
uint64_t woe_service_logs_dropped(const woe_instance *i) {
  return __atomic_load_n(&i->program->service->logs_dropped, __ATOMIC_RELAXED);
}

static void begin_window(woe_service *s) {
  s->window_cpu_ns = woe_now_ns(CLOCK_THREAD_CPUTIME_ID);
  s->window_wall_ns = woe_now_ns(CLOCK_MONOTONIC);
}

// throttle sleeps off what the thread used beyond its share. Within a window the share may be used at once.
static void throttle(woe_service *s) {
  int64_t wall = woe_now_ns(CLOCK_MONOTONIC) - s->window_wall_ns;
  int64_t due = (woe_now_ns(CLOCK_THREAD_CPUTIME_ID) - s->window_cpu_ns) * 100 / s->setup.percent;
  if (wall < window && due < window) return;
  if (due > wall) woe_service_wait(s, -1, 0, due - wall);
  begin_window(s);
}

// woe_service_strike is what the epoch does to a service.
wasmtime_error_t *woe_service_strike(woe_instance *i) {
  woe_service *s = i->program->service;
  note_memory(i);
  throttle(s);
  return stopping(s) ? wasmtime_error_new("its end was asked for") : NULL;
}

// woe_service_run runs the service to its end, on the thread of the caller. It may be called once. An end that was asked
// for is a good one, and so is the exit code 0.
woe_end woe_service_run(woe_instance *i) {
  woe_service *s = i->program->service;
  begin_window(s);
  s->minute_ns = s->window_wall_ns;
  woe_pulse_work(s->pulse);
  woe_open(i, i->program->engine);
  woe_begin(i, INT64_MAX);
  woe_end end = woe_program_start(i);
  i->verdict = 0;
  end = woe_finish(i, end);
  woe_close(i);
  woe_pulse_rest(s->pulse);
  return s->stopped || (end == WOE_EXIT && i->exit_code == 0) ? WOE_OK : end;
}
