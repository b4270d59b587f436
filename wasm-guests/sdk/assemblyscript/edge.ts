// edge.ts is the AssemblyScript SDK for guests of Wasm-on-Edge: small programs that an IoT Edge gateway runs in a
// sandbox, one instance for each signal that the module's twin binds to them. It is this one module.
//
// A guest is a subclass of Guest, handed to register once. This one passes the samples above a limit that the twin sets:
//
//	import * as edge from "./edge";
//	export { edge_alloc, edge_configure, edge_message, edge_timer } from "./edge";
//
//	class Above extends edge.Guest {
//	  high: f64 = 0;
//
//	  configure(settings: edge.Settings): bool {
//	    const high = settings.number("high", 0);
//	    if (!settings.valid()) return false;
//	    this.high = high;
//	    return true;
//	  }
//
//	  sample(s: edge.Sample): edge.Verdict {
//	    return edge.passIf(s.value.isNumber() && s.value.number() > this.high);
//	  }
//	}
//
//	edge.register(new Above());
//
// It is built with
//
//	npx asc above.ts -O3 --noAssert --runtime incremental --use abort= --exportStart _initialize -o above.wasm
//
// Calls are transactions: what a guest emits, stores and counts during a call takes effect only when its handler does
// not fail. The reason given to fail becomes the one under which the host keeps the message as a dead letter. What a
// handler keeps in its own fields is not undone: change them last.
//
// Concurrency: the host calls an instance from one thread, one call at a time. A Json that a handler is given is valid
// until it returns; a string stays.

// ---- What a guest is

// Verdict is what a guest says of the message it was given. It speaks of the input alone: what was emitted is sent in
// any case, before a message that is passed on.
export enum Verdict {
  Failed = -1, // see fail
  Drop = 0, // the message is not passed on
  Pass = 1, // the message is passed on unchanged; a passed tick is done
  Done = 2, // what was emitted is the result
}

export function passIf(condition: bool): Verdict {
  return condition ? Verdict.Pass : Verdict.Drop;
}

// Quality is how far a value can be trusted, in OPC UA's words.
export enum Quality { Good, Uncertain, Bad }

// Reason is why a sample was sent: a reading as it came, the last known value again, the first since the start.
export enum Reason { Change, Heartbeat, First }

// Sample is one value of a signal.
export class Sample {
  signal: string = ""; // the signal's name in the twin
  value: Json = new Json(0, 0);
  unit: string = ""; // of value, as the twin gives it; may be empty
  sourceTimestamp: string = ""; // when the value was, or arrived: RFC 3339 in UTC
  publishTimestamp: string = ""; // of a heartbeat: when it was repeated; else empty
  quality: Quality = Quality.Good;
  reason: Reason = Reason.Change;
}

// Guest is the handlers of a guest. Override sample or message, not both, or tick, or one of the two and tick.
export abstract class Guest {
  // configure is called before the first message and at each change of the settings. It returns true, or false after
  // settings.valid or refuse has told the reason, before anything of the guest has changed: the old ones stay at work.
  configure(settings: Settings): bool { return settings.valid(); }

  // sample is called with each sample of a signal that has a selector or a node in the twin.
  sample(sample: Sample): Verdict { return fail("guest takes no messages"); }

  // message is called with the body of each message of a signal without a selector, and of a sample too where it is
  // overridden.
  message(body: Json): Verdict {
    const sample = new Sample();
    const reason = decode(body, sample);
    return reason.length ? fail("read sample: " + reason) : this.sample(sample);
  }

  // tick is called at each tick of a signal whose source is "timer".
  tick(): Verdict { return fail("guest takes no ticks"); }
}

// ---- What the host offers

@external("edge", "emit") declare function hostEmit(o: usize, ol: i32, b: usize, bl: i32, p: usize, pl: i32): i32;
@external("edge", "property") declare function hostProperty(k: usize, kl: i32, buf: usize, cap: i32): i32;
@external("edge", "fail") declare function hostFail(at: usize, len: i32): void;
@external("edge", "log") declare function hostLog(level: i32, at: usize, len: i32): void;
@external("edge", "now") declare function hostNow(): i64;
@external("edge", "state_get") declare function hostStateGet(k: usize, kl: i32, buf: usize, cap: i32): i32;
@external("edge", "state_set") declare function hostStateSet(k: usize, kl: i32, v: usize, vl: i32): i32;
@external("edge", "state_delete") declare function hostStateDelete(k: usize, kl: i32): i32;
@external("edge", "metric") declare function hostMetric(kind: i32, n: usize, nl: i32, value: f64): void;

// @ts-ignore: decorator
@inline
function at(bytes: ArrayBuffer): usize { return changetype<usize>(bytes); }

