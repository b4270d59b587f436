// The plain C loop: the calls of a message through Wasmtime's C API, and nothing else.

#ifndef COMPARE_LOOP_H
#define COMPARE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct compare_loop compare_loop;

enum { COMPARE_OUT_MAX = 4096 };

// compare_loop_new returns NULL where the guest does not compile or lacks an export.
compare_loop *compare_loop_new(const uint8_t *binary, size_t len);
void compare_loop_delete(compare_loop *);

// Both hand the message in n times and report whether all calls ended well: edge_alloc and edge_message, or alloc and
// process with the output copied out.
bool compare_loop_pass(compare_loop *, const uint8_t *message, size_t len, size_t n);
bool compare_loop_process(compare_loop *, const uint8_t *message, size_t len, size_t n);

// compare_loop_output returns the output of the last process.
const uint8_t *compare_loop_output(const compare_loop *, size_t *len);

#endif
