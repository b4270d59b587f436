// A WASI command that runs afresh for each message: the body is its standard input, its standard output is the output.

#include "program.h"

#include <stdio.h>
#include <string.h>

static void give_reason(woe_instance *i, const char *reason) {
  if (!i->reason.len) woe_append(&i->reason, reason, strlen(reason)); // what the guest itself gave comes first
}

// judge makes a verdict of a program that ended by itself, and a message of its output. An exit code that is not 0 is the
// failure of this message: the next run is a fresh one.
static int32_t judge(woe_instance *i, int32_t exit_code) {
  woe_program *p = i->program;
  char text[40];
  if (exit_code) {
    snprintf(text, sizeof text, "exit code %d", exit_code);
    give_reason(i, text);
    return -1;
  }
  if (p->output.len == 0 && !p->output_refused) return i->emits ? 2 : 0;
  if (!p->output_refused && woe_emit(i, NULL, 0, p->output.data, (uint32_t)p->output.len, NULL, 0) == 0) return 2;
  i->reason.len = 0;
  give_reason(i, "what it wrote to standard output is more than limits.emitKiBPerCall or limits.emitsPerCall allow");
  return -1;
}

// run is one run in a store of its own.
static woe_end run(woe_instance *i, int64_t deadline_ns) {
  woe_program *p = i->program;
  p->output.len = 0;
  p->output_refused = false;
  woe_open(i, p->engine);
  woe_begin(i, deadline_ns);
  woe_end end = woe_program_start(i);
  if (end == WOE_EXIT || end == WOE_OK) {
    i->verdict = judge(i, end == WOE_EXIT ? i->exit_code : 0);
    end = WOE_OK;
  }
  end = woe_finish(i, end);
  woe_close(i);
  p->input = NULL;
  p->input_len = 0;
  return end;
}

woe_end woe_command_message(woe_instance *i, const uint8_t *body, size_t len, const uint8_t *properties,
                            size_t properties_len, int64_t deadline_ns) {
  i->program->input = body;
  i->program->input_len = len;
  i->properties = properties;
  i->properties_len = properties_len;
  return run(i, deadline_ns);
}

// woe_command_timer runs the program with nothing on its standard input.
woe_end woe_command_timer(woe_instance *i, const uint8_t *properties, size_t properties_len, int64_t deadline_ns) {
  return woe_command_message(i, NULL, 0, properties, properties_len, deadline_ns);
}