// fail fails the call: return fail("…") from a handler.
export function fail(reason: string): Verdict {
  const text = String.UTF8.encode(reason);
  hostFail(at(text), text.byteLength);
  return Verdict.Failed;
}

// refuse refuses settings: return refuse("…") from configure.
export function refuse(reason: string): bool {
  fail(reason);
  return false;
}

export enum Level { Trace, Debug, Info, Warning, Error, Critical }

// log writes a line to the module's log, under the guest's name and signal.
export function log(level: Level, line: string): void {
  const text = String.UTF8.encode(line);
  hostLog(level, at(text), text.byteLength);
}

// now returns the host's time as Unix time in milliseconds, the argument of Date.
export function now(): i64 { return hostNow(); }

// property returns a property of the message at hand, an application property or one such as "$.ct", "$.cdid", "$source"
// or "$input"; null where there is none of that name.
export function property(name: string): string | null {
  const key = String.UTF8.encode(name);
  const length = hostProperty(at(key), key.byteLength, 0, 0);
  if (length < 0) return null;
  const value = new ArrayBuffer(length);
  hostProperty(at(key), key.byteLength, at(value), length);
  return String.UTF8.decode(value);
}

// state returns a copy of what was stored under key, or null. It survives restarts and swaps. A signal whose guest uses
// state is committed to disk with each message, which takes time.
export function state(key: string): ArrayBuffer | null {
  const name = String.UTF8.encode(key);
  const length = hostStateGet(at(name), name.byteLength, 0, 0);
  if (length < 0) return null;
  const value = new ArrayBuffer(length);
  hostStateGet(at(name), name.byteLength, at(value), length);
  return value;
}

// Result says whether the host does what a guest asked. done makes a verdict of it.
export enum Result {
  Ok = 0,
  OverLimit = -1, // a message is one too many for this call or too large
  NotAllowed = -2, // an output or a property has a name that guests may not use
  OverStorage = -3, // a value does not fit what the guest may store
}

// setState stores bytes under key: Ok or OverStorage.
export function setState(key: string, value: ArrayBuffer): Result {
  const name = String.UTF8.encode(key);
  const stored = hostStateSet(at(name), name.byteLength, at(value), value.byteLength);
  return stored < 0 ? Result.OverStorage : Result.Ok;
}

// deleteState forgets what is stored under key.
export function deleteState(key: string): void {
  const name = String.UTF8.encode(key);
  hostStateDelete(at(name), name.byteLength);
}

// done returns Done where a result is Ok, else fails the call with what the result says.
export function done(result: Result): Verdict {
  switch (result) {
    case Result.Ok: return Verdict.Done;
    case Result.OverLimit: return fail("emit: over a limit of the guest (emitsPerCall, emitKiBPerCall)");
    case Result.NotAllowed: return fail("emit: name of output or property is not allowed");
  }
  return fail("store state: over the guest's storageMiB");
}

function metric(kind: i32, name: string, value: f64): void {
  const text = String.UTF8.encode(name);
  hostMetric(kind, at(text), text.byteLength, value);
}

// count adds to a counter, gauge sets a gauge, observe adds a value to a histogram. A guest may have 32 metrics of all
// kinds.
export function count(name: string, delta: f64): void { metric(0, name, delta); }
export function gauge(name: string, value: f64): void { metric(1, name, value); }
export function observe(name: string, value: f64): void { metric(2, name, value); }

// emit sends a message when the handler returns without having failed; output "" is the signal's own. It returns Ok,
// OverLimit or NotAllowed. The host takes a copy.
export function emit(output: string, body: ArrayBuffer, properties: Properties = new Properties()): Result {
  return send(output, at(body), body.byteLength, properties);
}

function send(output: string, body: usize, length: i32, properties: Properties): Result {
  const name = String.UTF8.encode(output);
  const bag = properties.bag;
  return hostEmit(at(name), name.byteLength, body, length, at(bag.bytes), bag.length);
}

// ---- Writing

const HEX = "0123456789ABCDEF";

// Writer is bytes that are written one after the other.
class Writer {
  bytes: ArrayBuffer = new ArrayBuffer(256);
  length: i32 = 0;

  byte(c: i32): void {
    if (this.length == this.bytes.byteLength) {
      const wider = new ArrayBuffer(2 * this.length);
      memory.copy(at(wider), at(this.bytes), this.length);
      this.bytes = wider;
    }
    store<u8>(at(this.bytes) + this.length++, c);
  }

  copy(from: usize, length: i32): void {
    for (let n = 0; n < length; n++) this.byte(load<u8>(from + n));
  }

  ascii(text: string): void {
    for (let n = 0; n < text.length; n++) this.byte(text.charCodeAt(n));
  }

