// The guest that main.go is, with what C has for it.

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((import_module("edge"), import_name("emit"))) int32_t emit(const char *, uint32_t, const char *, uint32_t, const char *, uint32_t);
__attribute__((import_module("edge"), import_name("fail"))) void fail(const char *, uint32_t);

static char room[4096], said[4096], reason[256], names[16][300];
static int count;

__attribute__((export_name("edge_alloc"))) char *edge_alloc(uint32_t size) { return size < sizeof room ? room : NULL; }

static int32_t failed(const char *what) {
  snprintf(reason, sizeof reason, "%s: %s", what, strerror(errno));
  fail(reason, (uint32_t)strlen(reason));
  return -1;
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static int walk(const char *directory, const char *prefix) {
  DIR *d = opendir(directory);
  if (!d) return -1;
  for (struct dirent *e; (e = readdir(d));) {
    char path[300];
    struct stat st;
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    snprintf(path, sizeof path, "%s/%s", prefix, e->d_name);
    strcpy(names[count++], path);
    if (stat(path, &st) < 0 || (S_ISDIR(st.st_mode) && walk(path, path) < 0)) return -1;
  }
  return closedir(d);
}

__attribute__((export_name("edge_message"))) int32_t edge_message(const char *line, uint32_t size) {
  char last[1024] = "", read[1024] = "";
  int lines = 0;
  if ((mkdir("/log", 0755) < 0 || mkdir("log/old", 0755) < 0) && errno != EEXIST) return failed("mkdir");
  if (fopen("log/none", "r") || errno != ENOENT) return failed("read of nothing");
  if (fopen("../secret", "r")) return failed("the way out is open");
  FILE *f = fopen("log/lines", "a");
  if (!f || fprintf(f, "%.*s\n", (int)size, line) < 0 || fflush(f) || fsync(fileno(f)) || fclose(f)) return failed("append");
  if (!(f = fopen("/log/lines", "r"))) return failed("read lines");
  for (; fgets(last, sizeof last, f); lines++) last[strcspn(last, "\n")] = 0;
  fclose(f);
  int n = snprintf(said, sizeof said, "%d lines, the last is %s", lines, last);
  if (!(f = fopen("last.new", "w")) || fputs(said, f) < 0 || fclose(f)) return failed("write");
  if (rename("last.new", "last") < 0) return failed("rename");
  if (!(f = fopen("last", "r")) || fseek(f, 0, SEEK_END) || ftell(f) != n) return failed("measure");
  rewind(f);
  if (fread(read, 1, (size_t)n, f) != (size_t)n || strcmp(read, said)) return failed("read");
  fclose(f);
  count = 0;
  if (walk("/", "") < 0) return failed("walk");
  qsort(names, (size_t)count, sizeof names[0], by_name);
  strcat(said, ": /");
  for (int k = 0; k < count; k++) strcat(strcat(said, " "), names[k]);
  emit(NULL, 0, said, (uint32_t)strlen(said), NULL, 0);
  return 2;
}
