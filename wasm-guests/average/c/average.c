// A guest that sends the moving average of a signal. ../README.md describes it from outside.

#include "../../sdk/c/edge.h"

enum { LARGEST = 1000 };

typedef struct {
  int64_t window;
} settings;

static const edge_setting known[] = {EDGE_INTEGER(settings, window)};

static settings set = {.window = 10};
// One struct and not two variables, so that the count lies beside those of the values that are in use.
static struct {
  uint32_t count;
  double values[LARGEST + 1]; // the oldest first, and one more while it is averaged
} window;

// restore fills the window with the latest of the values that were kept.
static void restore(void) {
  int32_t bytes = edge_state("window", window.values, sizeof window.values);
  uint32_t count = bytes < 0 || bytes > LARGEST * 8 || bytes % 8 ? 0 : (uint32_t)bytes / 8;
  uint32_t surplus = count > set.window ? count - (uint32_t)set.window : 0;
  window.count = count - surplus;
  __builtin_memmove(window.values, window.values + surplus, window.count * 8);
}

static bool configure(const edge_signal *signal) {
  settings next = {.window = 10};
  if (!edge_read_settings(signal, known, 1, &next)) return false;
  if (next.window < 1 || next.window > LARGEST) return edge_refuse("\"window\" is not between 1 and 1000 samples");
  set = next;
  restore();
  return true;
}

static int32_t emit_average(const edge_sample *s, const double *values, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += values[i];
  char buf[512];
  edge_writer event = EDGE_WRITER(buf);
  edge_add_text(&event, "signal", s->signal);
  edge_add_number(&event, "average", sum / n);
  edge_add_number(&event, "count", n);
  if (s->source_timestamp.len) edge_add_text(&event, "sourceTimestamp", s->source_timestamp);
  return edge_emit_object(&event, NULL);
}

static edge_verdict sample(const edge_sample *s) {
  if (s->quality == EDGE_BAD || s->reason == EDGE_HEARTBEAT) { // no reading, or no new one
    edge_count("ignored", 1);
    return EDGE_DROP;
  }
  if (!edge_number(s->value, &window.values[window.count])) return edge_fail_with("value is not a number", s->value);
  uint32_t oldest = window.count < set.window ? 0 : 1, n = window.count + 1 - oldest;
  int32_t result = emit_average(s, window.values + oldest, n);
  if (!result) result = edge_set_state("window", window.values + oldest, n * 8);
  if (result) return edge_done(result);
  __builtin_memmove(window.values, window.values + oldest, n * 8);
  window.count = n;
  return EDGE_DONE;
}

EDGE_GUEST(.configure = configure, .sample = sample)
