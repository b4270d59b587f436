// A guest that sends the moving average of a signal. ../README.md describes it from outside.

import * as edge from "../../sdk/assemblyscript/edge";
export { edge_alloc, edge_configure, edge_message, edge_timer } from "../../sdk/assemblyscript/edge";

// Average knows the latest values of its signal: the window, the oldest first, and room for one more while it is averaged.
class Average extends edge.Guest {
  private size: i32 = 10;
  private values: StaticArray<f64> = new StaticArray<f64>(1001);
  private count: i32 = 0;

  configure(settings: edge.Settings): bool {
    const window = settings.integer("window", 10);
    if (!settings.valid()) return false;
    if (window < 1 || window > 1000) return edge.refuse('"window" is not between 1 and 1000 samples');
    this.size = <i32>window;
    this.restore();
    return true;
  }

  sample(s: edge.Sample): edge.Verdict {
    if (s.quality == edge.Quality.Bad || s.reason == edge.Reason.Heartbeat) { // no reading, or no new one
      edge.count("ignored", 1);
      return edge.Verdict.Drop;
    }
    if (!s.value.isNumber()) return edge.fail("value is not a number: " + s.value.excerpt());
    this.values[this.count] = s.value.number();
    const oldest = this.count < this.size ? 0 : 1;
    let result = this.emit(s, oldest);
    if (result == edge.Result.Ok) result = edge.setState("window", this.bytes(oldest));
    if (result != edge.Result.Ok) return edge.done(result);
    this.count++;
    this.forget(oldest);
    return edge.Verdict.Done;
  }

  private emit(s: edge.Sample, oldest: i32): edge.Result {
    let sum: f64 = 0;
    for (let n = oldest; n <= this.count; n++) sum += this.values[n];
    const count = this.count + 1 - oldest;
    const event = new edge.Event().text("signal", s.signal).number("average", sum / count).number("count", count);
    if (s.sourceTimestamp.length) event.text("sourceTimestamp", s.sourceTimestamp);
    return event.emit();
  }

  // restore fills the window with the latest of the values that were kept.
  private restore(): void {
    const kept = edge.state("window");
    this.count = 0;
    if (!kept || kept.byteLength > 8000) return;
    this.count = kept.byteLength / 8;
    memory.copy(changetype<usize>(this.values), changetype<usize>(kept), this.count * 8);
    this.forget(max(0, this.count - this.size));
  }

  // bytes returns the window as it is kept: its values as 8 bytes each, little-endian, the oldest first.
  private bytes(oldest: i32): ArrayBuffer {
    const bytes = new ArrayBuffer((this.count + 1 - oldest) * 8);
    memory.copy(changetype<usize>(bytes), changetype<usize>(this.values) + oldest * 8, bytes.byteLength);
    return bytes;
  }

  private forget(oldest: i32): void {
    this.count -= oldest;
    memory.copy(changetype<usize>(this.values), changetype<usize>(this.values) + oldest * 8, this.count * 8);
  }
}

edge.register(new Average());
