// tests/support/stand_in.cc - made, resized, recognised.
#include "tests/support/stand_in.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace deltamesh::testing {

StandIn::StandIn(const std::string& path)
    : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  struct stat facts {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &facts) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot make " + path);
  device_ = facts.st_dev;
  number_ = facts.st_ino;
}

StandIn::~StandIn() {
  ::close(descriptor_);
}

void StandIn::resize(std::uint64_t bytes) const {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot resize a stand-in");
}

bool StandIn::lies_at(const std::string& path) const {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && facts.st_dev == device_ && facts.st_ino == number_;
}

bool StandIn::named() const {
  struct stat facts {};
  return ::fstat(descriptor_, &facts) == 0 && facts.st_nlink > 0;
}

}  // namespace deltamesh::testing