  // rune writes a character; half a pair of surrogates becomes U+FFFD.
  rune(c: i32): void {
    if (c < 0x80) return this.byte(c);
    if (c >> 11 == 0x1b) c = 0xfffd;
    let more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    this.byte(((0xff00 >> (more + 1)) & 0xff) | (c >> (6 * more)));
    while (more--) this.byte(0x80 | ((c >> (6 * more)) & 0x3f));
  }

  // text writes a JSON string.
  text(text: string): void {
    this.byte(0x22);
    for (let n = 0; n < text.length; n++) {
      const c = text.codePointAt(n);
      if (c > 0xffff) n++;
      if (c < 0x20) {
        this.ascii("\\u00");
        this.ascii(c.toString(16).padStart(2, "0"));
        continue;
      }
      if (c == 0x22 || c == 0x5c) this.byte(0x5c);
      this.rune(c);
    }
    this.byte(0x22);
  }

  encoded(text: string): void {
    const bytes = String.UTF8.encode(text);
    for (let n = 0; n < bytes.byteLength; n++) {
      const c = load<u8>(at(bytes) + n);
      if (unreserved(c)) {
        this.byte(c);
        continue;
      }
      this.byte(0x25);
      this.byte(HEX.charCodeAt(c >> 4));
      this.byte(HEX.charCodeAt(c & 15));
    }
  }
}

function unreserved(c: i32): bool {
  const letter = c | 32;
  return (letter >= 0x61 && letter <= 0x7a) || isDigit(c) || c == 0x2d || c == 0x2e || c == 0x5f || c == 0x7e;
}

// Properties of a message: application properties, which IoT Hub can route on, and "$.ct", "$.ce" and "$.schema".
export class Properties {
  bag: Writer = new Writer();

  add(name: string, value: string): Properties {
    if (this.bag.length) this.bag.byte(0x26);
    this.bag.encoded(name);
    this.bag.byte(0x3d);
    this.bag.encoded(value);
    return this;
  }
}

// Event writes a flat JSON object, member by member in the order of the calls:
//
//	const event = new edge.Event().text("signal", s.signal).number("value", 21.5);
//	return edge.done(event.emit());
export class Event {
  private json: Writer = new Writer();

  text(name: string, text: string): Event {
    this.member(name);
    this.json.text(text);
    return this;
  }

  // number writes a number with the fewest digits that read back as the same one, or null where it is none that JSON
  // knows, infinite or not a number.
  number(name: string, number: f64): Event {
    this.member(name);
    writeNumber(this.json, number);
    return this;
  }

  bool(name: string, value: bool): Event {
    this.member(name);
    this.json.ascii(value ? "true" : "false");
    return this;
  }

  // value adds JSON as it is, the value of a sample for example.
  value(name: string, value: Json): Event {
    this.member(name);
    this.json.copy(value.at, value.length);
    return this;
  }

  // emit ends the object and sends it to the signal's own output, declared as JSON in UTF-8 so that IoT Hub can route on
  // it.
  emit(properties: Properties = new Properties()): Result {
    properties.add("$.ct", "application/json").add("$.ce", "utf-8");
    this.json.ascii(this.json.length ? "}" : "{}");
    return send("", at(this.json.bytes), this.json.length, properties);
  }

  private member(name: string): void {
    this.json.byte(this.json.length ? 0x2c : 0x7b);
    this.json.text(name);
    this.json.byte(0x3a);
  }
}

// ---- Reading JSON

function isDigit(c: i32): bool { return c >= 0x30 && c <= 0x39; }

function isHex(c: i32): bool { return isDigit(c) || ((c | 32) >= 0x61 && (c | 32) <= 0x66); }

// DEEPEST levels of nesting are read: a deeper document is refused before it uses up the stack.
const DEEPEST: i32 = 100;

// Reader goes over a document once. What passes over something reports whether it was well formed.
class Reader {
  constructor(public at: usize, public end: usize) {}

  peek(): i32 { return this.at < this.end ? load<u8>(this.at) : 0; }

  take(c: i32): bool {
    if (this.at == this.end || load<u8>(this.at) != c) return false;
    this.at++;
    return true;
  }

  space(): i32 {
    let c = this.peek();
    for (; c == 0x20 || c == 0x09 || c == 0x0a || c == 0x0d; c = this.peek()) this.at++;
    return c;
  }

  value(depth: i32): bool {
    const c = this.space();
    if (c == 0x22) return this.text();
    if (c == 0x7b || c == 0x5b) return depth < DEEPEST && this.composite(c, depth);
    if (c == 0x74) return this.word("true");
    if (c == 0x66) return this.word("false");
    if (c == 0x6e) return this.word("null");
    return this.number();
  }

