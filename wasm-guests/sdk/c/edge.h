// edge.h is the C SDK for guests of Wasm-on-Edge: small programs that an IoT Edge gateway runs in a sandbox, one
// instance for each signal that the module's twin binds to them. It is this one file and needs no C library.
//
// A guest is a set of handlers, handed to EDGE_GUEST once. This one passes the samples above a limit that the twin sets:
//
//	#include "edge.h"
//
//	typedef struct { double high; } settings;
//	static settings set;
//	static const edge_setting known[] = {EDGE_NUMBER(settings, high)};
//
//	static bool configure(const edge_signal *signal) { return edge_read_settings(signal, known, 1, &set); }
//
//	static edge_verdict sample(const edge_sample *s) {
//	  double value;
//	  return edge_pass_if(edge_number(s->value, &value) && value > set.high);
//	}
//
//	EDGE_GUEST(.configure = configure, .sample = sample)
//
// It is built with clang 14 or newer, and no other tool:
//
//	clang --target=wasm32 -ffreestanding -nostdlib -mbulk-memory -Oz \
//	  -Wl,--no-entry,--stack-first,-z,stack-size=34304,--strip-all -o above.wasm above.c
//
// Calls are transactions: what a guest emits, stores and counts during a call takes effect only when its handler does
// not fail. The reason given to edge_fail becomes the one under which the host keeps the message as a dead letter. What
// a handler keeps in its own variables is not undone: change them last.
//
// Concurrency: the host calls an instance from one thread, one call at a time. What a handler is given is valid until
// it returns. Names that end with an underscore are the SDK's own.
#ifndef EDGE_H
#define EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Of the functions below a guest uses some, and they are to be small.
#define EDGE_FN_ static __attribute__((unused))

// ---- Texts

// edge_str is a text, or JSON as the host wrote it: bytes in UTF-8 that no zero ends.
typedef struct {
  const char *at;
  uint32_t len;
} edge_str;

// edge_text returns the text of a C string.
EDGE_FN_ edge_str edge_text(const char *c_string) {
  edge_str text = {c_string, 0};
  while (c_string[text.len]) text.len++;
  return text;
}

// edge_is reports whether a text is the one in a C string.
EDGE_FN_ bool edge_is(edge_str text, const char *c_string) {
  uint32_t n = 0;
  while (n < text.len && c_string[n] && text.at[n] == c_string[n]) n++;
  return n == text.len && !c_string[n];
}

// ---- What a guest is

// edge_verdict is what a guest says of the message it was given. It speaks of the input alone: what was emitted is sent
// in any case, before a message that is passed on. Negative is failed; see edge_fail.
typedef int32_t edge_verdict;
enum {
  EDGE_FAILED = -1,
  EDGE_DROP = 0, // the message is not passed on
  EDGE_PASS = 1, // the message is passed on unchanged; a passed tick is done
  EDGE_DONE = 2, // what was emitted is the result
};

EDGE_FN_ edge_verdict edge_pass_if(bool condition) { return condition ? EDGE_PASS : EDGE_DROP; }

// edge_quality is how far a value can be trusted, in OPC UA's words.
typedef enum { EDGE_GOOD, EDGE_UNCERTAIN, EDGE_BAD } edge_quality;

// edge_reason is why a sample was sent: a reading as it came, the last known value again, the first since the start.
typedef enum { EDGE_CHANGE, EDGE_HEARTBEAT, EDGE_FIRST } edge_reason;

// edge_sample is one value of a signal.
typedef struct {
  edge_str signal;            // the signal's name in the twin
  edge_str value;             // JSON; read it with edge_number, edge_integer, edge_bool, edge_chars
  edge_str unit;              // of value, as the twin gives it; may be empty
  edge_str source_timestamp;  // when the value was, or arrived: RFC 3339 in UTC
  edge_str publish_timestamp; // of a heartbeat: when it was repeated; else empty
  edge_quality quality;
  edge_reason reason;
} edge_sample;

// edge_signal is whom an instance works for, and the settings that the twin gives it.
typedef struct {
  edge_str signal, partition;
  edge_str settings; // JSON: an object; see edge_read_settings
} edge_signal;

// edge_guest is the handlers of a guest. Set sample or message, not both, or tick, or one of the two and tick.
typedef struct {
  // configure is called before the first message and at each change of the settings. It returns true, or false after
  // edge_refuse has told the reason and before anything of the guest has changed: then the old settings stay at work.
  bool (*configure)(const edge_signal *signal);
  edge_verdict (*sample)(const edge_sample *sample); // of a signal that has a selector or a node in the twin
  edge_verdict (*message)(edge_str body);            // of a signal without a selector
  edge_verdict (*tick)(void);                        // of a signal whose source is "timer"
} edge_guest;

// ---- What the host offers

#define EDGE_IMPORT_(name) __attribute__((import_module("edge"), import_name(name)))
EDGE_IMPORT_("emit") int32_t edge_emit_(const char *, uint32_t, const void *, uint32_t, const char *, uint32_t);
EDGE_IMPORT_("property") int32_t edge_property_(const char *, uint32_t, void *, uint32_t);
EDGE_IMPORT_("fail") void edge_fail_(const char *, uint32_t);
EDGE_IMPORT_("log") void edge_log_(int32_t, const char *, uint32_t);
EDGE_IMPORT_("now") int64_t edge_now_(void);
EDGE_IMPORT_("state_get") int32_t edge_state_get_(const char *, uint32_t, void *, uint32_t);
EDGE_IMPORT_("state_set") int32_t edge_state_set_(const char *, uint32_t, const void *, uint32_t);
EDGE_IMPORT_("state_delete") int32_t edge_state_delete_(const char *, uint32_t);
EDGE_IMPORT_("metric") void edge_metric_(int32_t, const char *, uint32_t, double);

