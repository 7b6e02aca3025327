// benchmarks/peers/nats_pair.cc - a leaf node's stream and the hub that mirrors it.
//
// A message is one of a sensor, its subject names the first series, its payload is the rest of the line. Time
// runs from the making of the mirror, with the link open.
#include <boost/json/value.hpp>
#include <chrono>
#include <fstream>
#include <stdexcept>

#include "benchmarks/counted_links.h"
#include "benchmarks/peers/nats_server.h"
#include "benchmarks/peers/system.h"
#include "benchmarks/process_use.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr const char* kStream = "readings";
constexpr const char* kCreate = "$JS.API.STREAM.CREATE.readings";

void fill(NatsServer& leaf, const Extract& extract) {
  leaf.ask(kCreate, {{"name", kStream}, {"subjects", {"env.*"}}, {"storage", "file"}, {"no_ack", true}});
  std::ifstream lines(extract.messages_file);
  for (std::string line; std::getline(lines, line);) {
    const auto comma = line.find(',');
    leaf.publish("env." + line.substr(0, comma), std::string_view(line).substr(comma + 1));
  }
  if (!testing::wait_until([&] { return leaf.messages(kStream) == extract.messages; },
                           std::chrono::minutes(10)))
    throw std::runtime_error("the leaf does not take all messages:\n" + leaf.log());
}

class NatsPair final : public System {
 public:
  NatsPair(bool fsync, const Extract& extract, std::filesystem::path folder)
      : fsync_(fsync), messages_(extract.messages), folder_(std::move(folder)) {
    NatsServer leaf("leaf", folder_ / "leaf");
    leaf.start(false);
    fill(leaf, extract);
    leaf.stop();
  }
  CatchUp catch_up() override;

 private:
  bool fsync_;
  std::uint64_t messages_;
  std::filesystem::path folder_;
};

// On a copy, so that every run begins alike.
CatchUp NatsPair::catch_up() {
  const testing::TempDir dir(folder_);
  std::filesystem::copy(folder_ / "leaf", dir.path() / "leaf", std::filesystem::copy_options::recursive);
  CountedLinks links;
  NatsServer hub("hub", dir.path() / "hub"), leaf("leaf", dir.path() / "leaf");
  hub.start(fsync_);
  leaf.start(fsync_, links.way_to(hub.leaf_port()));
  if (!testing::wait_until([&] { return !hub.ask("$JS.leaf.API.INFO").is_null(); }))
    throw std::runtime_error("leaf and hub do not find each other:\n" + leaf.log());
  settle_disk();

  const ProcessUse leaf_before = process_use(leaf.pid()), hub_before = process_use(hub.pid());
  const std::uint64_t wire_before = links.bytes();
  const auto begun = Clock::now();
  hub.ask(kCreate, {{"name", kStream},
                    {"storage", "file"},
                    {"mirror", {{"name", kStream}, {"external", {{"api", "$JS.leaf.API"}}}}}});
  if (!testing::wait_until([&] { return hub.messages(kStream) == messages_; }, std::chrono::minutes(30)))
    throw std::runtime_error("the hub did not catch up:\n" + hub.log());
  CatchUp result;
  result.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  add_use(result, used_since(leaf_before, leaf.pid()));
  add_use(result, used_since(hub_before, hub.pid()));
  result.wire_bytes = static_cast<double>(links.bytes() - wire_before);
  hub.stop();
  leaf.stop();
  result.disk_bytes = bytes_in(hub.folder());
  return result;
}

}  // namespace

std::unique_ptr<System> make_nats_pair(bool fsync, const Extract& extract,
                                       const std::filesystem::path& folder) {
  return std::make_unique<NatsPair>(fsync, extract, folder);
}

}  // namespace deltamesh::bench
