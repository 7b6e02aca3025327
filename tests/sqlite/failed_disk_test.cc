// tests/sqlite/failed_disk_test.cc - after an error of the disk nothing more is accepted, and nothing is
// trusted.
#include <sys/resource.h>

#include "tests/sqlite/child_process.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

// From here on this process gets an error, which is not "full", for writes beyond `bytes` of a file.
void limit_files_to(std::uint64_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{static_cast<rlim_t>(bytes), static_cast<rlim_t>(bytes)};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(5);
}

TEST_CASE("a failed write fails its batch and all later ones, and the next opening starts a new incarnation",
          "[sqlite][crash]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity identity = open_store_at(path)->identity();
  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe& from_parent) {
    const auto store = SqliteStore::open(options_for(path));
    limit_files_to(300'000);
    Seq seq = 1;
    Status status = Done{};
    for (; status; ++seq) status = commit_to(**store, local_batch((*store)->identity(), seq, 1, 20'000));
    to_parent.put(seq - 2);  // The last that was acknowledged.
    to_parent.put(static_cast<std::uint64_t>(status.error().code));
    to_parent.put(static_cast<std::uint64_t>((*store)->status().state));
    const Status later = commit_to(**store, local_batch((*store)->identity(), seq, 1));
    to_parent.put(later ? 0 : static_cast<std::uint64_t>(later.error().code));
    const auto reader = (*store)->make_reader();
    to_parent.put(reader && (*reader)->image() ? 1 : 0);
    static_cast<void>(from_parent.take());
  });
  const auto acknowledged = child.take();
  REQUIRE(acknowledged);
  CHECK(*acknowledged > 3);
  CHECK(child.take() == static_cast<std::uint64_t>(ErrorCode::kIo));
  CHECK(child.take() == static_cast<std::uint64_t>(SqliteStatus::State::kFailed));
  CHECK(child.take() == static_cast<std::uint64_t>(ErrorCode::kIo));
  CHECK(child.take() == 1u);  // Readers go on.
  child.kill();

  const auto store = open_store_at(path);
  CHECK(store->opened().new_incarnation);
  CHECK_THAT(store->opened().why, Catch::Contains("in doubt"));
  const auto knowledge = (*store->make_reader())->knowledge();
  const StreamKnowledge* known = knowledge->find(local_batch(identity, 1, 1).blocks[0].stream);
  REQUIRE(known != nullptr);
  CHECK(known->held().contains(Interval{1, *acknowledged}));
}

}  // namespace
}  // namespace deltamesh