  composite(open: i32, depth: i32): bool {
    this.at++;
    this.space();
    for (let first = true; !this.take(open + 2); first = false) { // '{' + 2 is '}', '[' + 2 is ']'
      if (!first && !this.take(0x2c)) return false;
      if (open == 0x7b) {
        this.space();
        if (!this.text() || this.space() != 0x3a) return false;
        this.at++;
      }
      if (!this.value(depth + 1)) return false;
      this.space();
    }
    return true;
  }

  text(): bool {
    if (!this.take(0x22)) return false;
    while (this.at < this.end) {
      const c = this.peek();
      this.at++;
      if (c == 0x22) return true;
      if (c < 0x20) return false;
      if (c == 0x5c && !this.escape()) return false;
    }
    return false;
  }

  escape(): bool {
    const c = this.peek();
    this.at++;
    if (c != 0x75) return '"\\/bfnrt'.includes(String.fromCharCode(c));
    for (let n = 0; n < 4; n++, this.at++) {
      if (!isHex(this.peek())) return false;
    }
    return true;
  }

  // number passes over a number in the grammar of RFC 8259, section 6.
  number(): bool {
    this.take(0x2d);
    if (!this.take(0x30) && !this.digits()) return false;
    if (this.take(0x2e) && !this.digits()) return false;
    if (!this.take(0x65) && !this.take(0x45)) return true;
    if (!this.take(0x2b)) this.take(0x2d);
    return this.digits();
  }

  digits(): bool {
    const from = this.at;
    while (isDigit(this.peek())) this.at++;
    return this.at > from;
  }

  word(word: string): bool {
    for (let n = 0; n < word.length; n++) {
      if (!this.take(word.charCodeAt(n))) return false;
    }
    return true;
  }
}

// Json is a JSON value as the host wrote it. Its methods convert on demand.
export class Json {
  constructor(public at: usize, public length: i32) {}

  isNumber(): bool {
    const r = this.reader();
    return r.number() && r.at == r.end && isFinite(this.number());
  }

  isString(): bool {
    const r = this.reader();
    return r.text() && r.at == r.end;
  }

  isBool(): bool { return this.is("true") || this.is("false"); }
  isNull(): bool { return this.is("null"); }

  // isInteger reports whether the value is a whole number, without a point or an exponent, that an i64 can hold.
  isInteger(): bool {
    const r = this.reader();
    if (!r.number() || r.at != r.end) return false;
    const negative = this.is0(0x2d);
    let sum: u64 = 0;
    for (let p = this.at + (negative ? 1 : 0); p < r.end; p++) {
      const digit = <u64>load<u8>(p) - 0x30;
      if (digit > 9 || sum > (<u64>i64.MAX_VALUE + (negative ? 1 : 0) - digit) / 10) return false;
      sum = sum * 10 + digit;
    }
    return true;
  }

  // number returns the number, rounded to the nearest f64; infinite where that is too large, 0 where it is none.
  number(): f64 {
    const r = this.reader();
    return r.number() && r.at == r.end ? readNumber(this.at, r.end) : 0;
  }

  // integer returns the whole number, which isInteger.
  integer(): i64 {
    const negative = this.is0(0x2d);
    let sum: i64 = 0;
    for (let p = this.at + (negative ? 1 : 0), end = this.at + this.length; p < end; p++) {
      sum = sum * 10 + (load<u8>(p) - 0x30);
    }
    return negative ? -sum : sum;
  }

  bool(): bool { return this.is("true"); }

  // string returns the characters of the string, "" where it is none.
  string(): string {
    if (!this.isString()) return "";
    const out = new Writer();
    for (let p = this.at + 1, end = this.at + this.length - 1; p < end; ) {
      if (load<u8>(p) == 0x5c) p = unescape(out, p, end);
      else out.byte(load<u8>(p++));
    }
    return String.UTF8.decodeUnsafe(at(out.bytes), out.length);
  }

  // raw returns the JSON itself.
  raw(): string { return String.UTF8.decodeUnsafe(this.at, this.length); }

  // excerpt returns the beginning of the JSON, for a reason.
  excerpt(): string {
    return this.length > 40 ? String.UTF8.decodeUnsafe(this.at, 40) + "…" : this.raw();
  }

  // is reports whether the JSON is a text of ASCII characters.
  is(text: string): bool {
    if (text.length != this.length) return false;
    for (let n = 0; n < this.length; n++) {
      if (load<u8>(this.at + n) != text.charCodeAt(n)) return false;
    }
    return true;
  }

  private is0(c: i32): bool { return this.length > 0 && load<u8>(this.at) == c; }
  private reader(): Reader { return new Reader(this.at, this.at + this.length); }
}

