// A program that passes those lines of its standard input whose field "value" is above the setting "high". It is the same
// for one message as for a service, and knows nothing of its host.
//
//	clang-19 --target=wasm32-wasi -Os -Wl,--strip-all -o above.wasm above.c

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool number(const char *json, const char *key, double *value) {
  const char *at = json ? strstr(json, key) : NULL;
  if (!at || !(at = strchr(at, ':'))) return false;
  char *end;
  *value = strtod(at + 1, &end);
  return end > at + 1;
}

int main(void) {
  char line[4096];
  double high = 0, value;
  number(getenv("EDGE_SETTINGS"), "\"high\"", &high);
  while (fgets(line, sizeof line, stdin)) {
    if (!number(line, "\"value\"", &value)) {
      fprintf(stderr, "no value in %s", line);
      return 1;
    }
    if (value > high) fputs(line, stdout);
  }
  return 0;
}
