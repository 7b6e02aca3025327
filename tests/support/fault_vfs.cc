// tests/support/fault_vfs.cc - SQLite's calls, passed on to the disk; statuses turned into SQLite's codes.
#include "tests/support/fault_vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>

namespace deltamesh::testing {
namespace {

using Handle = FaultDisk::Handle;

// SQLite hands out the memory; it is never constructed.
struct OpenFile {
  sqlite3_file base;
  Handle* handle;
};

Handle& handle_of(sqlite3_file* file) {
  return *reinterpret_cast<OpenFile*>(file)->handle;
}

FaultDisk& disk_of(sqlite3_vfs* vfs) {
  return *static_cast<FaultDisk*>(vfs->pAppData);
}

int code_of(DiskStatus status, int io_error) {
  switch (status) {
    case DiskStatus::kOk: return SQLITE_OK;
    case DiskStatus::kFull: return SQLITE_FULL;
    case DiskStatus::kBusy: return SQLITE_BUSY;
    case DiskStatus::kIo:
    case DiskStatus::kNotFound: break;
  }
  return io_error;
}

std::uint64_t unsigned_of(sqlite3_int64 number) {
  return static_cast<std::uint64_t>(number);
}

int close_file(sqlite3_file* file) {
  delete &handle_of(file);
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset) {
  bool missing = false;
  const DiskStatus status = handle_of(file).read(unsigned_of(offset), static_cast<char*>(to),
                                                 static_cast<std::size_t>(bytes), missing);
  if (status == DiskStatus::kOk && missing) return SQLITE_IOERR_SHORT_READ;
  return code_of(status, SQLITE_IOERR_READ);
}

int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  const std::string_view data(static_cast<const char*>(from), static_cast<std::size_t>(bytes));
  return code_of(handle_of(file).write(unsigned_of(offset), data), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return code_of(handle_of(file).truncate(unsigned_of(size)), SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* file, int) {
  return code_of(handle_of(file).sync(), SQLITE_IOERR_FSYNC);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  std::uint64_t bytes = 0;
  const DiskStatus status = handle_of(file).size(bytes);
  *size = static_cast<sqlite3_int64>(bytes);
  return code_of(status, SQLITE_IOERR_FSTAT);
}

int lock_file(sqlite3_file* file, int level) {
  return code_of(handle_of(file).raise_lock(level), SQLITE_IOERR_LOCK);
}

int unlock_file(sqlite3_file* file, int level) {
  return code_of(handle_of(file).lower_lock(level), SQLITE_IOERR_UNLOCK);
}

int check_reserved(sqlite3_file* file, int* result) {
  bool reserved = false;
  const DiskStatus status = handle_of(file).reserved_elsewhere(reserved);
  *result = reserved ? 1 : 0;
  return code_of(status, SQLITE_IOERR_CHECKRESERVEDLOCK);
}

int control_file(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file*) {
  return 4096;
}

int characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int map_shared(sqlite3_file* file, int index, int bytes, int make, void volatile** region) {
  char* found = nullptr;
  const DiskStatus status = handle_of(file).shared_region(static_cast<std::size_t>(index),
                                                          static_cast<std::size_t>(bytes), make != 0, found);
  *region = found;
  return code_of(status, SQLITE_IOERR_SHMMAP);
}

int lock_shared(sqlite3_file* file, int first, int count, int flags) {
  const auto from = static_cast<std::size_t>(first), slots = static_cast<std::size_t>(count);
  const DiskStatus status =
      (flags & SQLITE_SHM_UNLOCK) != 0
          ? handle_of(file).shared_unlock(from, slots)
          : handle_of(file).shared_lock(from, slots, (flags & SQLITE_SHM_EXCLUSIVE) != 0);
  return code_of(status, SQLITE_IOERR_SHMLOCK);
}

void fence_shared(sqlite3_file*) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

int unmap_shared(sqlite3_file* file, int) {
  handle_of(file).shared_leave();
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods{
    2,           close_file,   read_file,      write_file,   truncate_file, sync_file,       file_size,
    lock_file,   unlock_file,  check_reserved, control_file, sector_size,   characteristics, map_shared,
    lock_shared, fence_shared, unmap_shared,   nullptr,      nullptr};

// A file without a name is a temporary one; the store wants those in memory.
int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  auto* const opened = reinterpret_cast<OpenFile*>(file);
  opened->base.pMethods = nullptr;
  if (name == nullptr) return SQLITE_CANTOPEN;
  DiskStatus status = DiskStatus::kOk;
  auto handle = disk_of(vfs).open(name, (flags & SQLITE_OPEN_CREATE) != 0, status);
  if (!handle) return status == DiskStatus::kIo ? SQLITE_IOERR : SQLITE_CANTOPEN;
  opened->handle = handle.release();
  opened->base.pMethods = &kMethods;
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  const DiskStatus status = disk_of(vfs).remove(name, sync_folder != 0);
  return status == DiskStatus::kNotFound ? SQLITE_IOERR_DELETE_NOENT : code_of(status, SQLITE_IOERR_DELETE);
}

int access_file(sqlite3_vfs* vfs, const char* name, int, int* result) {
  bool found = false;
  const DiskStatus status = disk_of(vfs).exists(name, found);
  *result = found ? 1 : 0;
  return code_of(status, SQLITE_IOERR_ACCESS);
}

int last_error(sqlite3_vfs*, int, char*) {
  return EIO;
}

std::string new_name() {
  static std::atomic<int> number{0};
  return "deltamesh-fault-" + std::to_string(++number);
}

}  // namespace

FaultVfs::FaultVfs(std::uint64_t seed)
    : name_(new_name()), disk_(seed), vfs_(std::make_unique<sqlite3_vfs>(*sqlite3_vfs_find(nullptr))) {
  vfs_->szOsFile = sizeof(OpenFile);
  vfs_->pNext = nullptr;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = &disk_;
  vfs_->xOpen = open_file;
  vfs_->xDelete = delete_file;
  vfs_->xAccess = access_file;
  vfs_->xGetLastError = last_error;
  if (sqlite3_vfs_register(vfs_.get(), 0) != SQLITE_OK) throw std::runtime_error("SQLite refuses the VFS");
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(vfs_.get());
}

}  // namespace deltamesh::testing
