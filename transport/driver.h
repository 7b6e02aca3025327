// transport/driver.h - holds the node: delivers events to it and carries out its effects.
//
// The one place where the engine meets clocks, threads and disks. All of it runs on the executor given; the
// public functions marked "any thread" post themselves there. It commits what the node wants kept, sends what
// it wants said, wakes it when it asked, and tells local writers when their data is durable.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/node.h"
#include "engine/sink.h"
#include "transport/counters.h"
#include "transport/link.h"
#include "transport/log_limit.h"
#include "transport/machine_clock.h"

namespace deltamesh {

class Driver final : public WriteSink {
 public:
  using Log = std::function<void(Note::Level, const std::string&)>;

  // `io` is run by one thread. `reader` (the node's) is used from that thread only. `store` calls back from
  // its own. All outlive the driver; stop() comes before their end. Destroyed on that thread, or when it has
  // ended.
  Driver(boost::asio::io_context& io, std::unique_ptr<Node> node, Store& store, Log log);
  // Breaks what links are left and answers the writers that still wait with kClosed.
  ~Driver() override;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // A connection is there; the driver shares it until closed(). On the executor, and never from within a call
  // of the link by the driver. closed() comes once for each opened(), whoever ended the link.
  PeerId opened(std::shared_ptr<Link> link);
  void received(PeerId peer, ByteView frame);
  void closed(PeerId peer, const std::string& reason);

  // WriteSink; any thread. A write that meets kFull is answered kFull: the writer decides when to try again.
  using WriteSink::write;
  void write(DatasetId dataset, std::vector<NamedEvent> events, TakenHandler taken,
             DoneHandler done) override;
  void put(DatasetId dataset, std::string key, std::string value, DoneHandler done) override;
  void remove(DatasetId dataset, std::string key, DoneHandler done) override;
  void repair(DatasetId dataset, std::string key, DoneHandler done) override;
  void flush() override;

  // Calls `look` on the executor; any thread. Not called if the driver is gone by then.
  void inspect(std::function<void(const Node&)> look);
  // Compares with the node in session whose id begins with `digits` (session_with()). Any thread; `begun` and
  // `done` are called on the executor, `done` only if it has begun, and not if the driver ends before it.
  using BegunHandler = std::function<void(const Result<CompareId>&)>;
  using ComparedHandler = std::function<void(Compared)>;
  void compare(std::string digits, BegunHandler begun, ComparedHandler done);
  // Node::retire(). Any thread; `done` as for a write.
  void retire(NodeId gone, DoneHandler done);
  // Node::forget(). Any thread; `done` as for a write.
  void forget(ForgetRule rule, std::string reason, DoneHandler done);
  // Told of all that becomes durable here, on the executor. Set before the first event.
  void on_arrival(std::function<void(const Arrival&)> arrived);
  // Told, once, that a peer holds events of this node that its store has lost. On the executor. Set before
  // the first event.
  void on_rolled_back(std::function<void(const std::string& why)> rolled_back);

  // Commits what is gathered, waits until it is durable, says goodbye to peers, then calls `stopped`; after
  // `patience` without the disk's or the peers' answer it calls it all the same. On the executor; writes are
  // refused (kClosed) from now on, and what peers send is dropped. Dialers and listeners are stopped before.
  void stop(std::chrono::milliseconds patience, std::function<void()> stopped);

  // For links, dialers and listeners. On the executor.
  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  // Empty once the driver is gone: what may outlive it holds this.
  [[nodiscard]] std::weak_ptr<Driver> weak() const { return self_; }
  // At a bounded rate.
  void log(Note::Level level, const std::string& text);
  [[nodiscard]] TransportCounters& counters() { return counters_; }

 private:
  enum class Phase : std::uint8_t { kRunning, kDraining, kEndingLinks, kStopped };
  struct Peer {
    std::shared_ptr<Link> link;
    bool known_to_node = true;  // Until the node itself ends the session.
  };

  template <class Action>
  void post(Action action);
  template <class Write>
  void post_write(Write write, DoneHandler done);
  template <class Event>
  void tell_node(Event event);
  void answer(Result<WriteId> accepted, DoneHandler done);

  void carry_out();
  void commit(Batch batch);
  void committed(BatchId batch, const Status& status);
  void send(const Send& send);
  void close(const Close& close);
  void written(const Written& written);
  void compared(Compared&& result);
  void wake(std::optional<std::chrono::microseconds> at);
  void note(const Note& note);

  void drained();
  void end_links();
  void finish();
  void abandon_writers();

  boost::asio::io_context& io_;
  MachineClock clock_;
  std::unique_ptr<Node> node_;
  Store& store_;
  Log log_;
  LogLimit info_limit_, warning_limit_;
  TransportCounters counters_;
  std::function<void(const Arrival&)> arrived_;
  std::function<void(const std::string&)> rolled_back_;

  std::uint64_t last_peer_ = 0;
  std::map<PeerId, Peer> peers_;
  std::map<WriteId, DoneHandler> writers_;
  std::map<CompareId, ComparedHandler> comparisons_;
  std::uint64_t commits_under_way_ = 0;
  boost::asio::steady_timer timer_;
  std::optional<std::chrono::microseconds> wakes_at_;

  Phase phase_ = Phase::kRunning;
  boost::asio::steady_timer patience_;
  std::function<void()> stopped_;

  std::shared_ptr<Driver> self_;  // Owns nothing; what weak() gives out ends with it.
};

}  // namespace deltamesh
