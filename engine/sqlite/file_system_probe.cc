// engine/sqlite/file_system_probe.cc - fallocate(2) of a byte that is there.
#include "engine/sqlite/file_system_probe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace deltamesh::sqlite {

Result<FileSystemProbe> FileSystemProbe::open(const std::string& path) {
  int descriptor = -1;
  do descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor >= 0) return FileSystemProbe(descriptor);
  return Error{ErrorCode::kIo, "cannot open " + path + ": " + std::strerror(errno)};
}

FileSystemProbe::~FileSystemProbe() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status FileSystemProbe::ask() const {
  int failed = 0;
  do failed = ::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, 1);
  while (failed != 0 && errno == EINTR);
  // EUCLEAN is what a file system says that found itself damaged.
  if (failed == 0 || (errno != EROFS && errno != EIO && errno != EUCLEAN)) return Done{};
  return Error{ErrorCode::kIo,
               std::string("the file system gave up while a commit was synced: ") + std::strerror(errno)};
}

}  // namespace deltamesh::sqlite
