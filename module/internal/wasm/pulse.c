// When the epoch has to strike for services: while at least one of them runs code of its guest, and not while all wait.
// Whoever strikes it sleeps in a read of the event, which is written when the first of them goes to work.

#include "program.h"

#include <stdlib.h>
#include <unistd.h>

struct woe_pulse {
  int event; // an eventfd, which the host reads
  uint32_t working;
};

woe_pulse *woe_pulse_new(int event) {
  woe_pulse *p = calloc(1, sizeof *p);
  if (p) p->event = event;
  return p;
}

void woe_pulse_delete(woe_pulse *p) { free(p); }

void woe_pulse_work(woe_pulse *p) {
  if (__atomic_fetch_add(&p->working, 1, __ATOMIC_SEQ_CST)) return;
  uint64_t one = 1;
  if (write(p->event, &one, sizeof one) < 0) return; // its count is at its highest: it can be read already
}

void woe_pulse_rest(woe_pulse *p) { __atomic_fetch_sub(&p->working, 1, __ATOMIC_SEQ_CST); }

uint32_t woe_pulse_working(const woe_pulse *p) { return __atomic_load_n(&p->working, __ATOMIC_SEQ_CST); }
