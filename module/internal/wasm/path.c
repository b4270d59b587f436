// Where a guest's path leads. It cannot lead out of the guest's private directory: ".." is resolved on the text and
// stops at the directory that the path starts from, absolute paths are refused, and a symbolic link, which a guest
// cannot make but somebody on the device can, is never followed.

#define _GNU_SOURCE // for O_PATH
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

// The components of a path, without ".", ".." and repeated slashes.
typedef struct {
  const uint8_t *at[WOE_DEPTH_MAX];
  uint32_t len[WOE_DEPTH_MAX];
  uint32_t count;
} components;

static int32_t take_component(components *c, const uint8_t *at, uint32_t len, uint32_t depth) {
  if (len == 0 || (len == 1 && at[0] == '.')) return SUCCESS;
  if (len == 2 && at[0] == '.' && at[1] == '.') {
    if (c->count == 0) return PERM;
    c->count--;
    return SUCCESS;
  }
  if (len > FILE_NAME_MAX || depth + c->count >= WOE_DEPTH_MAX) return NAMETOOLONG;
  c->at[c->count] = at;
  c->len[c->count++] = len;
  return SUCCESS;
}

// split checks a path and takes it apart. Without links, ".." after a name can mean nothing but to leave both out.
static int32_t split(const uint8_t *path, uint32_t len, uint32_t depth, components *c) {
  if (len == 0) return NOENT;
  if (len > FILE_PATH_MAX) return NAMETOOLONG;
  if (path[0] == '/') return PERM; // the C library has taken the name of the private directory, "/", away
  if (memchr(path, 0, len)) return INVAL;
  if (!woe_utf8(path, len)) return ILSEQ;
  c->count = 0;
  for (uint32_t at = 0; at < len;) {
    const uint8_t *slash = memchr(path + at, '/', len - at);
    uint32_t n = slash ? (uint32_t)(slash - path) - at : len - at;
    int32_t error = take_component(c, path + at, n, depth);
    if (error) return error;
    at += n + 1;
  }
  return SUCCESS;
}

static long openat2_(int dir, const char *path) {
  struct open_how how = {
      .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

// woe_has_openat2 reports whether the kernel has the system call (5.6) and what confines this process lets it through.
bool woe_has_openat2(int dir) {
  long fd = openat2_(dir, ".");
  if (fd >= 0) close((int)fd);
  return fd >= 0;
}

// open_at_once has the kernel make sure once more that the path stays beneath dir and meets no link.
static int open_at_once(int dir, const components *c) {
  char path[FILE_PATH_MAX + 1], *end = path;
  for (uint32_t n = 0; n + 1 < c->count; n++) {
    memcpy(end, c->at[n], c->len[n]);
    end += c->len[n];
    *end++ = '/';
  }
  *end = 0;
  return (int)openat2_(dir, path);
}

// open_by_steps does the same where there is no openat2: a name at a time, none of which is a link or leads up.
static int open_by_steps(int dir, const components *c) {
  int at = dir;
  for (uint32_t n = 0; n + 1 < c->count; n++) {
    char name[FILE_NAME_MAX + 1];
    memcpy(name, c->at[n], c->len[n]);
    name[c->len[n]] = 0;
    int next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = errno;
    if (at != dir) close(at);
    if (next < 0) {
      errno = error;
      return -1;
    }
    at = next;
  }
  return at;
}

// woe_place_find finds out where a path leads that starts at the open directory from. woe_place_leave ends it.
int32_t woe_place_find(const woe_files *files, const woe_file *from, const uint8_t *path, uint32_t len, woe_place *p) {
  components c;
  int32_t error = split(path, len, from->depth, &c);
  if (error) return error;
  p->dir = from->fd;
  p->opened = c.count > 1;
  if (p->opened) p->dir = files->openat2 ? open_at_once(from->fd, &c) : open_by_steps(from->fd, &c);
  if (p->dir < 0) return woe_file_errno(errno);
  p->slash = path[len - 1] == '/';
  p->depth = (uint8_t)(from->depth + c.count);
  const uint8_t *name = c.count ? c.at[c.count - 1] : (const uint8_t *)".";
  uint32_t n = c.count ? c.len[c.count - 1] : 1;
  memcpy(p->name, name, n);
  p->name[n] = 0;
  return SUCCESS;
}

void woe_place_leave(woe_place *p) {
  if (p->opened) close(p->dir);
}