function hex4(p: usize): i32 {
  let code = 0;
  for (let n = 0; n < 4; n++) {
    const c: i32 = load<u8>(p + n);
    code = (code << 4) | (isDigit(c) ? c - 0x30 : (c | 32) - 0x57);
  }
  return code;
}

// unescape writes the character whose escape begins at p and returns where it ends.
function unescape(out: Writer, p: usize, end: usize): usize {
  const letter: i32 = load<u8>(p + 1);
  if (letter != 0x75) {
    const n = "bfnrt".indexOf(String.fromCharCode(letter));
    out.byte(n < 0 ? letter : "\b\f\n\r\t".charCodeAt(n));
    return p + 2;
  }
  const c = hex4(p + 2);
  const low = p + 12 <= end && load<u8>(p + 6) == 0x5c && load<u8>(p + 7) == 0x75 ? hex4(p + 8) : 0;
  if (c >> 10 == 0x36 && low >> 10 == 0x37) {
    out.rune(0x10000 + (((c & 0x3ff) << 10) | (low & 0x3ff)));
    return p + 12;
  }
  out.rune(c);
  return p + 6;
}

// Members goes over the members of a JSON object:
//
//	const members = new edge.Members(body);
//	while (members.next()) if (members.key.is("value")) …
//	if (members.malformed) return edge.fail("body is not a JSON object");
export class Members {
  key: Json = new Json(0, 0); // of the member at hand, as it is written between its quotes
  value: Json = new Json(0, 0);
  malformed: bool = false; // the document is not an object, or not valid
  private r: Reader;
  private first: bool = true;
  private ended: bool;

  constructor(json: Json) {
    this.r = new Reader(json.at, json.at + json.length);
    this.r.space();
    this.malformed = this.ended = !this.r.take(0x7b);
  }

  // next moves to the next member and reports whether there is one.
  next(): bool {
    if (this.ended) return false;
    this.r.space();
    if (this.r.take(0x7d)) {
      this.ended = true;
      this.r.space();
      this.malformed = this.r.at != this.r.end;
      return false;
    }
    this.malformed = this.ended = !this.member();
    this.first = false;
    return !this.ended;
  }

  private member(): bool {
    const r = this.r;
    if (!this.first && !r.take(0x2c)) return false;
    r.space();
    let from = r.at;
    if (!r.text()) return false;
    this.key = new Json(from + 1, <i32>(r.at - from) - 2);
    r.space();
    if (!r.take(0x3a)) return false;
    r.space();
    from = r.at;
    if (!r.value(1)) return false;
    this.value = new Json(from, <i32>(r.at - from));
    return true;
  }
}

// decode reads a sample from the host's JSON and returns what is wrong with it. Keys of a newer host are passed over.
function decode(body: Json, s: Sample): string {
  const m = new Members(body);
  while (m.next()) {
    const v = m.value;
    if (m.key.is("value")) {
      s.value = v;
      continue;
    }
    const known = m.key.is("signal") || m.key.is("unit") || m.key.is("sourceTimestamp") || m.key.is("publishTimestamp") ||
      m.key.is("quality") || m.key.is("reason");
    if (!known || v.isNull()) continue;
    if (!v.isString()) return "a text is not a string";
    if (m.key.is("signal")) s.signal = v.string();
    else if (m.key.is("unit")) s.unit = v.string();
    else if (m.key.is("sourceTimestamp")) s.sourceTimestamp = v.string();
    else if (m.key.is("publishTimestamp")) s.publishTimestamp = v.string();
    else if (m.key.is("quality")) s.quality = v.is('"bad"') ? Quality.Bad : v.is('"uncertain"') ? Quality.Uncertain : Quality.Good;
    else s.reason = v.is('"heartbeat"') ? Reason.Heartbeat : v.is('"first"') ? Reason.First : Reason.Change;
  }
  if (m.malformed) return "the message is not a JSON object";
  return s.value.length ? "" : 'no "value": is the signal without a selector?';
}

// ---- Settings

// Settings are what the twin gives a guest. Ask for each setting by its name, with the default that holds where the twin
// does not name it, and then whether all are valid: of the right type, and none that was not asked for.
export class Settings {
  signal: string = ""; // for whom the instance works
  partition: string = ""; // which of the signal's partitions; empty where it has none
  private known: string[] = [];
  private wrong: string = "";

  constructor(private json: Json) {}

  number(name: string, otherwise: f64): f64 {
    const value = this.find(name);
    if (!value) return otherwise;
    if (value.isNumber()) return value.number();
    this.mistyped(name, "a number", value);
    return otherwise;
  }

  integer(name: string, otherwise: i64): i64 {
    const value = this.find(name);
    if (!value) return otherwise;
    if (value.isInteger()) return value.integer();
    this.mistyped(name, "a whole number", value);
    return otherwise;
  }