// edge_fail fails the call: return edge_fail("…") from a handler.
EDGE_FN_ edge_verdict edge_fail(const char *reason) {
  edge_fail_(reason, edge_text(reason).len);
  return EDGE_FAILED;
}

// edge_refuse refuses settings: return edge_refuse("…") from configure.
EDGE_FN_ bool edge_refuse(const char *reason) { return edge_fail(reason) == EDGE_DROP; }

typedef enum { EDGE_TRACE, EDGE_DEBUG, EDGE_INFO, EDGE_WARNING, EDGE_ERROR, EDGE_CRITICAL } edge_level;

// edge_log writes a line to the module's log, under the guest's name and signal.
EDGE_FN_ void edge_log(edge_level level, edge_str line) { edge_log_((int32_t)level, line.at, line.len); }

// edge_now returns the host's time as Unix time in milliseconds.
EDGE_FN_ int64_t edge_now(void) { return edge_now_(); }

// edge_property copies as much of a property of the message at hand as fits, an application property or one such as
// "$.ct", "$.cdid", "$source" or "$input". It returns the full length, or -1 where there is none of that name.
EDGE_FN_ int32_t edge_property(const char *name, char *buf, uint32_t cap) {
  return edge_property_(name, edge_text(name).len, buf, cap);
}

// edge_state copies as much of what was stored under key as fits and returns the full length, or -1. State survives
// restarts and swaps. A signal whose guest uses it is committed to disk with each message, which takes time.
EDGE_FN_ int32_t edge_state(const char *key, void *buf, uint32_t cap) {
  return edge_state_get_(key, edge_text(key).len, buf, cap);
}

// edge_set_state stores bytes under key and returns 0, or EDGE_OVER_STORAGE.
EDGE_FN_ int32_t edge_set_state(const char *key, const void *bytes, uint32_t len);

// edge_delete_state forgets what is stored under key.
EDGE_FN_ void edge_delete_state(const char *key) { edge_state_delete_(key, edge_text(key).len); }

// edge_count adds to a counter, edge_gauge sets a gauge, edge_observe adds a value to a histogram. A guest may have 32
// metrics of all kinds.
EDGE_FN_ void edge_count(const char *name, double delta) { edge_metric_(0, name, edge_text(name).len, delta); }
EDGE_FN_ void edge_gauge(const char *name, double value) { edge_metric_(1, name, edge_text(name).len, value); }
EDGE_FN_ void edge_observe(const char *name, double value) { edge_metric_(2, name, edge_text(name).len, value); }

// Why something that a guest asked is not to be had. edge_done makes a verdict of it.
enum {
  EDGE_OVER_LIMIT = -1,   // a message is one too many for this call or too large
  EDGE_NOT_ALLOWED = -2,  // an output or a property has a name that guests may not use
  EDGE_OVER_STORAGE = -3, // a value does not fit what the guest may store
  EDGE_NO_ROOM = -4,      // what was written does not fit its edge_writer
};

EDGE_FN_ int32_t edge_set_state(const char *key, const void *bytes, uint32_t len) {
  return edge_state_set_(key, edge_text(key).len, bytes, len) < 0 ? EDGE_OVER_STORAGE : 0;
}

// edge_done returns EDGE_DONE where a result is 0, else fails the call with what the result says.
EDGE_FN_ edge_verdict edge_done(int32_t result) {
  switch (result) {
  case 0: return EDGE_DONE;
  case EDGE_OVER_LIMIT: return edge_fail("emit: over a limit of the guest (emitsPerCall, emitKiBPerCall)");
  case EDGE_NOT_ALLOWED: return edge_fail("emit: name of output or property is not allowed");
  case EDGE_OVER_STORAGE: return edge_fail("store state: over the guest's storageMiB");
  }
  return edge_fail("emit: message does not fit the guest's buffer");
}

// ---- Writing

// edge_writer is room for a text that is written piece by piece: edge_writer w = EDGE_WRITER(buf), of an array. What
// does not fit is left out, and the message that would have had it is not sent.
typedef struct {
  char *at;
  uint32_t len, cap;
  bool full;
} edge_writer;

#define EDGE_WRITER(array) {(array), 0, sizeof(array), false}

EDGE_FN_ edge_str edge_written(const edge_writer *w) { return (edge_str){w->at, w->len}; }

EDGE_FN_ void edge_write_byte_(edge_writer *w, char c) {
  if (w->len < w->cap) w->at[w->len++] = c;
  else w->full = true;
}

// edge_write appends a text as it is.
EDGE_FN_ void edge_write(edge_writer *w, edge_str text) {
  for (uint32_t n = 0; n < text.len; n++) edge_write_byte_(w, text.at[n]);
}

// edge_write_text appends a JSON string.
EDGE_FN_ void edge_write_text(edge_writer *w, edge_str text) {
  edge_write_byte_(w, '"');
  for (uint32_t n = 0; n < text.len; n++) {
    uint8_t c = (uint8_t)text.at[n];
    if (c < ' ') {
      edge_write(w, edge_text("\\u00"));
      edge_write_byte_(w, (char)('0' + (c >> 4)));
      edge_write_byte_(w, "0123456789abcdef"[c & 15]);
      continue;
    }
    if (c == '"' || c == '\\') edge_write_byte_(w, '\\');
    edge_write_byte_(w, (char)c);
  }
  edge_write_byte_(w, '"');
}

// edge_write_number appends a number as JSON: with the fewest digits that read back as the same one, or null where it
// is none that JSON knows, infinite or not a number.
EDGE_FN_ void edge_write_number(edge_writer *w, double number);

// A flat JSON object, member by member in the order of the calls, then edge_emit_object.
EDGE_FN_ void edge_member_(edge_writer *w, const char *name) {
  edge_write_byte_(w, w->len ? ',' : '{');
  edge_write_text(w, edge_text(name));
  edge_write_byte_(w, ':');
}

