// tests/sim/network.h - 2 to 30 real engines in one thread under virtual time, and one run of them.
//
// First writes and faults, as the options say; then faults stop, every node comes back, and the network must
// become quiet; then tests/sim/checks.h; then it must stay silent. All the time, tests/sim/watch.h. Equal
// options give an equal trace number. docs/simulation.md tells the whole.
#pragma once

#include <string>

#include "tests/sim/checks.h"
#include "tests/sim/links.h"
#include "tests/sim/options.h"
#include "tests/sim/outfit.h"
#include "tests/sim/watch.h"

namespace deltamesh::sim {

struct Outcome {
  std::string failure;  // Empty: all promises were kept.
  std::uint64_t trace = 0;
  std::size_t events = 0;        // Durable, all nodes together.
  std::size_t acknowledged = 0;  // Writes that were called durable.
  std::size_t rules = 0;         // For wrong data, in the end.
  std::size_t forgotten = 0;     // Events that these name: nothing is left of them.
  Traffic traffic = {};
  Pruned pruned = {};
};

class Network {
 public:
  explicit Network(const Options& options, const Outfit& outfit = {});
  Outcome run();

 private:
  void link_up();

  // workload.cc
  void plan_writes(NodeIx node);
  void write_something(SimNode& node);
  std::vector<NamedEvent> make_untimed();
  std::vector<NamedEvent> make_events();
  std::string make_value();
  NamedReading make_reading();
  [[nodiscard]] DatasetId pick_telemetry();
  [[nodiscard]] Ticks pick_time(DatasetId dataset, bool untimed);
  void write_rule(SimNode& node);

  // faults.cc
  void plan_faults();
  void some_faults();
  bool happens(std::uint64_t per_mille);
  void crash(NodeIx node);
  void end(NodeIx node);
  void start(NodeIx node);
  std::vector<bool> some_nodes();
  void divide();
  void swizzle();
  void back_up_or_restore(NodeIx node);
  void flap(LinkIx link, Micros end);

  [[nodiscard]] bool healed() const { return world_.queue.now() >= options_.active; }
  void heal();
  [[nodiscard]] bool quiet() const;
  [[nodiscard]] Micros settle_max() const;
  void settle();
  void check_refusals();
  void check_silence();

  Options options_;
  World world_;
  Ledger ledger_;
  Nodes nodes_;
  Links links_;
  Watch watch_;
};

inline Outcome run(const Options& options) {
  return Network(options).run();
}

}  // namespace deltamesh::sim
