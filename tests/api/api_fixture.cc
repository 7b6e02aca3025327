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
  driver_ = std::make_unique<Driver>(io_, Node(node_config(), *reader_->image(), *reader_), *store_,
                                     [](Note::Level, const std::string&) {});
  sink_ = std::make_unique<FaultySink>(*driver_);
  ApiHooks hooks;
  hooks.inspect = [this](std::function<void(const Node&)> look) { driver_->inspect(std::move(look)); };
  hooks.own = store_->identity();
  hooks.parts = std::move(health);
  auto api = Api::start(io_, {}, node_config().datasets, make_reader(*store_), *sink_, std::move(hooks));
  REQUIRE(api);
  api_ = *std::move(api);
  port_ = api_->port();
  thread_ = std::thread([this] { io_.run(); });
}

ApiNode::~ApiNode() {
  boost::asio::post(io_, [this] {
    api_->stop(kPatience, [this] { driver_->stop(kPatience, [this] { work_.reset(); }); });
  });
  thread_.join();
  api_.reset();
  driver_.reset();
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
