// benchmarks/latency/arriving_node.cc - connects the parts and listens.
#include "benchmarks/latency/arriving_node.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <future>
#include <stdexcept>

namespace deltamesh::bench {
namespace {

constexpr std::chrono::milliseconds kPatience{5'000};

template <class T>
T value_of(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().text);
  return *std::move(result);
}

}  // namespace

ArrivingNode::ArrivingNode(const std::filesystem::path& store, NodeConfig config, const std::string& peer) {
  SqliteOptions options;
  options.path = store;
  options.memory_folder = "";
  store_ = value_of(SqliteStore::open(std::move(options)));
  reader_ = value_of(store_->make_reader());
  driver_ = std::make_unique<Driver>(
      io_, std::make_unique<Node>(std::move(config), value_of(reader_->image()), *reader_), *store_,
      [](Note::Level, const std::string&) {});
  driver_->on_arrival([this](const Arrival& arrival) { note(arrival); });
  DialerSettings dial;
  dial.peer = value_of(parse_peer(peer));
  dialer_ = Dialer::start(*driver_, dial);
  thread_ = std::thread([this] { io_.run(); });
}

ArrivingNode::~ArrivingNode() {
  std::promise<void> stopped;
  boost::asio::post(io_, [&] {
    dialer_->stop();
    driver_->stop(kPatience, [&] { stopped.set_value(); });
  });
  stopped.get_future().wait();
  busy_.reset();
  io_.stop();
  thread_.join();
  driver_.reset();
  reader_.reset();
  store_->close();
}

std::vector<ArrivingNode::WallTime> ArrivingNode::arrivals() const {
  const std::lock_guard lock(mutex_);
  const auto missing = std::find(arrivals_.begin(), arrivals_.end(), WallTime{});
  return {arrivals_.begin(), missing};
}

void ArrivingNode::note(const Arrival& arrival) {
  if (!arrival.dots || arrival.local) return;
  const auto now = std::chrono::system_clock::now();
  const std::lock_guard lock(mutex_);
  if (arrivals_.size() < arrival.dots->last) arrivals_.resize(arrival.dots->last);
  for (Seq seq = arrival.dots->first; seq <= arrival.dots->last; ++seq) arrivals_[seq - 1] = now;
}

}  // namespace deltamesh::bench
