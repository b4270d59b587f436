// The functions of WASI preview 1 on open files, for guests with a private directory; the others get BADF, as on a
// system that has none. It is descriptor 3, called "/", so that absolute and relative paths both work with what C
// libraries make of it; for the guests of 2022 it is called ".", as it was then.
//
// Every call is one short piece of local input or output with a capped length. What a guest asks to have synced is not:
// a guest that does so in a loop would wear the disk out and hold up the syncs of its neighbours, and one sync of a slow
// disk holds a processor longer than any deadline. The kernel writes back what there is within about half a minute.
//
// Room for results is checked before anything is done, so that nothing is done that the guest does not learn of.

#include "files.h"
#include "program.h"

#include <errno.h>
#include <unistd.h>

enum {
  FLAG_APPEND = 1,
  PRESTAT_SIZE = 8,
  READDIR_MAX = 1 << 20, // bytes of names in one call
};

#define FILE_AT_0                                        \
  INSTANCE;                                              \
  woe_file *file = woe_file_of(i, (uint32_t)v[0].i32);   \
  if (!file) ANSWER(BADF)

WASI(fd_prestat_get) {
  INSTANCE;
  if (!i->files || v[0].i32 != FIRST_FILE) ANSWER(BADF);
  uint8_t *p = woe_guest_bytes(i, (uint32_t)v[1].i32, PRESTAT_SIZE);
  if (!p) ANSWER(FAULT);
  memset(p, 0, PRESTAT_SIZE); // 0: a directory
  p[4] = 1;                   // the length of its name
  ANSWER(SUCCESS);
}

WASI(fd_prestat_dir_name) {
  INSTANCE;
  if (!i->files || v[0].i32 != FIRST_FILE) ANSWER(BADF);
  if (v[2].i32 == 0) ANSWER(NAMETOOLONG);
  uint8_t *p = woe_guest_bytes(i, (uint32_t)v[1].i32, 1);
  if (!p) ANSWER(FAULT);
  *p = i->program && i->program->entry != WOE_START ? '.' : '/';
  ANSWER(SUCCESS);
}

WASI(fd_close) {
  FILE_AT_0;
  if (v[0].i32 == FIRST_FILE) ANSWER(NOTSUP);
  woe_file_close(i->files, file);
  ANSWER(SUCCESS);
}

// gather checks the guest's vectors. Those behind the first VECTORS_MAX or WRITE_MAX bytes are left for the next call.
static int32_t gather(woe_instance *i, wasmtime_val_raw_t pointer, wasmtime_val_raw_t number, struct iovec *vectors, size_t *count) {
  uint32_t n = (uint32_t)number.i32, total = 0;
  if (n > IOVECS_MAX) return INVAL;
  const uint8_t *from = woe_guest_bytes(i, (uint32_t)pointer.i32, n * 8);
  if (!from) return FAULT;
  *count = 0;
  for (uint32_t k = 0; k < n && *count < VECTORS_MAX && total < WRITE_MAX; k++) {
    uint32_t len = load32(from + 8 * k + 4);
    uint8_t *bytes = woe_guest_bytes(i, load32(from + 8 * k), len);
    if (!bytes) return FAULT;
    if (len > WRITE_MAX - total) len = WRITE_MAX - total;
    if (len) vectors[(*count)++] = (struct iovec){bytes, len};
    total += len;
  }
  return SUCCESS;
}

// transfer reads or writes at an offset and tells the guest how much it was.
static int32_t transfer(woe_instance *i, const woe_file *file, const wasmtime_val_raw_t *v, bool write, int64_t offset,
                        wasmtime_val_raw_t result, size_t *done) {
  struct iovec vectors[VECTORS_MAX];
  size_t count;
  uint8_t *answer = woe_guest_bytes(i, (uint32_t)result.i32, 4);
  if (!answer) return FAULT;
  if (file->directory) return ISDIR;
  if (offset < 0) return INVAL;
  int32_t error = gather(i, v[1], v[2], vectors, &count);
  if (error) return error;
  if (write) {
    error = woe_file_write_at(i->files, file, vectors, count, offset, done);
  } else {
    ssize_t n = preadv(file->fd, vectors, (int)count, offset);
    if (n < 0) error = woe_file_errno(errno);
    *done = n > 0 ? (size_t)n : 0;
  }
  uint32_t told = (uint32_t)*done;
  if (!error) memcpy(answer, &told, 4);
  return error;
}

int32_t woe_file_read(woe_instance *i, const wasmtime_val_raw_t *v) {
  woe_file *file = woe_file_of(i, (uint32_t)v[0].i32);
  size_t done = 0;
  if (!file) return BADF;
  int32_t error = transfer(i, file, v, false, file->offset, v[3], &done);
  file->offset += (int64_t)done;
  return error;
}

int32_t woe_file_write(woe_instance *i, const wasmtime_val_raw_t *v) {
  woe_file *file = woe_file_of(i, (uint32_t)v[0].i32);
  struct stat st;
  size_t done = 0;
  if (!file) return BADF;
  if (file->flags & FLAG_APPEND) {
    if (fstat(file->fd, &st) < 0) return woe_file_errno(errno);
    file->offset = st.st_size;
  }
  int32_t error = transfer(i, file, v, true, file->offset, v[3], &done);
  file->offset += (int64_t)done;
  return error;
}

WASI(fd_pread) {
  FILE_AT_0;
  size_t done = 0;
  ANSWER(transfer(i, file, v, false, v[3].i64, v[4], &done));
}

WASI(fd_pwrite) {
  FILE_AT_0;
  size_t done = 0;
  ANSWER(transfer(i, file, v, true, v[3].i64, v[4], &done));
}

