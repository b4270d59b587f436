// Standard input, output and error of WASI preview 1. A guest of edge/1 has nothing to read, and what it writes are lines
// of its log. A program that runs for each message reads the message and writes the output; a service reads and writes
// pipes. Standard error is the log of all of them.

#include "program.h"
#include "wasi.h"

#include <sys/ioctl.h>

enum {
  RIGHT_SEEK = 1 << 2,
  RIGHT_TELL = 1 << 5,
  FLAG_NONBLOCK = 1 << 2,
};

static woe_service *service_of(const woe_instance *i) { return i->program ? i->program->service : NULL; }

// log_line ends the unfinished line of a stream.
static void log_line(woe_instance *i, int stream) {
  woe_buffer *line = &i->lines[stream];
  if (line->len) woe_log(i, stream ? 3 : 2, line->data, line->len);
  line->len = 0;
}

void woe_flush_lines(woe_instance *i) {
  log_line(i, 0);
  log_line(i, 1);
}

// write_lines appends to the unfinished line of stream and logs each that is complete. Long ones are cut into pieces.
static void write_lines(woe_instance *i, int stream, const uint8_t *text, size_t len) {
  woe_buffer *line = &i->lines[stream];
  for (size_t at = 0; at < len; at++) {
    if (text[at] != '\n') woe_append(line, text + at, 1);
    if (text[at] == '\n' || line->len >= WOE_LINE_MAX) log_line(i, stream);
  }
}

// write_output keeps the output of a run, unless that is more than one call may send. It returns how much it took.
static size_t write_output(woe_instance *i, const uint8_t *text, size_t len) {
  woe_program *p = i->program;
  if (i->emitted_bytes + p->output.len + len <= i->limits.emit_bytes && woe_append(&p->output, text, len)) return len;
  p->output_refused = true;
  return 0;
}

// put writes one piece and returns how much was taken, or WOE_STOPPED.
static int64_t put(woe_instance *i, uint32_t fd, const uint8_t *text, size_t len) {
  if (fd == 1 && service_of(i)) return woe_service_write(service_of(i), text, len);
  if (fd == 1 && i->program) return (int64_t)write_output(i, text, len);
  write_lines(i, fd == 2, text, len);
  return (int64_t)len;
}

static wasm_trap_t *stopped(woe_instance *i) { return woe_trap(i, "its end was asked for"); }

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
    if (!len) continue;
    int64_t taken = put(i, fd, text, len);
    if (taken == WOE_STOPPED) return stopped(i);
    written += (uint32_t)taken;
    if (taken < len) break;
  }
  if (fd == 1 && !written && i->program && i->program->output_refused) ANSWER(NOSPC);
  ANSWER(store32(i, v[3].i32, written) ? SUCCESS : FAULT);
}

// woe_input_bytes returns how much can be read at once.
size_t woe_input_bytes(const woe_instance *i) {
  int bytes = 0;
  if (!i->program) return 0;
  if (!service_of(i)) return i->program->input_len;
  return ioctl(woe_service_input(service_of(i)), FIONREAD, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

static int64_t take_input(woe_instance *i, uint8_t *to, size_t len) {
  woe_program *p = i->program;
  if (!p) return 0;
  if (p->service) return woe_service_read(p->service, to, len);
  if (len > p->input_len) len = p->input_len;
  if (len) memcpy(to, p->input, len);
  p->input += len;
  p->input_len -= len;
  return (int64_t)len;
}

WASI(fd_read) {
  INSTANCE;
  uint32_t count = (uint32_t)v[2].i32;
  if ((uint32_t)v[0].i32 > 2) ANSWER(woe_file_read(i, v));
  if (v[0].i32 != 0) ANSWER(BADF);
  if (count > IOVECS_MAX) ANSWER(INVAL);
  const uint8_t *vectors = woe_guest_bytes(i, (uint32_t)v[1].i32, count * 8);
  if (!vectors) ANSWER(FAULT);
  uint32_t len = 0, k = 0;
  while (k < count && !(len = load32(vectors + 8 * k + 4))) k++; // a read may be short: the first piece will do
  uint8_t *to = woe_guest_bytes(i, len ? load32(vectors + 8 * k) : 0, len);
  if (!to) ANSWER(FAULT);
  int64_t read = len ? take_input(i, to, len < WRITE_MAX ? len : WRITE_MAX) : 0;
  if (read == WOE_STOPPED) return stopped(i);
  if (read == WOE_NOTHING_YET) ANSWER(AGAIN);
  ANSWER(store32(i, v[3].i32, (uint32_t)read) ? SUCCESS : FAULT);
}

// A service's streams look like a terminal's, so that the C library writes line by line. Of other guests they do not: one
// write in place of many.
WASI(fd_fdstat_get) {
  INSTANCE;
  if ((uint32_t)v[0].i32 > 2) ANSWER(woe_file_fdstat(i, v));
  uint8_t *p = woe_guest_bytes(i, (uint32_t)v[1].i32, FDSTAT_SIZE);
  if (!p) ANSWER(FAULT);
  memset(p, 0, FDSTAT_SIZE);
  p[0] = FILETYPE_CHARACTER_DEVICE;
  memset(p + 8, 0xff, 8); // rights: nobody looks but for terminals, which do not seek
  if (service_of(i)) p[8] = (uint8_t)~(RIGHT_SEEK | RIGHT_TELL);
  if (service_of(i) && v[0].i32 == 0 && !woe_service_blocking(service_of(i))) p[2] = FLAG_NONBLOCK;
  ANSWER(SUCCESS);
}

WASI(fd_fdstat_set_flags) {
  INSTANCE;
  if ((uint32_t)v[0].i32 > 2) ANSWER(woe_file_set_flags(i, v));
  if (v[0].i32 == 0 && service_of(i)) woe_service_set_blocking(service_of(i), !(v[1].i32 & FLAG_NONBLOCK));
  ANSWER(SUCCESS);
}

wasmtime_error_t *woe_define_wasi_streams(wasmtime_linker_t *linker) {
  static const woe_wasi_function functions[] = {
      {"fd_write", "iiii>i", fd_write},
      {"fd_read", "iiii>i", fd_read},
      {"fd_fdstat_get", "ii>i", fd_fdstat_get},
      {"fd_fdstat_set_flags", "ii>i", fd_fdstat_set_flags},
  };
  return woe_define_wasi_table(linker, functions, sizeof functions / sizeof *functions);
}