EDGE_FN_ void edge_add_text(edge_writer *object, const char *name, edge_str text) {
  edge_member_(object, name);
  edge_write_text(object, text);
}

EDGE_FN_ void edge_add_number(edge_writer *object, const char *name, double number) {
  edge_member_(object, name);
  edge_write_number(object, number);
}

EDGE_FN_ void edge_add_bool(edge_writer *object, const char *name, bool value) {
  edge_member_(object, name);
  edge_write(object, edge_text(value ? "true" : "false"));
}

// edge_add_value adds JSON as it is, the value of a sample for example.
EDGE_FN_ void edge_add_value(edge_writer *object, const char *name, edge_str json) {
  edge_member_(object, name);
  edge_write(object, json);
}

EDGE_FN_ void edge_encode_(edge_writer *w, const char *c_string) {
  for (; *c_string; c_string++) {
    uint8_t c = (uint8_t)*c_string;
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                 c == '_' || c == '~';
    if (!plain) {
      edge_write_byte_(w, '%');
      edge_write_byte_(w, "0123456789ABCDEF"[c >> 4]);
      c = (uint8_t)"0123456789ABCDEF"[c & 15];
    }
    edge_write_byte_(w, (char)c);
  }
}

// edge_add_property adds a property to a bag: an application property, which IoT Hub can route on, or "$.ct", "$.ce",
// "$.schema".
EDGE_FN_ void edge_add_property(edge_writer *bag, const char *name, const char *value) {
  if (bag->len) edge_write_byte_(bag, '&');
  edge_encode_(bag, name);
  edge_write_byte_(bag, '=');
  edge_encode_(bag, value);
}

// edge_emit sends a message when the handler returns without having failed; bag may be NULL. output "" is the signal's
// own. It returns 0, EDGE_OVER_LIMIT, EDGE_NOT_ALLOWED or EDGE_NO_ROOM. The host takes a copy.
EDGE_FN_ int32_t edge_emit(const char *output, edge_str body, const edge_writer *bag) {
  if (bag && bag->full) return EDGE_NO_ROOM;
  return edge_emit_(output, edge_text(output).len, body.at, body.len, bag ? bag->at : NULL, bag ? bag->len : 0);
}

// edge_emit_object ends an object and sends it to the signal's own output, declared as JSON in UTF-8 so that IoT Hub can
// route on it. bag has room for that besides properties of the guest's; NULL where there are none.
EDGE_FN_ int32_t edge_emit_object(edge_writer *object, edge_writer *bag) {
  char own[64];
  edge_writer type = EDGE_WRITER(own);
  if (!bag) bag = &type;
  edge_add_property(bag, "$.ct", "application/json");
  edge_add_property(bag, "$.ce", "utf-8");
  edge_write(object, edge_text(object->len ? "}" : "{}"));
  return object->full ? EDGE_NO_ROOM : edge_emit("", edge_written(object), bag);
}

// ---- Reading JSON

typedef struct {
  const char *at, *end;
} edge_reader_;

EDGE_FN_ char edge_peek_(const edge_reader_ *r) { return r->at < r->end ? *r->at : 0; }

