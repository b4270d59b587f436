// The functions of WASI preview 1 on paths, for guests with a private directory. In it are files and directories: links
// cannot be made, and what else somebody put there cannot be opened.

#define _GNU_SOURCE // for AT_SYMLINK_NOFOLLOW
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
  OPEN_CREATE = 1,
  OPEN_DIRECTORY = 2,
  OPEN_EXCLUSIVE = 4,
  OPEN_TRUNCATE = 8,
  OPEN_ALL = 15,
  RIGHT_READ = 1 << 1,
  RIGHT_WRITE = 1 << 6,
  FOLLOW = 1,
};

// find finds out where a path of the guest leads: descriptor, pointer and length.
static int32_t find(woe_instance *i, wasmtime_val_raw_t fd, wasmtime_val_raw_t pointer, wasmtime_val_raw_t len, woe_place *p) {
  const woe_file *from = woe_file_of(i, (uint32_t)fd.i32);
  if (!from) return BADF;
  if (!from->directory) return NOTDIR;
  const uint8_t *path = woe_guest_bytes(i, (uint32_t)pointer.i32, (uint32_t)len.i32);
  return path ? woe_place_find(i->files, from, path, (uint32_t)len.i32, p) : FAULT;
}

static int32_t at_place(const woe_place *p, struct stat *st) {
  if (fstatat(p->dir, p->name, st, AT_SYMLINK_NOFOLLOW) < 0) return woe_file_errno(errno);
  return p->slash && !S_ISDIR(st->st_mode) ? NOTDIR : SUCCESS;
}

// What a guest asks path_open for.
typedef struct {
  uint32_t how, flags;
  uint64_t rights;
} request;

static int access_of(const request *r) {
  if (!(r->rights & RIGHT_WRITE)) return O_RDONLY;
  return r->rights & RIGHT_READ ? O_RDWR : O_WRONLY;
}

