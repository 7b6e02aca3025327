// engine/sqlite/files.cc - POSIX files, with every error named.
#include "engine/sqlite/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace deltamesh::sqlite {
namespace {

Error system_error(const std::string& what, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return {full ? ErrorCode::kFull : ErrorCode::kIo, what + ": " + std::strerror(number)};
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

int open_retrying(const std::string& path, int flags) {
  int descriptor = -1;
  do descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status write_all(int descriptor, const std::string& bytes, const std::string& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("cannot write " + path, errno);
    done += static_cast<std::size_t>(count);
  }
  return Done{};
}

// Always a file that was not there before: what somebody else put in its place is not followed.
Status write_new(const std::string& path, const std::string& contents, bool sync) {
  if (Status status = remove_file(path); !status) return status;
  const Descriptor descriptor(open_retrying(path, O_WRONLY | O_CREAT | O_EXCL));
  if (descriptor.get() < 0) return system_error("cannot create " + path, errno);
  if (Status status = write_all(descriptor.get(), contents, path); !status) return status;
  if (sync && ::fsync(descriptor.get()) != 0) return Error{ErrorCode::kIo, "cannot sync " + path};
  return Done{};
}

}  // namespace

Result<FileFacts> file_facts(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return FileFacts{};
    return system_error("cannot look at " + path, errno);
  }
  if (!S_ISREG(facts.st_mode)) return Error{ErrorCode::kInvalid, path + " is not a file"};
  return FileFacts{true, static_cast<std::uint64_t>(facts.st_size),
                   std::int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec};
}

Result<StandingStore> StandingStore::at(const std::string& path) {
  const Result<FileFacts> database = file_facts(path);
  if (!database) return database.error();
  StandingStore store;
  store.database_ = *database;
  for (const char* side : {"-wal", "-shm"}) {
    const Result<FileFacts> facts = file_facts(path + side);
    if (!facts) return facts.error();
    store.logged_ = store.logged_ || facts->exists;
  }
  return store;
}

Status StandingStore::check(const std::string& path) const {
  if (logged_) return Done{};
  const Result<StandingStore> now = at(path);
  if (!now) return now.error();
  if (!now->logged_ && now->database_ == database_) return Done{};
  return Error{ErrorCode::kIo, "a node has started to write " + path + " meanwhile; ask again"};
}

