// benchmarks/bench_peers.cc - how much better, or worse, than Tarantool, NATS and rows in SQLite?
//
// The same readings on each system, in turn: a full copy brings an empty one up to date over loopback, both
// on disk (peers/system.h). A system that is not installed is left out, and that is said.
#include <stdlib.h>

#include <algorithm>
#include <exception>
#include <iostream>

#include "benchmarks/options.h"
#include "benchmarks/peers/comparison.h"
#include "benchmarks/recording.h"
#include "benchmarks/tarantool_instance.h"
#include "tests/support/recorded_data.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace deltamesh;
using bench::Contender;
using bench::TarantoolWay;

struct Plan {
  bench::Options options;
  bool generated = false;
  std::uint64_t readings = 0, peer_readings = 0;  // 0: the usual number.
  std::string only;
};

constexpr std::uint64_t kAll = 10'000'000;  // More than were recorded.

std::uint64_t readings_of(const Plan& plan) {
  return plan.readings != 0 ? plan.readings : plan.options.quick ? 500'000 : kAll;
}
std::uint64_t peer_readings_of(const Plan& plan) {
  const std::uint64_t usual = plan.options.quick ? 20'000 : 500'000;
  return std::min(plan.peer_readings != 0 ? plan.peer_readings : usual, readings_of(plan));
}

struct Source {
  std::string name;
  std::vector<std::string> sensor_files;
};

Source source_of(const Plan& plan, const std::filesystem::path& folder) {
  constexpr const char* kArchive = "aberdeen-by-sensor.tar.zst";
  const auto archive = plan.generated ? std::nullopt : testing::recorded_data(kArchive);
  if (archive) return {kArchive, bench::csv_files(*archive, folder)};
  return {"generated", bench::generate_sensors(readings_of(plan), folder)};
}

// Those of the names wanted whose programs there are; what is wanted and missing is said.
class Peers {
 public:
  Peers(const Plan& plan, const bench::Extract& extract, std::filesystem::path folder)
      : only_(plan.only), extract_(extract), folder_(std::move(folder)) {}

  void add_tarantool();
  void add_nats();
  void add_sqlite();
  std::vector<Contender> take() { return std::move(contenders_); }

 private:
  [[nodiscard]] bool wanted(const std::string& name) const { return name.find(only_) != std::string::npos; }
  void say_missing(const std::vector<std::string>& names, const std::string& package) const;
  template <class Make>
  void add(const std::string& name, const std::string& version, Make make);

  std::string only_;
  const bench::Extract& extract_;
  std::filesystem::path folder_;
  std::vector<Contender> contenders_;
};

template <class Make>
void Peers::add(const std::string& name, const std::string& version, Make make) {
  if (!wanted(name)) return;
  std::cerr << "filling " << name << std::endl;
  contenders_.push_back({name, version, make(extract_, folder_ / name), extract_.readings});
}

void Peers::say_missing(const std::vector<std::string>& names, const std::string& package) const {
  if (std::any_of(names.begin(), names.end(), [this](const std::string& name) { return wanted(name); }))
    std::cout << "SKIPPED: not installed: Debian package " << package << "\n";
}

void Peers::add_tarantool() {
  const auto version = bench::tarantool_version();
  if (!version) return say_missing({"tarantool-write", "tarantool-fsync", "tarantool-join"}, "tarantool");
  const auto making = [](TarantoolWay way) {
    return [way](const auto& extract, const auto& folder) {
      return bench::make_tarantool_pair(way, extract, folder);
    };
  };
  add("tarantool-write", *version, making(TarantoolWay::kWrite));
  add("tarantool-fsync", *version, making(TarantoolWay::kFsync));
  add("tarantool-join", *version, making(TarantoolWay::kJoin));
}

void Peers::add_nats() {
  const auto version = bench::nats_version();
  if (!version) return say_missing({"nats-default", "nats-fsync"}, "nats-server");
  const auto making = [](bool fsync) {
    return [fsync](const auto& extract, const auto& folder) {
      return bench::make_nats_pair(fsync, extract, folder);
    };
  };
  add("nats-default", *version, making(false));
  if (bench::nats_knows_fsync()) {
    add("nats-fsync", *version, making(true));
  } else if (wanted("nats-fsync")) {
    std::cout << "SKIPPED: nats-fsync: " << *version << " cannot sync each message to disk\n";
  }
}

void Peers::add_sqlite() {
  const auto making = [](bool fsync) {
    return [fsync](const auto& extract, const auto& folder) {
      return bench::make_sqlite_rows(fsync, extract, folder);
    };
  };
  const std::string version = bench::sqlite_version();
  add("sqlite-off", version, making(false));
  add("sqlite-full", version, making(true));
}

std::vector<Contender> contenders(const Plan& plan, const Source& source,
                                  const std::filesystem::path& folder) {
  std::vector<Contender> all;
  std::cerr << "filling deltamesh" << std::endl;
  const auto ours = bench::extract_readings(source.sensor_files, readings_of(plan), folder / "readings");
  all.push_back(
      {"deltamesh", "", bench::make_node_pair(ours.sensor_files, folder / "deltamesh"), ours.readings});
  const auto theirs =
      bench::extract_readings(source.sensor_files, peer_readings_of(plan), folder / "peer-readings");
  Peers peers(plan, theirs, folder);
  peers.add_tarantool();
  peers.add_nats();
  peers.add_sqlite();
  for (Contender& peer : peers.take()) all.push_back(std::move(peer));
  return all;
}

// Of the last minute.
double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : -1;
}

int measure(const Plan& plan) {
  const double load = load_average();
  const testing::TempDir dir;
  const Source source = source_of(plan, dir.path() / "recording");
  const auto all = contenders(plan, source, dir.path());
  const bench::Rounds rounds = bench::run_rounds(all, plan.options.runs);

  bench::Report report("peers");
  report.param("recording", source.name);
  report.param("readings", static_cast<double>(all.front().readings));
  report.param("runs", static_cast<double>(plan.options.runs));
  report.param("link", std::string("tcp"));
  report.param("load_before", load);
  bench::add_comparison(report, all, rounds);
  const bool written = report.finish(plan.options.json_file);
  std::cout << "\n" << bench::ratio_table(all, rounds);
  return written ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  int status = 0;
  const auto options = bench::parse_options(
      argc, argv, "How much better, or worse, than Tarantool, NATS and rows in SQLite?", status,
      {{"--generated", &plan.generated, "Readings that are made up, also where there are recorded ones"},
       {"--readings", &plan.readings, "How many of them, at least; all without"},
       {"--peer-readings", &plan.peer_readings, "How many the others get; 500,000 without"},
       {"--only", &plan.only, "Only the others whose names contain this text"}});
  if (!options) return status;
  plan.options = *options;
  try {
    return measure(plan);
  } catch (const std::exception& error) {
    std::cerr << "bench_peers: " << error.what() << "\n";
    return 1;
  }
}