// open_new makes a file. It is counted before it is there.
static int32_t open_new(woe_files *f, const woe_place *p, const request *r, int *fd) {
  if (p->slash || (r->how & OPEN_DIRECTORY)) return NOENT;
  if (!woe_files_charge(f, WOE_ENTRY_BYTES)) return NOSPC;
  *fd = openat(p->dir, p->name, access_of(r) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (*fd >= 0) return SUCCESS;
  int32_t error = woe_file_errno(errno);
  woe_files_give_back(f, WOE_ENTRY_BYTES);
  return error;
}

// open_old opens what is there, unless it is neither file nor directory: to open a device may do something already.
static int32_t open_old(woe_files *f, const woe_place *p, const request *r, const struct stat *st, int *fd) {
  bool directory = S_ISDIR(st->st_mode), truncate = r->how & OPEN_TRUNCATE;
  if ((r->how & OPEN_CREATE) && (r->how & OPEN_EXCLUSIVE)) return EXIST;
  if (S_ISLNK(st->st_mode)) return LOOP;
  if (!directory && !S_ISREG(st->st_mode)) return PERM;
  if (!directory && (r->how & OPEN_DIRECTORY)) return NOTDIR;
  if (directory && (access_of(r) != O_RDONLY || (r->how & ~(uint32_t)OPEN_DIRECTORY))) return ISDIR;
  if (truncate && access_of(r) == O_RDONLY) return INVAL;
  *fd = openat(p->dir, p->name, access_of(r) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (directory ? O_DIRECTORY : 0));
  if (*fd < 0) return woe_file_errno(errno);
  int32_t error = truncate ? woe_file_resize(f, *fd, 0) : SUCCESS;
  if (error) close(*fd);
  return error;
}

static int32_t open_place(woe_files *f, const woe_place *p, const request *r, uint32_t *descriptor) {
  struct stat st;
  int fd;
  int32_t error = woe_file_room(f, descriptor);
  if (error) return error;
  error = at_place(p, &st);
  if (!error) error = open_old(f, p, r, &st, &fd);
  else if (error == NOENT && (r->how & OPEN_CREATE)) error = open_new(f, p, r, &fd);
  if (error) return error;
  if (fstat(fd, &st) < 0) {
    error = woe_file_errno(errno);
    close(fd);
    return error;
  }
  woe_file_opened(f, *descriptor, (woe_file){.fd = fd, .directory = S_ISDIR(st.st_mode), .depth = p->depth,
                                             .flags = (uint16_t)r->flags, .rights = r->rights, .inode = st.st_ino});
  return SUCCESS;
}

// Links are not followed, whatever the guest asks for.
WASI(path_open) {
  INSTANCE;
  request r = {.how = (uint32_t)v[4].i32, .rights = (uint64_t)v[5].i64, .flags = (uint32_t)v[7].i32};
  uint8_t *result = woe_guest_bytes(i, (uint32_t)v[8].i32, 4);
  if (!result) ANSWER(FAULT);
  if (r.how > 15 || r.flags > FLAGS_ALL) ANSWER(INVAL);
  woe_place p;
  uint32_t descriptor;
  int32_t error = find(i, v[0], v[2], v[3], &p);
  if (error) ANSWER(error);
  error = open_place(i->files, &p, &r, &descriptor);
  woe_place_leave(&p);
  if (!error) memcpy(result, &descriptor, 4);
  ANSWER(error);
}

WASI(path_filestat_get) {
  INSTANCE;
  struct stat st;
  woe_place p;
  uint8_t *result = woe_guest_bytes(i, (uint32_t)v[4].i32, FILESTAT_SIZE);
  if (!result) ANSWER(FAULT);
  int32_t error = find(i, v[0], v[2], v[3], &p);
  if (error) ANSWER(error);
  error = at_place(&p, &st);
  woe_place_leave(&p);
  if (!error && S_ISLNK(st.st_mode) && (v[1].i32 & FOLLOW)) error = LOOP;
  if (!error) woe_filestat(result, &st);
  ANSWER(error);
}

// Depth is bounded, because what counts and removes a directory goes as deep.
WASI(path_create_directory) {
  INSTANCE;
  struct stat st;
  woe_place p;
  int32_t error = find(i, v[0], v[1], v[2], &p);
  if (error) ANSWER(error);
  if (fstatat(p.dir, p.name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
    error = EXIST;
  } else if (!woe_files_charge(i->files, WOE_ENTRY_BYTES)) {
    error = NOSPC;
  } else if (mkdirat(p.dir, p.name, 0700) < 0) {
    error = woe_file_errno(errno);
    woe_files_give_back(i->files, WOE_ENTRY_BYTES);
  }
  woe_place_leave(&p);
  ANSWER(error);
}

// remove_place removes a name: of a directory, or of anything else.
static int32_t remove_place(woe_files *f, const woe_place *p, bool directory) {
  struct stat st;
  int32_t error = at_place(p, &st);
  if (error) return error;
  if (!directory && S_ISDIR(st.st_mode)) return ISDIR;
  if (unlinkat(p->dir, p->name, directory ? AT_REMOVEDIR : 0) < 0) return woe_file_errno(errno);
  woe_files_gone(f, &st);
  return SUCCESS;
}

static int32_t remove_path(woe_instance *i, const wasmtime_val_raw_t *v, bool directory) {
  woe_place p;
  int32_t error = find(i, v[0], v[1], v[2], &p);
  if (error) return error;
  error = remove_place(i->files, &p, directory);
  woe_place_leave(&p);
  return error;
}

WASI(path_remove_directory) {
  INSTANCE;
  ANSWER(remove_path(i, v, true));
}

WASI(path_unlink_file) {
  INSTANCE;
  ANSWER(remove_path(i, v, false));
}

static bool same(int a, int b) {
  struct stat x, y;
  return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

// rename_place moves files anywhere, and directories not at all: they get another name where they are, so that none gets
// deeper than it may be, with all that is in it. Programs take XDEV as the reason to copy.
static int32_t rename_place(woe_files *f, const woe_place *from, const woe_place *to) {
  struct stat old, replaced;
  int32_t error = at_place(from, &old);
  if (error) return error;
  if (to->slash && !S_ISDIR(old.st_mode)) return NOTDIR;
  if (S_ISDIR(old.st_mode) && !same(from->dir, to->dir)) return XDEV;
  bool replaces = fstatat(to->dir, to->name, &replaced, AT_SYMLINK_NOFOLLOW) == 0;
  if (replaces && replaced.st_dev == old.st_dev && replaced.st_ino == old.st_ino) return SUCCESS;
  if (renameat(from->dir, from->name, to->dir, to->name) < 0) return woe_file_errno(errno);
  if (replaces) woe_files_gone(f, &replaced);
  return SUCCESS;
}

WASI(path_rename) {
  INSTANCE;
  woe_place from, to;
  int32_t error = find(i, v[0], v[1], v[2], &from);
  if (error) ANSWER(error);
  error = find(i, v[3], v[4], v[5], &to);
  if (!error) {
    error = rename_place(i->files, &from, &to);
    woe_place_leave(&to);
  }
  woe_place_leave(&from);
  ANSWER(error);
}

static int32_t refuse(woe_instance *i, wasmtime_val_raw_t fd, int32_t error) {
  return woe_file_of(i, (uint32_t)fd.i32) ? error : BADF;
}

WASI(path_readlink) { // there is none
  INSTANCE;
  ANSWER(refuse(i, v[0], INVAL));
}

WASI(path_link) {
  INSTANCE;
  ANSWER(refuse(i, v[0], PERM));
}

WASI(path_symlink) {
  INSTANCE;
  ANSWER(refuse(i, v[2], PERM));
}

WASI(path_filestat_set_times) {
  INSTANCE;
  ANSWER(refuse(i, v[0], NOTSUP));
}

wasmtime_error_t *woe_define_wasi_paths(wasmtime_linker_t *linker) {
  static const woe_wasi_function functions[] = {
      {"path_open", "iiiiiIIii>i", path_open},
      {"path_filestat_get", "iiiii>i", path_filestat_get},
      {"path_filestat_set_times", "iiiiIIi>i", path_filestat_set_times},
      {"path_create_directory", "iii>i", path_create_directory},
      {"path_remove_directory", "iii>i", path_remove_directory},
      {"path_unlink_file", "iii>i", path_unlink_file},
      {"path_rename", "iiiiii>i", path_rename},
      {"path_readlink", "iiiiii>i", path_readlink},
      {"path_link", "iiiiiii>i", path_link},
      {"path_symlink", "iiiii>i", path_symlink},
  };
  return woe_define_wasi_table(linker, functions, sizeof functions / sizeof *functions);
}