Result<std::string> read_file(const std::string& path, std::size_t size_max) {
  const Descriptor descriptor(open_retrying(path, O_RDONLY));
  if (descriptor.get() < 0 && errno == ENOENT) return Error{ErrorCode::kNotFound, path + " does not exist"};
  if (descriptor.get() < 0) return system_error("cannot open " + path, errno);
  std::string bytes(size_max + 1, '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(descriptor.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("cannot read " + path, errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  if (done > size_max)
    return Error{ErrorCode::kLimit, path + " is larger than " + std::to_string(size_max) + " bytes"};
  bytes.resize(done);
  return bytes;
}

Result<SourceFile> SourceFile::open(const std::string& path) {
  const int descriptor = open_retrying(path, O_RDONLY);
  if (descriptor < 0 && errno == ENOENT) return Error{ErrorCode::kNotFound, path + " does not exist"};
  if (descriptor < 0) return system_error("cannot open " + path, errno);
  SourceFile file(descriptor);
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return system_error("cannot look at " + path, errno);
  file.size_ = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

SourceFile& SourceFile::operator=(SourceFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

SourceFile::~SourceFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool SourceFile::read_at(std::uint64_t place, std::span<std::byte> bytes) const {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count =
        ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(place + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

Status replace_file(const std::string& path, const std::string& contents, bool sync) {
  const std::string temporary = path + ".new";
  Status status = write_new(temporary, contents, sync);
  if (status) return rename_file(temporary, path, sync);
  ::unlink(temporary.c_str());
  return status;
}

Status sync_file(const std::string& path) {
  const Descriptor descriptor(open_retrying(path, O_RDONLY));
  if (descriptor.get() < 0) return system_error("cannot open " + path, errno);
  if (::fsync(descriptor.get()) != 0) return Error{ErrorCode::kIo, "cannot sync " + path};
  return Done{};
}

// A rename is durable once its folder is.
Status sync_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  const Descriptor descriptor(open_retrying(folder, O_RDONLY | O_DIRECTORY));
  if (descriptor.get() < 0) return system_error("cannot open the folder " + folder, errno);
  if (::fsync(descriptor.get()) != 0) return Error{ErrorCode::kIo, "cannot sync the folder " + folder};
  return Done{};
}

// A link cannot take the place of a file; where there are no links, a look at the place must do.
Status rename_new(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) {
    if (Status status = remove_file(from); !status) return status;
    return sync_folder(to);
  }
  const int code = errno;
  const Result<FileFacts> there = file_facts(to);
  if (!there) return there.error();
  if (there->exists) return Error{ErrorCode::kInvalid, to + " exists, and nothing is written over"};
  if (code == EPERM || code == EOPNOTSUPP || code == ENOSYS || code == EMLINK)
    return rename_file(from, to, true);
  return system_error("cannot link " + to, code);
}

Status rename_file(const std::string& from, const std::string& to, bool sync) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("cannot rename " + from, errno);
  return sync ? sync_folder(to) : Status(Done{});
}

std::string free_name(const std::string& name) {
  std::string free = name;
  const auto taken = [](const std::string& path) {
    const Result<FileFacts> facts = file_facts(path);
    return !facts || facts->exists;
  };
  for (int number = 2; taken(free); ++number) free = name + '.' + std::to_string(number);
  return free;
}

void copy_owner(const std::string& from, const std::string& to) {
  struct stat facts {};
  if (::stat(from.c_str(), &facts) != 0) return;
  const uid_t nobody_else = static_cast<uid_t>(-1);
  const bool has_group = ::chown(to.c_str(), facts.st_uid, facts.st_gid) == 0 ||
                         ::chown(to.c_str(), nobody_else, facts.st_gid) == 0;
  static_cast<void>(::chmod(to.c_str(), facts.st_mode & (has_group ? 0777 : 0700)));
}

std::string link_target(const std::string& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0 || !S_ISLNK(facts.st_mode)) return path;
  const std::unique_ptr<char, decltype(&std::free)> target(::realpath(path.c_str(), nullptr), &std::free);
  return target ? target.get() : path;
}

Status create_private(const std::string& path) {
  const Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  return descriptor.get() >= 0 ? Status(Done{}) : system_error("cannot create " + path, errno);
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Done{};
  return system_error("cannot remove " + path, errno);
}

Status remove_database(const std::string& path) {
  for (const char* side : kDatabaseFiles) {
    if (Status status = remove_file(path + side); !status) return status;
  }
  return Done{};
}

Status require_no_database(const std::string& path) {
  for (const char* side : kDatabaseFiles) {
    const Result<FileFacts> there = file_facts(path + side);
    if (!there) return there.error();
    if (there->exists)
      return Error{ErrorCode::kInvalid, path + side + " exists, and nothing is written over"};
  }
  return Done{};
}

Status fill_random(std::array<std::uint8_t, 16>& bytes) {
  if (::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())) return Done{};
  return system_error("cannot get random bytes", errno);
}

Result<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs facts {};
  if (::statvfs(path.c_str(), &facts) != 0)
    return system_error("cannot ask for the room beside " + path, errno);
  return std::uint64_t{facts.f_bavail} * facts.f_frsize;
}

bool is_memory(const std::string& folder) {
  struct statfs facts {};
  if (::statfs(folder.c_str(), &facts) != 0) return false;
  constexpr std::uint32_t kTmpfs = 0x01021994, kRamfs = 0x858458f6;
  const auto type = static_cast<std::uint32_t>(facts.f_type);
  return (type == kTmpfs || type == kRamfs) && ::access(folder.c_str(), W_OK | X_OK) == 0;
}

bool is_ours_or_absent(const std::string& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return errno == ENOENT;
  return S_ISREG(facts.st_mode) && facts.st_uid == ::geteuid();
}

std::string absolute_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> folder(::realpath(folder_of(path).c_str(), nullptr),
                                                           &std::free);
  if (!folder) return path;
  return std::string(folder.get()) + '/' + path.substr(path.rfind('/') + 1);
}

Result<LockFile> LockFile::take(const std::string& path) {
  const int descriptor = open_retrying(path, O_RDWR | O_CREAT);
  if (descriptor < 0) return system_error("cannot open " + path, errno);
  LockFile lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return Error{ErrorCode::kIo, path + " is locked: another process has this store open"};
  return system_error("cannot lock " + path, errno);
}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void LockFile::release() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace deltamesh::sqlite
