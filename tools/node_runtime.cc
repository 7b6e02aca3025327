// tools/node_runtime.cc - starts the parts from the store upwards, stops them in reverse.
#include "tools/node_runtime.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <future>

#include "tools/health.h"
#include "tools/local_writer.h"

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

// Each waits at most for this; together with the sources' they bound the time of a clean stop. Longer: an
// operator thinks that it hangs. Shorter: a slow disk loses what was written and not answered.
constexpr milliseconds kApiPatience{1'000};
constexpr milliseconds kDriverPatience{5'000};

Error in_part(const char* part, const Error& error) {
  return {error.code, std::string(part) + ": " + error.text};
}

// Waits of dialers must differ between nodes and between peers.
std::uint64_t jitter_seed(const Identity& identity, const Endpoint& peer) {
  return text_hash(hex(identity.node.bytes) + to_string(peer));
}

}  // namespace

NodeRuntime::NodeRuntime(Settings settings, Log& log, Sources& sources, OnFailed failed)
    : settings_(std::move(settings)), log_(log), sources_(sources), failed_(std::move(failed)), io_(1) {}

Result<std::unique_ptr<NodeRuntime>> NodeRuntime::start(Settings settings, Log& log, Sources& sources,
                                                        OnFailed failed, bool in_doubt) {
  std::unique_ptr<NodeRuntime> node(new NodeRuntime(std::move(settings), log, sources, std::move(failed)));
  if (const auto done = node->open_store(in_doubt); !done) return in_part("store", done.error());
  if (const auto done = node->open_links(); !done) return in_part("sync", done.error());
  node->run();
  if (const auto done = sources.attach(*node->driver_, node->settings_.brokers); !done)
    return in_part("mqtt", done.error());
  if (const auto done = node->open_api(); !done) return in_part("api", done.error());
  return node;
}

NodeRuntime::~NodeRuntime() {
  close();
}

Status NodeRuntime::open_store(bool in_doubt) {
  SqliteOptions options =
      store_options(settings_, [this](const std::string& text) { log_.warning("store", text); });
  options.failed = failed_;
  auto store = SqliteStore::open(options);
  if (!store) return store.error();
  store_ = *std::move(store);
  auto reader = store_->make_reader();
  if (!reader) return reader.error();
  reader_ = *std::move(reader);
  auto image = reader_->image();
  if (!image) return image.error();
  const Opened& opened = store_->opened();
  log_.info("store", settings_.store + (opened.created ? " created" : " opened") + " as node " +
                         hex(store_->identity().node.bytes) + ", incarnation " +
                         hex(store_->identity().incarnation.bytes));
  if (opened.given_back > 0)
    log_.info("store", settings_.store + " was mostly free pages and is smaller by " +
                           std::to_string(opened.given_back) + " bytes");
  if (!opened.why.empty()) log_.warning("store", opened.why);
  driver_ = std::make_unique<Driver>(
      io_, std::make_unique<Node>(settings_.node, *std::move(image), *reader_), *store_,
      [this](Note::Level level, const std::string& text) { log_.write(level_of(level), "sync", text); });
  // No honest peer says so of an incarnation that began in this process; a liar shall not end it twice.
  if (in_doubt) return Done{};
  driver_->on_rolled_back([this](const std::string& why) {
    sources_.detach();
    store_->distrust();
    failed_({ErrorCode::kMismatch, why});
  });
  return Done{};
}

Status NodeRuntime::open_links() {
  if (!settings_.listen.empty()) {
    ListenerSettings listen;
    listen.addresses = settings_.listen;
    listen.insecure = settings_.insecure;
    auto listener = Listener::start(*driver_, listen);
    if (!listener) return listener.error();
    listener_ = *std::move(listener);
    for (const Endpoint& address : listener_->bound())
      log_.info("sync", "listening at " + to_string(address));
  }
  for (const Endpoint& peer : settings_.peers) {
    DialerSettings dial;
    dial.peer = peer;
    dial.seed = jitter_seed(store_->identity(), peer);
    dialers_.push_back(Dialer::start(*driver_, dial));
  }
  return Done{};
}

void NodeRuntime::run() {
  busy_.emplace(io_.get_executor());
  thread_ = std::thread([this] { io_.run(); });
}

// Calls `action` on the sockets' thread and waits until it, or what it began, is done.
void NodeRuntime::on_thread(const std::function<void(std::function<void()> done)>& action) {
  const auto promise = std::make_shared<std::promise<void>>();
  boost::asio::post(io_, [&action, promise] { action([promise] { promise->set_value(); }); });
  promise->get_future().wait();
}

// After the sources, of which it tells.
Status NodeRuntime::open_api() {
  if (!settings_.api) return Done{};
  auto reader = store_->make_reader();
  if (!reader) return reader.error();
  HttpSettings http;
  http.address = settings_.api->host;
  http.port = settings_.api->port;
  Status started = Done{};
  on_thread([&](const std::function<void()>& done) {
    auto api = Api::start(io_, http, settings_.node.datasets, *std::move(reader), *driver_, api_hooks());
    api ? void(api_ = *std::move(api)) : void(started = api.error());
    done();
  });
  if (!started) return started;
  log_.info("api", "answering at http://" + settings_.api->host + ":" + std::to_string(api_->port()));
  return Done{};
}

ApiHooks NodeRuntime::api_hooks() {
  ApiHooks hooks;
  hooks.inspect = [this](std::function<void(const Node&)> look) { driver_->inspect(std::move(look)); };
  hooks.compare = [this](std::string digits, Driver::BegunHandler begun, Driver::ComparedHandler done) {
    driver_->compare(std::move(digits), std::move(begun), std::move(done));
  };
  hooks.retire = [this](NodeId gone, WriteSink::DoneHandler done) { driver_->retire(gone, std::move(done)); };
  hooks.forget = [this](ForgetRule rule, std::string reason, WriteSink::DoneHandler done) {
    driver_->forget(std::move(rule), std::move(reason), std::move(done));
  };
  hooks.own = store_->identity();
  hooks.parts["store"] = [this] { return health_of(*store_); };
  hooks.parts["transport"] = [this] { return health_of(driver_->counters()); };
  if (settings_.brokers.empty()) return hooks;
  hooks.parts["ingest"] = [this] { return health_of(sources_.counters()); };
  hooks.parts["mqtt"] = [this] { return health_of(sources_.mqtt()); };
  return hooks;
}

void NodeRuntime::stop() {
  stop_api();
  sources_.stop();
  close();
}

void NodeRuntime::close() {
  stop_api();
  sources_.detach();
  stop_driver();
  close_store();
}

// Ends on the sockets' thread, while the sources that it tells of are still there.
void NodeRuntime::stop_api() {
  if (!api_) return;
  if (thread_.joinable()) {
    on_thread([this](const std::function<void()>& done) {
      api_->stop(kApiPatience, [this, done] {
        boost::asio::post(io_, [this, done] {
          api_.reset();
          done();
        });
      });
    });
  }
  api_.reset();
}

// The parts of the driver's thread end there; then the thread itself.
void NodeRuntime::stop_driver() {
  if (thread_.joinable()) {
    boost::asio::post(io_, [this] {
      if (listener_) listener_->stop();
      for (const auto& dialer : dialers_) dialer->stop();
      driver_->stop(kDriverPatience, [this] { io_.stop(); });
    });
    thread_.join();
  }
  dialers_.clear();
  listener_.reset();
  driver_.reset();
}

void NodeRuntime::close_store() {
  reader_.reset();
  if (store_) store_->close();
  store_.reset();
}

}  // namespace deltamesh