static int32_t seek(woe_file *file, int64_t by, uint32_t from) {
  struct stat st = {0};
  if (file->directory) return ISDIR;
  if (from > 2) return INVAL; // set, current, end
  if (from == 2 && fstat(file->fd, &st) < 0) return woe_file_errno(errno);
  int64_t base = from == 0 ? 0 : from == 1 ? file->offset : st.st_size;
  if (by > INT64_MAX - base || base + by < 0) return INVAL;
  file->offset = base + by;
  return SUCCESS;
}

int32_t woe_file_seek(woe_instance *i, const wasmtime_val_raw_t *v) {
  woe_file *file = woe_file_of(i, (uint32_t)v[0].i32);
  uint8_t *result = woe_guest_bytes(i, (uint32_t)v[3].i32, 8);
  if (!file || !result) return file ? FAULT : BADF;
  int32_t error = seek(file, v[1].i64, (uint32_t)v[2].i32);
  if (!error) memcpy(result, &file->offset, 8);
  return error;
}

int32_t woe_file_tell(woe_instance *i, const wasmtime_val_raw_t *v) {
  const woe_file *file = woe_file_of(i, (uint32_t)v[0].i32);
  if (!file || file->directory) return file ? ISDIR : BADF;
  return store64(i, v[1].i32, (uint64_t)file->offset) ? SUCCESS : FAULT;
}

int32_t woe_file_fdstat(woe_instance *i, const wasmtime_val_raw_t *v) {
  const woe_file *file = woe_file_of(i, (uint32_t)v[0].i32);
  if (!file) return BADF;
  uint8_t *p = woe_guest_bytes(i, (uint32_t)v[1].i32, FDSTAT_SIZE);
  if (!p) return FAULT;
  memset(p, 0, FDSTAT_SIZE);
  p[0] = file->directory ? FILETYPE_DIRECTORY : FILETYPE_REGULAR_FILE;
  memcpy(p + 2, &file->flags, 2);
  memcpy(p + 8, &file->rights, 8);
  if (file->directory) memcpy(p + 16, &i->files->open[0].rights, 8); // C libraries ask for no more than what is inherited
  return SUCCESS;
}

int32_t woe_file_set_flags(woe_instance *i, const wasmtime_val_raw_t *v) {
  woe_file *file = woe_file_of(i, (uint32_t)v[0].i32);
  if (!file || (uint32_t)v[1].i32 > FLAGS_ALL) return file ? INVAL : BADF;
  file->flags = (uint16_t)v[1].i32;
  return SUCCESS;
}

WASI(fd_filestat_get) {
  FILE_AT_0;
  struct stat st;
  uint8_t *p = woe_guest_bytes(i, (uint32_t)v[1].i32, FILESTAT_SIZE);
  if (!p) ANSWER(FAULT);
  if (fstat(file->fd, &st) < 0) ANSWER(woe_file_errno(errno));
  woe_filestat(p, &st);
  ANSWER(SUCCESS);
}

WASI(fd_filestat_set_size) {
  FILE_AT_0;
  if (file->directory) ANSWER(ISDIR);
  ANSWER(woe_file_resize(i->files, file->fd, v[1].i64));
}

WASI(fd_unsynced) { // see above
  INSTANCE;
  ANSWER(woe_file_of(i, (uint32_t)v[0].i32) ? SUCCESS : BADF);
}

WASI(fd_advise) { // it is taken note of and not followed
  INSTANCE;
  ANSWER(woe_file_of(i, (uint32_t)v[0].i32) ? SUCCESS : BADF);
}

WASI(fd_readdir) {
  FILE_AT_0;
  uint32_t cap = (uint32_t)v[2].i32, len = 0;
  uint8_t *to = woe_guest_bytes(i, (uint32_t)v[1].i32, cap), *result = woe_guest_bytes(i, (uint32_t)v[4].i32, 4);
  if (!to || !result) ANSWER(FAULT);
  if (!file->directory) ANSWER(NOTDIR);
  if (cap > READDIR_MAX) ANSWER(INVAL); // to fill only a part of it would tell that the directory ends there
  int32_t error = woe_directory_list(file->fd, v[3].i64, to, cap, &len);
  if (!error) memcpy(result, &len, 4);
  ANSWER(error);
}

// refused stands for what a private directory does not do: file times, room in advance, other numbers for descriptors.
WASI(refused) {
  INSTANCE;
  ANSWER(woe_file_of(i, (uint32_t)v[0].i32) ? NOTSUP : BADF);
}

wasmtime_error_t *woe_define_wasi_files(wasmtime_linker_t *linker) {
  static const woe_wasi_function functions[] = {
      {"fd_prestat_get", "ii>i", fd_prestat_get},
      {"fd_prestat_dir_name", "iii>i", fd_prestat_dir_name},
      {"fd_close", "i>i", fd_close},
      {"fd_pread", "iiiIi>i", fd_pread},
      {"fd_pwrite", "iiiIi>i", fd_pwrite},
      {"fd_filestat_get", "ii>i", fd_filestat_get},
      {"fd_filestat_set_size", "iI>i", fd_filestat_set_size},
      {"fd_filestat_set_times", "iIIi>i", refused},
      {"fd_readdir", "iiiIi>i", fd_readdir},
      {"fd_sync", "i>i", fd_unsynced},
      {"fd_datasync", "i>i", fd_unsynced},
      {"fd_advise", "iIIi>i", fd_advise},
      {"fd_allocate", "iII>i", refused},
      {"fd_renumber", "ii>i", refused},
      {"fd_fdstat_set_rights", "iII>i", refused},
  };
  return woe_define_wasi_table(linker, functions, sizeof functions / sizeof *functions);
}
