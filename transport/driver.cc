// transport/driver.cc - between the node and the world: posts, clocks, commits, and the end of it all.
#include "transport/driver.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cassert>
#include <utility>

#include "engine/codec.h"

namespace deltamesh {
namespace {

using std::chrono::microseconds;

// The node may say "at once" or "never" in numbers so large that the clock, in finer ticks, does not hold
// them.
std::chrono::steady_clock::time_point time_of(microseconds at) {
  using Clock = std::chrono::steady_clock;
  const auto last = std::chrono::floor<microseconds>(Clock::duration::max());
  return Clock::time_point(std::clamp(at, microseconds(0), last));
}

const Error& stopping() {
  static const Error error{ErrorCode::kClosed, "the node is stopping"};
  return error;
}

}  // namespace

Driver::Driver(boost::asio::io_context& io, std::unique_ptr<Node> node, Store& store, Log log)
    : io_(io),
      node_(std::move(node)),
      store_(store),
      log_(std::move(log)),
      info_limit_(limits::kLogLinesPerSecond),
      warning_limit_(limits::kLogLinesPerSecond),
      timer_(io),
      patience_(io),
      self_(this, [](Driver*) {}) {
  carry_out();
}

Driver::~Driver() {
  self_.reset();
  for (auto& [id, peer] : peers_) peer.link->close(stopping().text);
  abandon_writers();
}

// Runs `action` on the executor if the driver is still there then.
template <class Action>
void Driver::post(Action action) {
  boost::asio::post(io_, [self = weak(), action = std::move(action)]() mutable {
    if (const auto driver = self.lock()) action(*driver);
  });
}

// --- What comes from links -------------------------------------------------------------------------------

// One event for the node, and all that follows from it.
template <class Event>
void Driver::tell_node(Event event) {
  if (phase_ == Phase::kStopped) return;
  event(*node_, clock_.now());
  carry_out();
}

PeerId Driver::opened(std::shared_ptr<Link> link) {
  const PeerId peer{++last_peer_};
  ++counters_.links_opened;
  const bool running = phase_ == Phase::kRunning;
  log(Note::Level::kInfo, link->name() + ": connected");
  peers_.emplace(peer, Peer{link, running});
  if (running) {
    tell_node([&](Node& node, Instant now) { node.opened(peer, now); });
  } else {
    link->close(stopping().text);
  }
  return peer;
}

void Driver::received(PeerId peer, ByteView frame) {
  if (phase_ != Phase::kRunning) return;
  tell_node([&](Node& node, Instant now) { node.received(peer, frame, now); });
}

void Driver::closed(PeerId id, const std::string& reason) {
  const auto it = peers_.find(id);
  assert(it != peers_.end());
  const Peer peer = std::move(it->second);
  peers_.erase(it);
  ++counters_.links_closed;
  log(Note::Level::kInfo, peer.link->name() + ": closed: " + reason);
  if (peer.known_to_node) tell_node([&](Node& node, Instant now) { node.closed(id, now); });
  if (phase_ == Phase::kEndingLinks && peers_.empty()) finish();
}

// --- What comes from local writers -----------------------------------------------------------------------

// A write that comes too late for the driver is answered all the same.
template <class Write>
void Driver::post_write(Write write, DoneHandler done) {
  boost::asio::post(io_, [self = weak(), write = std::move(write), done = std::move(done)]() mutable {
    const auto driver = self.lock();
    if (!driver || driver->phase_ != Phase::kRunning) return done(stopping());
    driver->tell_node([&](Node& node, Instant now) { driver->answer(write(node, now), std::move(done)); });
  });
}

void Driver::answer(Result<WriteId> accepted, DoneHandler done) {
  if (!accepted) return done(accepted.error());
  writers_.emplace(*accepted, std::move(done));
}

void Driver::write(DatasetId dataset, std::vector<NamedEvent> events, TakenHandler taken, DoneHandler done) {
  auto write = [dataset, events = std::move(events), taken = std::move(taken)](Node& node, Instant now) {
    const auto accepted = node.write(dataset, events, now);
    if (accepted) taken();
    return accepted;
  };
  post_write(std::move(write), std::move(done));
}

void Driver::put(DatasetId dataset, std::string key, std::string value, DoneHandler done) {
  auto put = [dataset, key = std::move(key), value = std::move(value)](Node& node, Instant now) mutable {
    return node.put(dataset, std::move(key), std::move(value), now);
  };
  post_write(std::move(put), std::move(done));
}

void Driver::remove(DatasetId dataset, std::string key, DoneHandler done) {
  auto remove = [dataset, key = std::move(key)](Node& node, Instant now) mutable {
    return node.remove(dataset, std::move(key), now);
  };
  post_write(std::move(remove), std::move(done));
}

void Driver::repair(DatasetId dataset, std::string key, DoneHandler done) {
  auto repair = [dataset, key = std::move(key)](Node& node, Instant now) {
    return node.repair(dataset, key, now);
  };
  post_write(std::move(repair), std::move(done));
}

void Driver::retire(NodeId gone, DoneHandler done) {
  post_write([gone](Node& node, Instant) { return node.retire(gone); }, std::move(done));
}

void Driver::forget(ForgetRule rule, std::string reason, DoneHandler done) {
  auto forget = [rule = std::move(rule), reason = std::move(reason)](Node& node, Instant now) mutable {
    return node.forget(rule, std::move(reason), now);
  };
  post_write(std::move(forget), std::move(done));
}

void Driver::flush() {
  post([](Driver& driver) { driver.tell_node([](Node& node, Instant now) { node.flush(now); }); });
}

void Driver::inspect(std::function<void(const Node&)> look) {
  post([look = std::move(look)](Driver& driver) { look(*driver.node_); });
}

void Driver::compare(std::string digits, BegunHandler begun, ComparedHandler done) {
  post([digits = std::move(digits), begun = std::move(begun), done = std::move(done)](Driver& driver) {
    if (driver.phase_ != Phase::kRunning) return begun(stopping());
    driver.tell_node([&](Node& node, Instant now) {
      const auto peer = session_with(node.sessions(), digits);
      const auto id = peer ? node.compare(*peer, now) : Result<CompareId>(peer.error());
      if (id) driver.comparisons_.emplace(*id, done);
      begun(id);
    });
  });
}

void Driver::on_arrival(std::function<void(const Arrival&)> arrived) {
  arrived_ = std::move(arrived);
}

void Driver::on_rolled_back(std::function<void(const std::string& why)> rolled_back) {
  rolled_back_ = std::move(rolled_back);
}

// --- Effects ---------------------------------------------------------------------------------------------

void Driver::carry_out() {
  Effects effects = node_->take_effects();
  for (Batch& batch : effects.persist) commit(std::move(batch));
  for (const Send& each : effects.send) send(each);
  for (const Close& each : effects.close) close(each);
  for (const Written& each : effects.written) written(each);
  for (const Arrival& arrival : effects.publish) {
    if (arrived_) arrived_(arrival);
  }
  for (const Note& each : effects.notes) note(each);
  for (Compared& each : effects.compared) compared(std::move(each));
  if (!effects.rolled_back.empty() && rolled_back_) rolled_back_(effects.rolled_back);
  wake(effects.wake_at);
}

// The store outlives the driver and may answer after its end, from its own thread.
void Driver::commit(Batch batch) {
  ++commits_under_way_;
  store_.commit(std::move(batch), [&io = io_, self = weak()](BatchId id, Status status) {
    boost::asio::post(io, [self, id, status = std::move(status)] {
      if (const auto driver = self.lock()) driver->committed(id, status);
    });
  });
}

void Driver::committed(BatchId batch, const Status& status) {
  --commits_under_way_;
  tell_node([&](Node& node, Instant now) {
    status ? node.durable(batch, now) : node.failed(batch, status.error(), now);
  });
  drained();
}

void Driver::send(const Send& send) {
  const auto peer = peers_.find(send.peer);
  if (peer != peers_.end()) peer->second.link->send(send.frame);
}

void Driver::close(const Close& close) {
  const auto peer = peers_.find(close.peer);
  if (peer == peers_.end()) return;
  peer->second.known_to_node = false;
  peer->second.link->close(close.reason);
}

void Driver::written(const Written& written) {
  const auto writer = writers_.find(written.write);
  if (writer == writers_.end()) return;
  const DoneHandler done = std::move(writer->second);
  writers_.erase(writer);
  done(written.status);
}

void Driver::compared(Compared&& result) {
  const auto done = comparisons_.extract(result.id);
  if (!done.empty()) done.mapped()(std::move(result));
}

// A timer that fires too early costs one tick; arming it anew for each event would cost more.
void Driver::wake(std::optional<microseconds> at) {
  if (!at || phase_ == Phase::kStopped || (wakes_at_ && *wakes_at_ <= *at)) return;
  wakes_at_ = at;
  timer_.expires_at(time_of(*at));
  timer_.async_wait([self = weak()](boost::system::error_code error) {
    const auto driver = self.lock();
    if (error || !driver) return;
    driver->wakes_at_.reset();
    driver->tell_node([](Node& node, Instant now) { node.tick(now); });
  });
}

void Driver::note(const Note& note) {
  const auto peer = note.peer ? peers_.find(*note.peer) : peers_.end();
  log(note.level, peer == peers_.end() ? note.text : peer->second.link->name() + ": " + note.text);
}

void Driver::log(Note::Level level, const std::string& text) {
  LogLimit& limit = level == Note::Level::kInfo ? info_limit_ : warning_limit_;
  const auto suppressed = limit.admit(clock_.now().steady);
  if (!suppressed) {
    ++counters_.log_lines_suppressed;
    return;
  }
  if (*suppressed > 0) log_(level, std::to_string(*suppressed) + " log lines were left out");
  log_(level, text);
}

// --- The end ---------------------------------------------------------------------------------------------

void Driver::stop(std::chrono::milliseconds patience, std::function<void()> stopped) {
  assert(phase_ == Phase::kRunning);
  stopped_ = std::move(stopped);
  patience_.expires_after(patience);
  patience_.async_wait([self = weak()](boost::system::error_code error) {
    const auto driver = self.lock();
    if (!error && driver) driver->finish();
  });
  phase_ = Phase::kDraining;
  tell_node([](Node& node, Instant now) { node.flush(now); });
  drained();
}

// Once the disk has answered for all that was committed, the links may end.
void Driver::drained() {
  if (phase_ == Phase::kDraining && commits_under_way_ == 0) post([](Driver& driver) { driver.end_links(); });
}

void Driver::end_links() {
  if (phase_ != Phase::kDraining || commits_under_way_ > 0) return;
  phase_ = Phase::kEndingLinks;
  const auto goodbye =
      std::make_shared<const Bytes>(encode(message::Goodbye{stopping().code, stopping().text}));
  for (auto& [id, peer] : peers_) {
    if (peer.known_to_node) peer.link->send(goodbye);
    peer.link->close(stopping().text);
  }
  if (peers_.empty()) finish();
}

void Driver::finish() {
  if (phase_ == Phase::kStopped) return;
  phase_ = Phase::kStopped;
  patience_.cancel();
  timer_.cancel();
  abandon_writers();
  boost::asio::post(io_, std::move(stopped_));
}

void Driver::abandon_writers() {
  const Error error{ErrorCode::kClosed, "the node stopped before the write was known to be durable"};
  for (auto& [id, done] : std::exchange(writers_, {})) done(error);
}

}  // namespace deltamesh
