// tests/sim/sim_node.h - one node of the simulated network: a real Node and its store, driven by the queue.
//
// It keeps the laws of a driver (engine/node.h). A commit takes time, and so does the news of it, so that a
// crash can fall between any two steps. A node that was crashed starts again from what its store holds.
#pragma once

#include <memory>
#include <set>

#include "engine/node.h"
#include "tests/sim/observer.h"
#include "tests/sim/options.h"
#include "tests/sim/outfit.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/wall_clock.h"
#include "tests/sim/world.h"

namespace deltamesh::sim {

// Where a node's frames go.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual void send(PeerId from, std::shared_ptr<const Bytes> frame) = 0;
  virtual void close(PeerId from) = 0;
};

// Node `ix` of a run has this name in it.
Identity identity_of(NodeIx ix);
NodeIx node_of(const NodeId& id);

class SimNode {
 public:
  SimNode(World& world, Observer& observer, const Options& options, NodeIx ix, NodeConfig config,
          std::unique_ptr<SimStore> store);
  SimNode(World& world, Observer& observer, const Options& options, NodeIx ix, NodeConfig config,
          std::unique_ptr<MemoryStore> store);

  void connect(Wire& wire) { wire_ = &wire; }
  void speak(std::unique_ptr<Dialect> dialect) { dialect_ = std::move(dialect); }
  // Told when the node cannot go on, because of its store: it shall be crashed, and started again later.
  void at_end(std::function<void()> ended) { ended_ = std::move(ended); }
  // It does not come up if its store loses power, or fails, while it is opened.
  void start();
  // The power is gone: what is not synced is lost, and so is all memory.
  void crash();
  // A backup of its store; and, while it is down, the return of its own, or of another node's, which makes it
  // a copy of that one.
  bool back_up() { return store_->back_up(); }
  [[nodiscard]] const MemoryStore* backup() const { return store_->backup(); }
  void restore(const MemoryStore& backup, bool goes_on) { store_->restore(backup, goes_on); }
  // From now on commits succeed.
  void heal();
  void jump_clock(Micros by);
  void drift_clock(std::int64_t per_mille);
  // Its clock has no battery: now and after each start it is 1970, until somebody sets it.
  void lose_time();
  void lie_once() { lies_ = 1; }
  // Its store leaves blocks as they were that rules want written anew.
  void remove_nothing() { removes_ = false; }
  // Commits, and the news of them, take so many times as long.
  void slow_down(int times) { slowness_ = times; }

  void opened(PeerId peer);
  void received(PeerId peer, ByteView frame);
  void closed(PeerId peer);
  void write(DatasetId dataset, const std::vector<NamedEvent>& events);
  void put(DatasetId dataset, const std::string& key, const std::string& value);
  void remove(DatasetId dataset, const std::string& key);
  void forget(const ForgetRule& rule, const std::string& reason);
  void flush();

  [[nodiscard]] bool up() const { return node_ != nullptr; }
  // Only when up().
  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] const StoreReader& store() const { return store_->reader(); }
  // What it knows, with what it leaves to its store.
  [[nodiscard]] Knowledge known() const;
  [[nodiscard]] NodeIx ix() const { return ix_; }

 private:
  [[nodiscard]] Instant now() const;
  void boot_clock();
  void count_boot();
  void set_clock();
  void carry_out();
  void persist(Batch batch);
  void sync();
  void report(BatchId batch, const Status& status);
  void answer(const Written& written);
  void store_ended();
  void wake_at(Micros when);
  // Schedules something that happens only if the node still lives then.
  template <class What>
  void later(Micros when, What what) {
    world_.queue.at(when, [this, life = life_, what = std::move(what)]() mutable {
      if (node_ != nullptr && life == life_) what();
    });
  }

  World& world_;
  Observer& observer_;
  const Options& options_;
  NodeIx ix_;
  NodeConfig config_;
  Wire* wire_ = nullptr;
  std::unique_ptr<Dialect> dialect_;
  std::unique_ptr<SimStore> store_;
  std::unique_ptr<Node> node_;
  std::function<void()> ended_;
  bool ends_ = false;
  std::uint64_t life_ = 0;
  std::optional<Incarnation> incarnation_;  // Of the last life,
  Micros booted_{0};                        // and when the machine was started for it.
  WallClock clock_;
  bool loses_time_ = false;
  std::uint64_t failures_per_mille_ = 0;
  int lies_ = 0;
  bool removes_ = true;
  int slowness_ = 1;
  bool sync_due_ = false;
  Micros last_report_{0};
  std::set<Micros> wakes_;  // Events that are to come; the first asks for the next.
};

}  // namespace deltamesh::sim
