// The guest of this comparison: passes a message of the sensor on where the machine is hotter than 25 °C. The .wasm beside
// it is what go generate makes of it, with Debian's clang and lld 19.1.7.

#include "../../../../wasm-guests/sdk/c/edge.h"

// member returns the JSON of an object's member, empty where it has none.
static edge_str member(edge_str object, const char *key) {
  edge_members m = edge_members_of(object);
  edge_str value = {0};
  while (edge_next(&m))
    if (edge_is(m.key, key)) value = m.value;
  return value;
}

static edge_verdict message(edge_str body) {
  double temperature;
  if (!edge_number(member(member(body, "machine"), "temperature"), &temperature)) return edge_fail("no /machine/temperature");
  return edge_pass_if(temperature > 25);
}

EDGE_GUEST(.message = message)
