// tests/api/api_fixture.cc - connects the parts as a program does.
#include "tests/api/api_fixture.h"

#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <future>

#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

NodeConfig node_config() {
  NodeConfig config;
  config.datasets = {{"metrics"}, {"precise"}, {"settings"}};
  config.datasets[1].resolution = Resolution::kNanoseconds;
  config.datasets[2].kind = DatasetKind::kMap;
  config.commit_interval = std::chrono::microseconds(500);
  config.clock = ClockTrust::kUntrusted;
  return config;
}

std::unique_ptr<SqliteStore> open_store(const TempDir& folder) {
  SqliteOptions options;
  options.path = (folder.path() / "node.db").string();
  options.fsync = Fsync::kOff;
  auto store = SqliteStore::open(options);
  REQUIRE(store);
  return *std::move(store);
}

std::unique_ptr<StoreReader> make_reader(const SqliteStore& store) {
  auto reader = store.make_reader();
  REQUIRE(reader);
  return *std::move(reader);
}

void expect_durable(std::future<Status> outcome) {
  REQUIRE(outcome.wait_for(kPatience) == std::future_status::ready);
  REQUIRE(outcome.get());
}

}  // namespace

ApiNode::ApiNode(std::map<std::string, std::function<HealthPart()>> health)
    : work_(io_.get_executor()), store_(open_store(folder_)), reader_(make_reader(*store_)) {
  driver_ = std::make_unique<Driver>(io_, std::make_unique<Node>(node_config(), *reader_->image(), *reader_),
                                     *store_, [](Note::Level, const std::string&) {});
  sink_ = std::make_unique<FaultySink>(*driver_);
  auto api =
      Api::start(io_, {}, node_config().datasets, make_reader(*store_), *sink_, hooks(std::move(health)));
  REQUIRE(api);
  api_ = *std::move(api);
  port_ = api_->port();
  thread_ = std::thread([this] { io_.run(); });
}

ApiHooks ApiNode::hooks(std::map<std::string, std::function<HealthPart()>> health) {
  ApiHooks hooks;
  hooks.inspect = [this](std::function<void(const Node&)> look) { driver_->inspect(std::move(look)); };
  compare_ = [this](std::string digits, Driver::BegunHandler begun, Driver::ComparedHandler done) {
    driver_->compare(std::move(digits), std::move(begun), std::move(done));
  };
  hooks.compare = [this](const auto& digits, const auto& begun, const auto& done) {
    compare_(digits, begun, done);
  };
  hooks.retire = [this](NodeId gone, WriteSink::DoneHandler done) { driver_->retire(gone, std::move(done)); };
  hooks.forget = [this](ForgetRule rule, std::string reason, WriteSink::DoneHandler done) {
    driver_->forget(std::move(rule), std::move(reason), std::move(done));
  };
  hooks.own = store_->identity();
  hooks.parts = std::move(health);
  return hooks;
}

ApiNode::~ApiNode() {
  boost::asio::post(io_, [this] {
    for (const auto& listener : listeners_) listener->stop();
    for (const auto& dialer : dialers_) dialer->stop();
    api_->stop(kPatience, [this] { driver_->stop(kPatience, [this] { work_.reset(); }); });
  });
  thread_.join();
  api_.reset();
  driver_.reset();
}

void ApiNode::on_thread(const std::function<void()>& action) {
  std::promise<void> done;
  boost::asio::post(io_, [&] {
    action();
    done.set_value();
  });
  REQUIRE(done.get_future().wait_for(kPatience) == std::future_status::ready);
}

Endpoint ApiNode::listen() {
  Endpoint at;
  on_thread([&] {
    ListenerSettings settings;
    settings.addresses = {*parse_listen("tcp://127.0.0.1:0")};
    listeners_.push_back(*Listener::start(*driver_, settings));
    at = listeners_.back()->bound().front();
  });
  return at;
}

void ApiNode::dial(const Endpoint& peer) {
  on_thread([&] {
    DialerSettings settings;
    settings.peer = peer;
    dialers_.push_back(Dialer::start(*driver_, settings));
  });
}

boost::json::value ApiNode::get(const std::string& target) const {
  const auto reply = ask("GET", target);
  CAPTURE(target, reply.body);
  REQUIRE(reply.status == 200);
  return boost::json::parse(reply.body);
}

void ApiNode::append(const std::string& events) const {
  const auto reply = ask("POST", "/v0/telemetry/metrics/events", R"({"events":[)" + events + "]}");
  CAPTURE(reply.body);
  REQUIRE(reply.status == 200);
}

void ApiNode::write(const std::string& dataset, std::vector<NamedEvent> events) {
  std::promise<Status> outcome;
  driver_->write(dataset_id(dataset), std::move(events),
                 [&](Status status) { outcome.set_value(std::move(status)); });
  expect_durable(outcome.get_future());
}

void ApiNode::put(const std::string& key, const std::string& value) {
  std::promise<Status> outcome;
  driver_->put(dataset_id("settings"), key, value,
               [&](Status status) { outcome.set_value(std::move(status)); });
  expect_durable(outcome.get_future());
}

}  // namespace deltamesh::testing