  bool(name: string, otherwise: bool): bool {
    const value = this.find(name);
    if (!value) return otherwise;
    if (value.isBool()) return value.bool();
    this.mistyped(name, "true or false", value);
    return otherwise;
  }

  text(name: string, otherwise: string): string {
    const value = this.find(name);
    if (!value) return otherwise;
    if (value.isString()) return value.string();
    this.mistyped(name, "a string", value);
    return otherwise;
  }

  // find returns the value of a setting, null where the twin does not name it.
  find(name: string): Json | null {
    this.known.push(name);
    let found: Json | null = null;
    const m = new Members(this.json);
    while (m.next()) {
      if (m.key.is(name)) found = m.value.isNull() ? null : m.value;
    }
    return found;
  }

  // valid reports whether the settings are; it has told the reason where not.
  valid(): bool {
    if (!this.json.length || this.json.isNull()) return true;
    const m = new Members(this.json);
    while (m.next()) {
      if (!this.isKnown(m.key)) return refuse('unknown setting "' + m.key.raw() + '" (' + this.list() + ")");
    }
    if (m.malformed) return refuse("settings: want an object");
    return this.wrong.length ? refuse(this.wrong) : true;
  }

  private isKnown(key: Json): bool {
    for (let n = 0; n < this.known.length; n++) {
      if (key.is(this.known[n])) return true;
    }
    return false;
  }

  private list(): string {
    return this.known.length ? "known: " + this.known.join(", ") : "there are none";
  }

  private mistyped(name: string, want: string, got: Json): void {
    if (!this.wrong.length) this.wrong = 'setting "' + name + '": want ' + want + ", got " + got.excerpt();
  }
}

// ---- Numbers: exact in both directions, by whole numbers as long as it takes, where an f64 is not exact by itself

// Big is a whole number to the base 2^32, the least digit first; there is room for 10^1092 times an f64, doubled twice.
class Big {
  length: i32 = 0;
  digits: StaticArray<u32> = new StaticArray<u32>(136);

  set(value: u64): Big {
    this.length = value >> 32 ? 2 : value ? 1 : 0;
    unchecked(this.digits[0] = <u32>value);
    unchecked(this.digits[1] = <u32>(value >> 32));
    return this;
  }

  copy(other: Big): Big {
    this.length = other.length;
    memory.copy(changetype<usize>(this.digits), changetype<usize>(other.digits), <usize>other.length * 4);
    return this;
  }

  // mul makes this * factor + plus.
  mul(factor: u32, plus: u32 = 0): Big {
    let carry: u64 = plus;
    for (let n = 0; n < this.length; n++, carry >>= 32) {
      carry += <u64>unchecked(this.digits[n]) * factor;
      unchecked(this.digits[n] = <u32>carry);
    }
    if (carry) this.digits[this.length++] = <u32>carry;
    return this;
  }

  mul10(power: i32): Big {
    for (; power >= 9; power -= 9) this.mul(1000000000);
    for (; power > 0; power--) this.mul(10);
    return this;
  }

  shift(bits: i32): Big {
    const whole = bits / 32;
    this.mul(1 << bits % 32);
    if (!whole || !this.length) return this;
    for (let n = this.length; n--; ) this.digits[n + whole] = this.digits[n];
    for (let n = 0; n < whole; n++) this.digits[n] = 0;
    this.length += whole;
    return this;
  }

  compare(other: Big): i32 {
    if (this.length != other.length) return this.length < other.length ? -1 : 1;
    for (let n = this.length; n--; ) {
      const a = unchecked(this.digits[n]), b = unchecked(other.digits[n]);
      if (a != b) return a < b ? -1 : 1;
    }
    return 0;
  }

  // add makes this + sign * other, which is not negative.
  add(other: Big, sign: i64): Big {
    let carry: i64 = 0;
    for (let n = 0; n < other.length || carry; n++, carry >>= 32) {
      if (n == this.length) this.digits[this.length++] = 0;
      carry += <i64>unchecked(this.digits[n]) + (n < other.length ? <i64>unchecked(other.digits[n]) * sign : 0);
      unchecked(this.digits[n] = <u32>carry);
    }
    while (this.length && !this.digits[this.length - 1]) this.length--;
    return this;
  }
}

// Scratch of the functions below; a guest is called by one thread.
const value = new Big(), below = new Big(), above = new Big(), scale = new Big(), sum = new Big();

const EXACT: i32 = 22; // up to here an f64 holds a power of ten exactly
const HEAD: i32 = 19; // digits that a u64 holds
const DIGITS: i32 = 768; // no digit after these decides anything else than a tie
const INFINITY: u64 = 0x7ff << 52;

