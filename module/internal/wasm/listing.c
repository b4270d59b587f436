// What WASI tells of a file, and of all in a directory.

#define _GNU_SOURCE // for getdents64
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

enum { DIRENT_SIZE = 24 };

static uint8_t type_of(mode_t mode) {
  if (S_ISDIR(mode)) return FILETYPE_DIRECTORY;
  if (S_ISLNK(mode)) return FILETYPE_SYMBOLIC_LINK;
  return S_ISREG(mode) ? FILETYPE_REGULAR_FILE : FILETYPE_UNKNOWN;
}

static uint64_t ns(struct timespec t) { return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec; }

// woe_filestat writes FILESTAT_SIZE bytes about a file as WASI has it. It leaves the device out: it is the host's business.
void woe_filestat(uint8_t *p, const struct stat *st) {
  uint64_t inode = st->st_ino, links = st->st_nlink, size = (uint64_t)st->st_size;
  uint64_t times[3] = {ns(st->st_atim), ns(st->st_mtim), ns(st->st_ctim)};
  memset(p, 0, FILESTAT_SIZE);
  memcpy(p + 8, &inode, 8);
  p[16] = type_of(st->st_mode);
  memcpy(p + 24, &links, 8);
  memcpy(p + 32, &size, 8);
  memcpy(p + 40, times, sizeof times);
}

// A listing of a directory that fills the guest's buffer: the last entry is cut off where the buffer ends.
typedef struct {
  uint8_t *to;
  uint32_t cap, len;
} listing;

static void list(listing *l, const void *bytes, size_t len) {
  if (len > l->cap - l->len) len = l->cap - l->len;
  memcpy(l->to + l->len, bytes, len);
  l->len += (uint32_t)len;
}

static void list_entry(listing *l, const struct dirent64 *e) {
  if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) return; // what is above is the host's business
  uint8_t head[DIRENT_SIZE] = {0};
  uint32_t len = (uint32_t)strlen(e->d_name);
  memcpy(head, &e->d_off, 8);
  memcpy(head + 8, &e->d_ino, 8);
  memcpy(head + 16, &len, 4);
  head[20] = type_of((mode_t)DTTOIF(e->d_type));
  list(l, head, sizeof head);
  list(l, e->d_name, len);
}

static int32_t list_from(int fd, int64_t cookie, listing *l) {
  _Alignas(struct dirent64) char entries[4096];
  if (lseek(fd, cookie, SEEK_SET) < 0) return woe_file_errno(errno);
  while (l->len < l->cap) {
    ssize_t n = getdents64(fd, entries, sizeof entries);
    if (n < 0) return woe_file_errno(errno);
    if (n == 0) return SUCCESS;
    for (ssize_t at = 0; at < n;) {
      const struct dirent64 *e = (const struct dirent64 *)(entries + at);
      list_entry(l, e);
      at += e->d_reclen;
    }
  }
  return SUCCESS;
}

// woe_directory_list lists what comes in a directory after the entry that gave cookie, or from the beginning for 0. Less
// than cap bytes tell that the directory ends there.
int32_t woe_directory_list(int fd, int64_t cookie, uint8_t *to, uint32_t cap, uint32_t *len) {
  listing l = {.to = to, .cap = cap};
  int32_t error = list_from(fd, cookie, &l);
  *len = l.len;
  return error;
}
