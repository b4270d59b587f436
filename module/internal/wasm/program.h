// What the files about programs share: WASI commands, and the guests of 2022. A program runs from its entry to its end: once
// for each message (command.c), or once and for long beside the calls (service.c).

#ifndef WOE_PROGRAM_H
#define WOE_PROGRAM_H

#include "host.h"

enum { WOE_LINE_MAX = 1024 }; // bytes of a line of standard error; longer ones are cut into pieces

typedef struct woe_service woe_service;

typedef struct woe_program {
  wasm_engine_t *engine;
  wasmtime_instance_pre_t *prepared; // its own: it outlives the guest that it was compiled for
  char *name;                        // its only argument
  woe_main entry;
  char *config;                      // of WOE_INIT: its argument, owned; NULL before it is known
  uintptr_t host;                    // by which Go knows a service of 2022
  woe_service *service;              // NULL for one that runs for each message

  // The run for the message at hand.
  const uint8_t *input; // what is left of standard input
  size_t input_len;
  woe_buffer output; // of a service of 2022: what the host function at hand returns
  bool output_refused;
} woe_program;

// program.c
woe_end woe_program_start(woe_instance *);
void woe_program_delete(woe_program *);

// wit2022.c
woe_end woe_init_call(woe_instance *, const wasmtime_instance_t *, const wasmtime_func_t *init);

// command.c
woe_end woe_command_message(woe_instance *, const uint8_t *body, size_t len, const uint8_t *properties,
                            size_t properties_len, int64_t deadline_ns);
woe_end woe_command_timer(woe_instance *, const uint8_t *properties, size_t properties_len, int64_t deadline_ns);

// streams.c
size_t woe_input_bytes(const woe_instance *);

// service.c: what a service does on its thread.
enum {
  WOE_NOTHING_YET = -2, // and the guest does not want to wait
  WOE_STOPPED = -1,     // the end was asked for
  WOE_TIME_OUT = 0,
  WOE_READY = 1,
};
int woe_service_wait(woe_service *, int fd, short events, int64_t ns);
int woe_service_input(const woe_service *);
void woe_service_set_blocking(woe_service *, bool);
bool woe_service_blocking(const woe_service *);
int64_t woe_service_read(woe_service *, uint8_t *to, size_t len);
int64_t woe_service_write(woe_service *, const uint8_t *from, size_t len);
void woe_service_log(woe_service *, uint32_t level, const uint8_t *line, size_t len);
wasmtime_error_t *woe_service_strike(woe_instance *);
void woe_service_rest(woe_service *); // it waits for the host until woe_service_work
void woe_service_work(woe_service *, bool called_off);
void woe_service_delete(woe_service *);

// pulse.c
void woe_pulse_work(woe_pulse *);
void woe_pulse_rest(woe_pulse *);

#endif