function pow10(power: i32): f64 {
  let result: f64 = 1;
  while (power--) result *= 10;
  return result;
}

function scaled(number: f64, power: i32): f64 {
  for (; power > EXACT; power -= EXACT) number *= pow10(EXACT);
  for (; power < -EXACT; power += EXACT) number /= pow10(EXACT);
  return power < 0 ? number / pow10(-power) : number * pow10(power);
}

// An f64 that is finite and not negative is mantissa * 2^exponent.
function exponentOf(bits: u64): i32 { return max(<i32>(bits >> 52), 1) - 1075; }

function mantissaOf(bits: u64): u64 {
  const fraction = bits & ((<u64>1 << 52) - 1);
  return bits >> 52 ? fraction | (<u64>1 << 52) : fraction;
}

// Decimal is a number as it is written, its sign left out: count digits from at on, a point among them, times 10^power.
class Decimal {
  at: usize = 0;
  count: i32 = 0;
  power: i32 = 0;
  more: bool = false; // other than zeros follow
  head: u64 = 0; // the first 19 of the digits

  constructor(p: usize, end: usize) {
    let point = 0;
    for (; p < end; p++) {
      const c: i32 = load<u8>(p);
      if ((c | 32) == 0x65) break;
      if (c == 0x2e) point = 1;
      else this.digit(p, c, point);
    }
    if (p < end) this.exponent(p + 1, end);
  }

  private exponent(p: usize, end: usize): void {
    const negative = load<u8>(p) == 0x2d;
    if (negative || load<u8>(p) == 0x2b) p++;
    let exponent = 0;
    for (; p < end; p++) {
      if (exponent < 100000000) exponent = exponent * 10 + (load<u8>(p) - 0x30);
    }
    this.power += negative ? -exponent : exponent;
  }

  private digit(p: usize, c: i32, point: i32): void {
    if (!this.count) this.at = p;
    if (this.count == DIGITS) {
      this.power += 1 - point;
      if (c != 0x30) this.more = true;
      return;
    }
    this.power -= point;
    if (!this.count && c == 0x30) return;
    if (this.count++ < HEAD) this.head = this.head * 10 + (c - 0x30);
  }

  // roundsUp reports whether the number lies above the middle between the f64 of the given bits and the next, or in the
  // middle and the next is the even one.
  roundsUp(bits: u64): bool {
    const decimal = value.set(0), middle = above.set(mantissaOf(bits) * 2 + 1);
    for (let p = this.at, n = 0; n < this.count; p++) {
      const c: u32 = load<u8>(p);
      if (c == 0x2e) continue;
      decimal.mul(10, c - 0x30);
      n++;
    }
    (this.power < 0 ? middle : decimal).mul10(abs(this.power));
    const exponent = exponentOf(bits) - 1;
    (exponent < 0 ? decimal : middle).shift(abs(exponent));
    const compared = decimal.compare(middle);
    return compared > 0 || (compared == 0 && (this.more || (bits & 1) != 0));
  }

  nearest(): f64 {
    const power = this.power + max(0, this.count - HEAD);
    const near = scaled(<f64>this.head, power);
    if (this.head >> 53 == 0 && this.count <= HEAD && abs(power) <= EXACT) return near;
    let bits = min(reinterpret<u64>(near), INFINITY - 1);
    while (bits < INFINITY && this.roundsUp(bits)) bits++;
    while (bits && !this.roundsUp(bits - 1)) bits--;
    return reinterpret<f64>(bits);
  }
}

// readNumber returns the f64 nearest to a number that Reader.number has passed over.
function readNumber(p: usize, end: usize): f64 {
  const negative = load<u8>(p) == 0x2d;
  const d = new Decimal(negative ? p + 1 : p, end);
  let number: f64 = 0;
  if (d.count && d.count + d.power > 310) number = Infinity;
  else if (d.count && d.count + d.power > -330) number = d.nearest();
  return negative ? -number : number;
}

// Shortest is the digits of a number, as few as read back as the same one, times 10^power.
class Shortest {
  digits: StaticArray<u8> = new StaticArray<u8>(20);
  count: i32 = 0;
  power: i32 = 0;

  // few finds at most 15 digits by an f64's own arithmetic, which is exact for so few: most readings have fewer.
  few(number: f64): bool {
    this.count = 0;
    let power: f64 = 1;
    for (let places = 0; places <= EXACT; places++, power *= 10) {
      const moved = number * power;
      if (moved >= 1e15) return false;
      let whole = <u64>(moved + 0.5);
      if (<f64>whole / power != number) continue;
      this.power = -places;
      for (let rest = whole; rest; rest /= 10) this.count++;
      for (let n = this.count; n--; whole /= 10) this.digits[n] = <u8>(0x30 + (whole % 10));
      return true;
    }
    return false;
  }