EDGE_FN_ bool edge_take_(edge_reader_ *r, char c) {
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

EDGE_FN_ char edge_space_(edge_reader_ *r) {
  while (edge_peek_(r) == ' ' || edge_peek_(r) == '\t' || edge_peek_(r) == '\n' || edge_peek_(r) == '\r') r->at++;
  return edge_peek_(r);
}

EDGE_FN_ bool edge_is_digit_(char c) { return c >= '0' && c <= '9'; }

EDGE_FN_ bool edge_digits_(edge_reader_ *r) {
  const char *from = r->at;
  while (edge_is_digit_(edge_peek_(r))) r->at++;
  return r->at > from;
}

// edge_skip_number_ passes over a number in the grammar of RFC 8259, section 6.
EDGE_FN_ bool edge_skip_number_(edge_reader_ *r) {
  edge_take_(r, '-');
  if (!edge_take_(r, '0') && !edge_digits_(r)) return false;
  if (edge_take_(r, '.') && !edge_digits_(r)) return false;
  if (!edge_take_(r, 'e') && !edge_take_(r, 'E')) return true;
  if (!edge_take_(r, '+')) edge_take_(r, '-');
  return edge_digits_(r);
}

EDGE_FN_ int edge_hex_(char c) {
  if (edge_is_digit_(c)) return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

EDGE_FN_ bool edge_skip_text_(edge_reader_ *r) {
  if (!edge_take_(r, '"')) return false;
  while (r->at < r->end) {
    uint8_t c = (uint8_t)*r->at++;
    if (c == '"') return true;
    if (c < ' ') return false;
    if (c != '\\') continue;
    c = (uint8_t)edge_peek_(r);
    r->at++;
    if (c == 'u') {
      for (int n = 0; n < 4; n++, r->at++)
        if (edge_hex_(edge_peek_(r)) < 0) return false;
    } else if (c != '"' && c != '\\' && c != '/' && c != 'b' && c != 'f' && c != 'n' && c != 'r' && c != 't') {
      return false;
    }
  }
  return false;
}

EDGE_FN_ bool edge_skip_word_(edge_reader_ *r, const char *word) {
  while (*word)
    if (!edge_take_(r, *word++)) return false;
  return true;
}

enum { EDGE_DEEPEST_ = 100 }; // levels of nesting: a deeper document is refused before it uses up the stack

EDGE_FN_ bool edge_skip_value_(edge_reader_ *r, int depth) {
  char open = edge_space_(r);
  switch (open) {
  case '"': return edge_skip_text_(r);
  case 't': return edge_skip_word_(r, "true");
  case 'f': return edge_skip_word_(r, "false");
  case 'n': return edge_skip_word_(r, "null");
  case '{':
  case '[': break;
  default: return edge_skip_number_(r);
  }
  r->at++;
  for (bool first = true; depth < EDGE_DEEPEST_; first = false) {
    edge_space_(r);
    if (edge_take_(r, open == '{' ? '}' : ']')) return true;
    if (!first && !edge_take_(r, ',')) return false;
    if (open == '{') {
      edge_space_(r);
      if (!edge_skip_text_(r) || edge_space_(r) != ':') return false;
      r->at++;
    }
    if (!edge_skip_value_(r, depth + 1)) return false;
  }
  return false;
}

// edge_members goes over the members of a JSON object:
//
//	edge_members m = edge_members_of(body);
//	while (edge_next(&m)) if (edge_is(m.key, "value")) …
//	if (m.malformed) return edge_fail("body is not a JSON object");
typedef struct {
  edge_str key;   // of the member at hand, as it is written between its quotes
  edge_str value; // JSON
  bool malformed; // the document is not an object, or not valid
  edge_reader_ r;
  bool first, ended;
} edge_members;

EDGE_FN_ edge_members edge_members_of(edge_str json) {
  edge_members m = {.r = {json.at, json.at + json.len}, .first = true};
  edge_space_(&m.r);
  m.malformed = m.ended = !edge_take_(&m.r, '{');
  return m;
}

EDGE_FN_ bool edge_next_(edge_members *m) {
  edge_reader_ *r = &m->r;
  if ((!m->first && !edge_take_(r, ',')) || edge_space_(r) != '"') return false;
  const char *from = r->at + 1;
  if (!edge_skip_text_(r)) return false;
  m->key = (edge_str){from, (uint32_t)(r->at - from) - 1};
  edge_space_(r);
  if (!edge_take_(r, ':')) return false;
  edge_space_(r);
  from = r->at;
  if (!edge_skip_value_(r, 1)) return false;
  m->value = (edge_str){from, (uint32_t)(r->at - from)};
  m->first = false;
  return true;
}

// edge_next moves to the next member and reports whether there is one.
EDGE_FN_ bool edge_next(edge_members *m) {
  if (m->ended) return false;
  edge_space_(&m->r);
  if (edge_take_(&m->r, '}')) {
    m->ended = true;
    m->malformed = edge_space_(&m->r) != 0 || m->r.at != m->r.end;
    return false;
  }
  m->malformed = m->ended = !edge_next_(m);
  return !m->ended;
}

EDGE_FN_ bool edge_is_null(edge_str json) { return edge_is(json, "null"); }

// edge_bool reads true or false and reports whether the value is one of them.
EDGE_FN_ bool edge_bool(edge_str json, bool *value) {
  *value = edge_is(json, "true");
  return *value || edge_is(json, "false");
}

// edge_integer reads a whole number, with all its digits, and reports whether the value is one that fits.
EDGE_FN_ bool edge_integer(edge_str json, int64_t *number) {
  edge_reader_ r = {json.at, json.at + json.len};
  bool negative = edge_take_(&r, '-');
  uint64_t most = (uint64_t)INT64_MAX + negative, sum = 0;
  if (r.at == r.end) return false;
  for (; r.at < r.end; r.at++) {
    uint64_t digit = (uint64_t)*r.at - '0';
    if (digit > 9 || sum > (most - digit) / 10) return false;
    sum = sum * 10 + digit;
  }
  *number = (int64_t)(negative ? -sum : sum);
  return true;
}

// edge_number reads a number, rounded to the nearest double, and reports whether the value is one that a double can hold.
EDGE_FN_ bool edge_number(edge_str json, double *number);

EDGE_FN_ uint32_t edge_hex4_(const char *at) {
  uint32_t code = 0;
  for (int n = 0; n < 4; n++) code = code << 4 | (uint32_t)edge_hex_(at[n]);
  return code;
}

EDGE_FN_ void edge_write_rune_(edge_writer *w, uint32_t c) {
  if (c < 0x80) {
    edge_write_byte_(w, (char)c);
    return;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  edge_write_byte_(w, (char)((0xff00 >> (more + 1) & 0xff) | c >> (6 * more)));
  while (more--) edge_write_byte_(w, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

// edge_escape_ writes the character whose escape begins at at and returns where it ends.
EDGE_FN_ const char *edge_escape_(edge_writer *w, const char *at, const char *end) {
  static const char letters[] = "bfnrt", codes[] = "\b\f\n\r\t";
  if (at[1] != 'u') {
    char c = at[1];
    for (int n = 0; letters[n]; n++)
      if (at[1] == letters[n]) c = codes[n];
    edge_write_byte_(w, c);
    return at + 2;
  }
  uint32_t c = edge_hex4_(at + 2);
  at += 6;
  if (c >> 11 != 0x1b) { // no half of a pair
    edge_write_rune_(w, c);
    return at;
  }
  uint32_t low = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? edge_hex4_(at + 2) : 0;
  bool pair = c < 0xdc00 && low >= 0xdc00 && low < 0xe000;
  edge_write_rune_(w, pair ? 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff)) : 0xfffd);
  return pair ? at + 6 : at;
}

// edge_chars writes the characters of a JSON string and reports whether the value is one.
EDGE_FN_ bool edge_chars(edge_str json, edge_writer *into) {
  edge_reader_ r = {json.at, json.at + json.len};
  if (!edge_skip_text_(&r) || r.at != r.end) return false;
  const char *at = json.at + 1, *end = r.end - 1;
  while (at < end) {
    if (*at == '\\') at = edge_escape_(into, at, end);
    else edge_write_byte_(into, *at++);
  }
  return true;
}

// edge_unescape_ replaces a JSON string by its characters, in the input, where they are never longer, and reports
// whether it is one. null is the empty text.
EDGE_FN_ bool edge_unescape_(edge_str json, edge_str *text) {
  *text = (edge_str){json.at, 0};
  if (edge_is_null(json)) return true;
  edge_writer w = {(char *)json.at, 0, json.len, false};
  if (!edge_chars(json, &w)) return false;
  *text = edge_written(&w);
  return true;
}

// ---- Settings

// edge_setting says where in a struct a setting goes. A member has the setting's name: EDGE_NUMBER(settings, high) is
// the setting "high" and the member double high of the type settings.
typedef struct {
  const char *name;
  int kind;
  uint32_t offset, size;
} edge_setting;

enum { EDGE_IS_NUMBER_, EDGE_IS_INTEGER_, EDGE_IS_BOOL_, EDGE_IS_TEXT_ };
#define EDGE_SETTING_(type, member, kind) {#member, kind, offsetof(type, member), sizeof(((type *)0)->member)}
#define EDGE_NUMBER(type, member) EDGE_SETTING_(type, member, EDGE_IS_NUMBER_)   // a double
#define EDGE_INTEGER(type, member) EDGE_SETTING_(type, member, EDGE_IS_INTEGER_) // an int64_t
#define EDGE_BOOL(type, member) EDGE_SETTING_(type, member, EDGE_IS_BOOL_)       // a bool
#define EDGE_TEXT(type, member) EDGE_SETTING_(type, member, EDGE_IS_TEXT_)       // a char[], ended by a zero

// edge_fail_written fails the call with a reason that was put together; what did not fit is cut off.
EDGE_FN_ edge_verdict edge_fail_written(const edge_writer *reason) {
  edge_fail_(reason->at, reason->len);
  return EDGE_FAILED;
}

// edge_write_excerpt appends the beginning of a value, for a reason.
EDGE_FN_ void edge_write_excerpt(edge_writer *w, edge_str json) {
  uint32_t most = 40;
  edge_write(w, (edge_str){json.at, json.len < most ? json.len : most});
  if (json.len > most) edge_write(w, edge_text("…"));
}

// edge_fail_with fails the call with a reason and, after a colon, the beginning of a value.
EDGE_FN_ edge_verdict edge_fail_with(const char *reason, edge_str json) {
  char buf[512];
  edge_writer w = EDGE_WRITER(buf);
  edge_write(&w, edge_text(reason));
  edge_write(&w, edge_text(": "));
  edge_write_excerpt(&w, json);
  return edge_fail_written(&w);
}

EDGE_FN_ bool edge_unknown_(edge_str key, const edge_setting *known, uint32_t count) {
  char buf[512];
  edge_writer w = EDGE_WRITER(buf);
  edge_write(&w, edge_text("unknown setting \""));
  edge_write(&w, key);
  edge_write(&w, edge_text(count ? "\" (known: " : "\" (there are none"));
  for (uint32_t n = 0; n < count; n++) {
    if (n) edge_write(&w, edge_text(", "));
    edge_write(&w, edge_text(known[n].name));
  }
  edge_write(&w, edge_text(")"));
  return edge_fail_written(&w) == EDGE_DROP;
}

EDGE_FN_ bool edge_mistyped_(edge_str value, const edge_setting *s) {
  static const char *const want[] = {"a number", "a whole number", "true or false", "a string that fits"};
  char buf[256];
  edge_writer w = EDGE_WRITER(buf);
  edge_write(&w, edge_text("setting \""));
  edge_write(&w, edge_text(s->name));
  edge_write(&w, edge_text("\": want "));
  edge_write(&w, edge_text(want[s->kind]));
  edge_write(&w, edge_text(", got "));
  edge_write_excerpt(&w, value);
  return edge_fail_written(&w) == EDGE_DROP;
}

EDGE_FN_ bool edge_assign_(edge_str value, const edge_setting *s, void *into) {
  char *at = (char *)into + s->offset;
  edge_writer text = {at, 0, s->size - 1, false};
  switch (s->kind) {
  case EDGE_IS_NUMBER_: return edge_number(value, (double *)at);
  case EDGE_IS_INTEGER_: return edge_integer(value, (int64_t *)at);
  case EDGE_IS_BOOL_: return edge_bool(value, (bool *)at);
  }
  if (!edge_chars(value, &text) || text.full) return false;
  at[text.len] = 0;
  return true;
}

// edge_read_settings reads the twin's settings over the defaults that stand in the struct into, and reports whether all
// are known and of the right type; it has told the reason where not, and into is then of no use. Read into a copy, check
// whether the settings make sense together, and only then put them to work.
EDGE_FN_ bool edge_read_settings(const edge_signal *signal, const edge_setting *known, uint32_t count, void *into) {
  if (!signal->settings.len || edge_is_null(signal->settings)) return true;
  edge_members m = edge_members_of(signal->settings);
  while (edge_next(&m)) {
    uint32_t n = 0;
    while (n < count && !edge_is(m.key, known[n].name)) n++;
    if (n == count) return edge_unknown_(m.key, known, count);
    if (!edge_is_null(m.value) && !edge_assign_(m.value, &known[n], into)) return edge_mistyped_(m.value, &known[n]);
  }
  return !m.malformed || edge_refuse("settings: want an object");
}

// ---- Numbers: exact in both directions, by whole numbers as long as it takes, where a double is not exact by itself

typedef struct {
  uint32_t len, digits[136]; // to the base 2^32, the least first; room for 10^1092 times a double, doubled twice
} edge_big_;

EDGE_FN_ edge_big_ *edge_big_set_(edge_big_ *b, uint64_t value) {
  b->digits[0] = (uint32_t)value;
  b->digits[1] = (uint32_t)(value >> 32);
  b->len = b->digits[1] ? 2 : b->digits[0] ? 1 : 0;
  return b;
}

// edge_big_mul_ makes b = b * factor + plus.
EDGE_FN_ void edge_big_mul_(edge_big_ *b, uint32_t factor, uint32_t plus) {
  uint64_t carry = plus;
  for (uint32_t n = 0; n < b->len; n++, carry >>= 32) {
    carry += (uint64_t)b->digits[n] * factor;
    b->digits[n] = (uint32_t)carry;
  }
  if (carry) b->digits[b->len++] = (uint32_t)carry;
}

EDGE_FN_ void edge_big_mul10_(edge_big_ *b, int power) {
  for (; power >= 9; power -= 9) edge_big_mul_(b, 1000000000, 0);
  for (; power > 0; power--) edge_big_mul_(b, 10, 0);
}

EDGE_FN_ void edge_big_shift_(edge_big_ *b, int bits) {
  uint32_t whole = (uint32_t)bits / 32;
  edge_big_mul_(b, 1u << bits % 32, 0);
  if (!whole || !b->len) return;
  for (uint32_t n = b->len; n--;) b->digits[n + whole] = b->digits[n];
  for (uint32_t n = 0; n < whole; n++) b->digits[n] = 0;
  b->len += whole;
}

EDGE_FN_ int edge_big_compare_(const edge_big_ *a, const edge_big_ *b) {
  if (a->len != b->len) return a->len < b->len ? -1 : 1;
  for (uint32_t n = a->len; n--;)
    if (a->digits[n] != b->digits[n]) return a->digits[n] < b->digits[n] ? -1 : 1;
  return 0;
}

// edge_big_add_ makes a = a + sign * b; no result is negative.
EDGE_FN_ void edge_big_add_(edge_big_ *a, const edge_big_ *b, int sign) {
  int64_t carry = 0;
  for (uint32_t n = 0; n < b->len || carry; n++, carry >>= 32) {
    if (n == a->len) a->digits[a->len++] = 0;
    carry += (int64_t)a->digits[n] + (n < b->len ? (int64_t)b->digits[n] * sign : 0);
    a->digits[n] = (uint32_t)carry;
  }
  while (a->len && !a->digits[a->len - 1]) a->len--;
}

typedef union {
  double number;
  uint64_t bits;
} edge_double_;

enum { EDGE_EXACT_ = 22 }; // up to here a double holds a power of ten exactly

EDGE_FN_ double edge_pow10_(int power) {
  double result = 1;
  while (power--) result *= 10;
  return result;
}

// edge_split_ takes a double that is finite and not negative apart: it is the returned whole number * 2^exponent.
EDGE_FN_ uint64_t edge_split_(uint64_t bits, int *exponent) {
  int biased = (int)(bits >> 52);
  uint64_t fraction = bits & ((1ull << 52) - 1);
  *exponent = (biased ? biased : 1) - 1075;
  return biased ? fraction | 1ull << 52 : fraction;
}

// edge_decimal_ is a number as it is written: count digits from at on, a point among them, times 10^power. more says
// that other than zeros follow: no digit after the 768th decides anything else than a tie.
typedef struct {
  const char *at;
  int count, power;
  bool more;
  uint64_t head; // the first 19 of the digits
} edge_decimal_;

enum { EDGE_HEAD_ = 19, EDGE_DIGITS_ = 768 };

// edge_rounds_up_ reports whether a decimal lies above the middle between the double of the given bits and the next, or
// in the middle and the next is the even one.
EDGE_FN_ bool edge_rounds_up_(const edge_decimal_ *d, uint64_t bits) {
  edge_big_ decimal = {0}, middle;
  const char *at = d->at;
  for (int n = 0; n < d->count; at++)
    if (*at != '.') edge_big_mul_(&decimal, 10, (uint32_t)(*at - '0')), n++;
  int exponent;
  edge_big_set_(&middle, edge_split_(bits, &exponent) * 2 + 1);
  exponent--;
  edge_big_mul10_(d->power < 0 ? &middle : &decimal, d->power < 0 ? -d->power : d->power);
  edge_big_shift_(exponent < 0 ? &decimal : &middle, exponent < 0 ? -exponent : exponent);
  int compared = edge_big_compare_(&decimal, &middle);
  return compared > 0 || (compared == 0 && (d->more || (bits & 1)));
}

EDGE_FN_ double edge_scale_(double number, int power) {
  for (; power > EDGE_EXACT_; power -= EDGE_EXACT_) number *= edge_pow10_(EDGE_EXACT_);
  for (; power < -EDGE_EXACT_; power += EDGE_EXACT_) number /= edge_pow10_(EDGE_EXACT_);
  return power < 0 ? number / edge_pow10_(-power) : number * edge_pow10_(power);
}

// edge_nearest_ returns the double nearest to a decimal, infinity where that is too large.
EDGE_FN_ double edge_nearest_(const edge_decimal_ *d) {
  const uint64_t infinity = 0x7ffull << 52;
  int power = d->power + (d->count > EDGE_HEAD_ ? d->count - EDGE_HEAD_ : 0);
  edge_double_ near = {edge_scale_((double)d->head, power)};
  bool exact = d->head >> 53 == 0 && d->count <= EDGE_HEAD_ && power >= -EDGE_EXACT_ && power <= EDGE_EXACT_;
  if (exact) return near.number;
  if (near.bits >= infinity) near.bits = infinity - 1;
  while (near.bits < infinity && edge_rounds_up_(d, near.bits)) near.bits++;
  while (near.bits && !edge_rounds_up_(d, near.bits - 1)) near.bits--;
  return near.number;
}

EDGE_FN_ void edge_decimal_digit_(edge_decimal_ *d, const char *at, bool point) {
  if (!d->count) d->at = at;
  if (d->count == EDGE_DIGITS_) {
    d->power += !point;
    d->more = d->more || *at != '0';
    return;
  }
  d->power -= point;
  if (!d->count && *at == '0') return;
  if (d->count++ < EDGE_HEAD_) d->head = d->head * 10 + (uint64_t)(*at - '0');
}

// edge_decimal_of_ reads a number that edge_skip_number_ has passed over, its sign left out.
EDGE_FN_ edge_decimal_ edge_decimal_of_(const char *at, const char *end) {
  edge_decimal_ d = {0};
  bool point = false;
  for (; at < end && (*at | 32) != 'e'; at++) {
    if (*at == '.') point = true;
    else edge_decimal_digit_(&d, at, point);
  }
  if (at == end) return d;
  bool negative = *++at == '-';
  int exponent = 0;
  for (at += negative || *at == '+'; at < end; at++)
    if (exponent < 100000000) exponent = exponent * 10 + (*at - '0');
  d.power += negative ? -exponent : exponent;
  return d;
}

EDGE_FN_ bool edge_number(edge_str json, double *number) {
  edge_reader_ r = {json.at, json.at + json.len};
  if (!edge_skip_number_(&r) || r.at != r.end) return false;
  bool negative = *json.at == '-';
  edge_decimal_ d = edge_decimal_of_(json.at + negative, r.end);
  edge_double_ nearest = {0};
  if (d.count && d.count + d.power > 310) return false;
  if (d.count && d.count + d.power > -330) nearest.number = edge_nearest_(&d);
  *number = negative ? -nearest.number : nearest.number;
  return nearest.bits >> 52 != 0x7ff;
}

// edge_shortest_ is the digits of a number, as few as read back as the same one, times 10^power.
typedef struct {
  char digits[20];
  int count, power;
} edge_shortest_;

// edge_few_ finds at most 15 digits by a double's own arithmetic, which is exact for so few: most readings have fewer.
EDGE_FN_ bool edge_few_(double number, edge_shortest_ *s) {
  double power = 1;
  for (int places = 0; places <= EDGE_EXACT_; places++, power *= 10) {
    double scaled = number * power;
    if (scaled >= 1e15) return false;
    uint64_t whole = (uint64_t)(scaled + 0.5);
    if ((double)whole / power != number) continue;
    s->power = -places;
    for (uint64_t rest = whole; rest; rest /= 10) s->count++;
    for (int n = s->count; n--; whole /= 10) s->digits[n] = (char)('0' + whole % 10);
    return true;
  }
  return false;
}

// edge_range_ is a number between its neighbours, over a common scale: number, and half the distance to the neighbour
// below and above.
typedef struct {
  edge_big_ number, below, above, scale;
} edge_range_;

EDGE_FN_ void edge_range_mul10_(edge_range_ *r, int power) {
  edge_big_mul10_(&r->number, power);
  edge_big_mul10_(&r->below, power);
  edge_big_mul10_(&r->above, power);
}

EDGE_FN_ void edge_range_of_(edge_range_ *r, uint64_t bits) {
  int exponent;
  edge_big_set_(&r->number, edge_split_(bits, &exponent));
  bool uneven = bits << 12 == 0 && bits >> 52 > 1; // the neighbour below is half as far
  edge_big_shift_(&r->number, 1 + uneven + (exponent > 0 ? exponent : 0));
  edge_big_shift_(edge_big_set_(&r->below, 1), exponent > 0 ? exponent : 0);
  edge_big_shift_(edge_big_set_(&r->above, 1), uneven + (exponent > 0 ? exponent : 0));
  edge_big_shift_(edge_big_set_(&r->scale, 1), 1 + uneven - (exponent < 0 ? exponent : 0));
}

// edge_reaches_ compares number + above with scale: whether the next digit up is a way to write the number.
EDGE_FN_ bool edge_reaches_(const edge_range_ *r, bool even) {
  edge_big_ sum = r->number;
  edge_big_add_(&sum, &r->above, 1);
  return edge_big_compare_(&sum, &r->scale) >= !even;
}

EDGE_FN_ void edge_many_(double number, edge_shortest_ *s) {
  edge_double_ d = {number};
  bool even = !(d.bits & 1), low = false, high = false;
  edge_range_ r;
  edge_range_of_(&r, d.bits);
  int point = 0; // number = 0.digits * 10^point
  for (double rest = number; rest >= 10; rest /= 10) point++;
  for (double rest = number; rest < 0.1; rest *= 10) point--;
  if (point < 0) edge_range_mul10_(&r, -point);
  else edge_big_mul10_(&r.scale, point);
  for (; edge_reaches_(&r, even); point++) edge_big_mul10_(&r.scale, 1);
  s->count = 0;
  while (!low && !high) {
    edge_range_mul10_(&r, 1);
    char digit = '0';
    for (; edge_big_compare_(&r.number, &r.scale) >= 0; digit++) edge_big_add_(&r.number, &r.scale, -1);
    low = edge_big_compare_(&r.number, &r.below) < even;
    high = edge_reaches_(&r, even);
    s->digits[s->count++] = digit;
  }
  edge_big_mul_(&r.number, 2, 0);
  int middle = edge_big_compare_(&r.number, &r.scale);
  char *last = &s->digits[s->count - 1];
  if (high && (!low || middle > 0 || (middle == 0 && (*last & 1)))) ++*last;
  s->power = point - s->count;
}

EDGE_FN_ void edge_write_digits_(edge_writer *w, const edge_shortest_ *s, int from, int to) {
  for (int n = from; n < to; n++) edge_write_byte_(w, n >= 0 && n < s->count ? s->digits[n] : '0');
}

// The form is that of JavaScript and of Go's encoding/json.
EDGE_FN_ void edge_write_number(edge_writer *w, double number) {
  edge_double_ d = {number};
  if ((d.bits >> 52 & 0x7ff) == 0x7ff) {
    edge_write(w, edge_text("null"));
    return;
  }
  if (d.bits >> 63) edge_write_byte_(w, '-');
  d.bits = d.bits << 1 >> 1;
  edge_shortest_ s = {0};
  if (!edge_few_(d.number, &s)) edge_many_(d.number, &s);
  int point = s.count + s.power;
  if (point > -6 && point <= 21) {
    edge_write_digits_(w, &s, point < 1 ? point - 1 : 0, point);
    if (point >= s.count) return;
    edge_write_byte_(w, '.');
    edge_write_digits_(w, &s, point, s.count);
    return;
  }
  edge_write_digits_(w, &s, 0, 1);
  if (s.count > 1) edge_write_byte_(w, '.');
  edge_write_digits_(w, &s, 1, s.count);
  edge_write(w, edge_text(point < 1 ? "e-" : "e+"));
  int exponent = point < 1 ? 1 - point : point - 1;
  if (exponent >= 100) edge_write_byte_(w, (char)('0' + exponent / 100));
  if (exponent >= 10) edge_write_byte_(w, (char)('0' + exponent / 10 % 10));
  edge_write_byte_(w, (char)('0' + exponent % 10));
}

// ---- The exports

// edge_decode_ reads a sample from the host's JSON. Keys of a newer host are passed over.
EDGE_FN_ const char *edge_decode_(edge_str body, edge_sample *s) {
  edge_str quality = {0}, reason = {0};
  edge_members m = edge_members_of(body);
  while (edge_next(&m)) {
    bool ok = true;
    if (edge_is(m.key, "value")) s->value = m.value;
    else if (edge_is(m.key, "signal")) ok = edge_unescape_(m.value, &s->signal);
    else if (edge_is(m.key, "unit")) ok = edge_unescape_(m.value, &s->unit);
    else if (edge_is(m.key, "sourceTimestamp")) ok = edge_unescape_(m.value, &s->source_timestamp);
    else if (edge_is(m.key, "publishTimestamp")) ok = edge_unescape_(m.value, &s->publish_timestamp);
    else if (edge_is(m.key, "quality")) ok = edge_unescape_(m.value, &quality);
    else if (edge_is(m.key, "reason")) ok = edge_unescape_(m.value, &reason);
    if (!ok) return "read sample: a text is not a string";
  }
  if (m.malformed) return "read sample: the message is not a JSON object";
  if (!s->value.len) return "read sample: no \"value\": is the signal without a selector?";
  s->quality = edge_is(quality, "bad") ? EDGE_BAD : edge_is(quality, "uncertain") ? EDGE_UNCERTAIN : EDGE_GOOD;
  s->reason = edge_is(reason, "heartbeat") ? EDGE_HEARTBEAT : edge_is(reason, "first") ? EDGE_FIRST : EDGE_CHANGE;
  return NULL;
}

EDGE_FN_ edge_verdict edge_call_configure_(const edge_guest *guest, edge_str document) {
  edge_signal s = {0};
  bool ok = true;
  edge_members m = edge_members_of(document);
  while (edge_next(&m)) {
    if (edge_is(m.key, "signal")) ok = ok && edge_unescape_(m.value, &s.signal);
    else if (edge_is(m.key, "partition")) ok = ok && edge_unescape_(m.value, &s.partition);
    else if (edge_is(m.key, "settings")) s.settings = m.value;
  }
  if (m.malformed || !ok) return edge_fail("read configuration: it is malformed");
  bool accepted = guest->configure ? guest->configure(&s) : edge_read_settings(&s, NULL, 0, NULL);
  return accepted ? 0 : EDGE_FAILED;
}

EDGE_FN_ edge_verdict edge_call_message_(const edge_guest *guest, edge_str body) {
  if (!guest->sample) return guest->message ? guest->message(body) : edge_fail("guest takes no messages");
  edge_sample sample = {0};
  const char *reason = edge_decode_(body, &sample);
  return reason ? edge_fail(reason) : guest->sample(&sample);
}

#ifndef EDGE_LARGEST
#define EDGE_LARGEST (1 << 20) // bytes of a message; edgeHub lets 262,144 through
#endif

// edge_room_ returns room for what the host hands in. One buffer does for all calls, since each is done with its input
// when it returns: a small one of the guest's own, for larger messages new pages of memory, which nothing else uses. The
// small one does for a sample, and leaves the page of memory that it is in to the guest's variables too.
EDGE_FN_ void *edge_room_(uint32_t size) {
  static char small[1024];
  static char *room = small;
  static uint32_t cap = sizeof small;
  if (size <= cap) return room;
  if (size > EDGE_LARGEST) return NULL;
  uint32_t want = size > 2 * cap ? size : 2 * cap, pages = (want + 65535) / 65536;
  size_t first = __builtin_wasm_memory_grow(0, pages);
  if (first == (size_t)-1) return NULL;
  room = (char *)(first * 65536);
  cap = pages * 65536;
  return room;
}

#define EDGE_EXPORT_(name) __attribute__((export_name(name)))

// EDGE_GUEST makes the handlers those that the host calls. It stands once in a guest.
#define EDGE_GUEST(...)                                                                                          \
  static const edge_guest edge_this_ = {__VA_ARGS__};                                                            \
  EDGE_EXPORT_("edge_alloc") void *edge_export_alloc_(uint32_t size) { return edge_room_(size); }                \
  EDGE_EXPORT_("edge_configure") edge_verdict edge_export_configure_(const char *at, uint32_t len) {             \
    return edge_call_configure_(&edge_this_, (edge_str){at, len});                                               \
  }                                                                                                              \
  EDGE_EXPORT_("edge_message") edge_verdict edge_export_message_(const char *at, uint32_t len) {                 \
    return edge_call_message_(&edge_this_, (edge_str){at, len});                                                 \
  }                                                                                                              \
  EDGE_EXPORT_("edge_timer") edge_verdict edge_export_timer_(void) {                                             \
    return edge_this_.tick ? edge_this_.tick() : edge_fail("guest takes no ticks");                              \
  }

#endif