  // many finds them by the distance to the neighbours of number: value, and half the way to the one below and above,
  // over scale.
  many(number: f64): void {
    const bits = reinterpret<u64>(number), even: i32 = bits & 1 ? 0 : 1;
    const uneven: i32 = bits << 12 == 0 && bits >> 52 > 1 ? 1 : 0; // the neighbour below is half as far
    const exponent = exponentOf(bits);
    value.set(mantissaOf(bits)).shift(1 + uneven + max(exponent, 0));
    below.set(1).shift(max(exponent, 0));
    above.set(1).shift(uneven + max(exponent, 0));
    scale.set(1).shift(1 + uneven + max(-exponent, 0));
    let point = this.pointOf(number);
    if (point < 0) this.mul10(-point);
    else scale.mul10(point);
    for (; this.reaches(even); point++) scale.mul(10);
    let low = false, high = false;
    for (this.count = 0; !low && !high; this.count++) {
      this.mul10(1);
      let digit: u8 = 0x30;
      for (; value.compare(scale) >= 0; digit++) value.add(scale, -1);
      low = value.compare(below) < even;
      high = this.reaches(even);
      this.digits[this.count] = digit;
    }
    const middle = value.mul(2).compare(scale), last = this.count - 1;
    if (high && (!low || middle > 0 || (middle == 0 && (this.digits[last] & 1) != 0))) this.digits[last]++;
    this.power = point - this.count;
  }

  // pointOf returns about where the point is: number = 0.digits * 10^point, or one more.
  private pointOf(number: f64): i32 {
    let point = 0;
    for (let rest = number; rest >= 10; rest /= 10) point++;
    for (let rest = number; rest < 0.1; rest *= 10) point--;
    return point;
  }

  private mul10(power: i32): void {
    value.mul10(power);
    below.mul10(power);
    above.mul10(power);
  }

  // reaches reports whether the next digit up is a way to write the number.
  private reaches(even: i32): bool { return sum.copy(value).add(above, 1).compare(scale) >= 1 - even; }

  write(w: Writer, from: i32, to: i32): void {
    for (let n = from; n < to; n++) w.byte(n >= 0 && n < this.count ? this.digits[n] : 0x30);
  }
}

const shortest = new Shortest();

// writeNumber writes a number in the form of JavaScript and of Go's encoding/json.
function writeNumber(w: Writer, number: f64): void {
  if (!isFinite(number)) return w.ascii("null");
  if (reinterpret<u64>(number) >> 63) w.byte(0x2d);
  number = abs(number);
  const s = shortest;
  if (!s.few(number)) s.many(number);
  const point = s.count + s.power;
  if (point > -6 && point <= 21) {
    s.write(w, point < 1 ? point - 1 : 0, point);
    if (point >= s.count) return;
    w.byte(0x2e);
    return s.write(w, point, s.count);
  }
  s.write(w, 0, 1);
  if (s.count > 1) w.byte(0x2e);
  s.write(w, 1, s.count);
  w.ascii(point < 1 ? "e-" : "e+");
  w.ascii(abs(point - 1).toString());
}

// ---- The exports

let guest: Guest | null = null;

// register makes a guest the one that the host drives. It is to be called once, at the top level of the program.
export function register(instance: Guest): void { guest = instance; }

let room: usize = 0; // what edge_alloc hands out
let capacity: i32 = 0;

// edge_alloc returns room for what the host hands in. One buffer does for all calls, since each is done with its input
// when it returns.
export function edge_alloc(size: i32): usize {
  if (<u32>size > 1 << 20) return 0; // edgeHub lets 262,144 bytes through
  if (size > capacity) {
    if (room) heap.free(room);
    capacity = max(size, max(2 * capacity, 4096));
    room = heap.alloc(capacity);
  }
  return room ? room : heap.alloc(1);
}

export function edge_configure(p: usize, length: i32): i32 {
  let settings = new Settings(new Json(0, 0));
  let signal = "", partition = "";
  const m = new Members(new Json(p, length));
  while (m.next()) {
    if (m.key.is("signal")) signal = m.value.string();
    else if (m.key.is("partition")) partition = m.value.string();
    else if (m.key.is("settings")) settings = new Settings(m.value);
  }
  if (m.malformed) return fail("read configuration: it is malformed");
  settings.signal = signal;
  settings.partition = partition;
  return guest!.configure(settings) ? 0 : Verdict.Failed;
}

export function edge_message(p: usize, length: i32): i32 { return guest!.message(new Json(p, length)); }

export function edge_timer(): i32 { return guest!.tick(); }
