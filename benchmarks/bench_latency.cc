// benchmarks/bench_latency.cc - how long does a sample take from the broker to a remote node?
//
// publisher -> mosquitto -> sync-node -> any number of relays, sync-nodes too -> a node in this process,
// whose driver tells of each arrival. mosquitto_sub hears the same messages in the same run.
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

#include "benchmarks/growth/growth_config.h"
#include "benchmarks/latency/arriving_node.h"
#include "benchmarks/latency/paced_publisher.h"
#include "benchmarks/options.h"
#include "benchmarks/recording.h"
#include "benchmarks/report.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/mosquitto.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace {

using namespace deltamesh;
using bench::WallTime;
using testing::ChildProcess;
using testing::Mosquitto;
using testing::NodeProcess;

constexpr std::uint64_t kRelaysMax = 2;
constexpr std::uint64_t kDevices = 100;
constexpr std::uint64_t kFirstMessages = 1'000;  // Not counted: they find the way and name their series.

struct Plan {
  bench::Options options;
  std::uint64_t seconds = 10, rate = 1'000;
};

std::vector<std::string> topics() {
  std::vector<std::string> out;
  for (std::uint64_t i = 0; i < kDevices; ++i) out.push_back("tele/device-" + std::to_string(i) + "/value");
  return out;
}

std::string mqtt_settings(const Mosquitto& broker) {
  return "[[mqtt]]\nbroker = \"" + broker.uri() +
         "\"\nclient_id = \"gateway\"\n[[mqtt.rule]]\ntopic = \"tele/{device}/value\"\nqos = 0\n"
         "dataset = \"env\"\ntimestamp = \"ts\"\ntimestamp_unit = \"ms\"\n";
}

// Notes when each message came; it says nothing once it has subscribed, but the broker does.
class Subscriber {
 public:
  Subscriber(const Mosquitto& broker, const std::filesystem::path& folder)
      : output_(folder / "subscriber"),
        process_({"mosquitto_sub", "-p", std::to_string(broker.port()), "-i", "subscriber", "-t", "tele/#",
                  "-F", "%U"},
                 output_) {
    const auto known = [&] { return broker.log().find("subscriber 0 tele/#") != std::string::npos; };
    if (!testing::wait_until(known)) throw std::runtime_error("mosquitto_sub does not subscribe");
  }
  // Seconds since 1970.
  [[nodiscard]] std::vector<double> stop() {
    process_.signal(SIGTERM);
    process_.wait();
    std::istringstream lines(testing::read_text(output_));
    std::vector<double> times;
    for (double time = 0; lines >> time;) times.push_back(time);
    return times;
  }

 private:
  std::filesystem::path output_;
  ChildProcess process_;
};

// The gateway, which hears the broker, and relays behind it, each of which dials the one before.
class Chain {
 public:
  Chain(const std::filesystem::path& folder, const Mosquitto& broker, std::uint64_t relays) {
    add(folder, "gateway", {{}, "10s", mqtt_settings(broker), {}});
    for (std::uint64_t i = 1; i <= relays; ++i)
      add(folder, "relay-" + std::to_string(i), {{nodes_.back()->tcp()}, "10s", {}, {}});
    const auto subscribed = [&] {
      return nodes_.front()->health().at("mqtt").at("brokers").at(0).at("connected").as_bool();
    };
    if (!testing::wait_until(subscribed))
      throw std::runtime_error("the gateway does not subscribe:\n" + nodes_.front()->log());
  }
  [[nodiscard]] const NodeProcess& last() const { return *nodes_.back(); }
  [[nodiscard]] std::string logs() const {
    std::string text;
    for (const auto& node : nodes_) text += node->log();
    return text;
  }

 private:
  void add(const std::filesystem::path& folder, const std::string& name,
           const testing::NodeOptions& options) {
    nodes_.push_back(std::make_unique<NodeProcess>(folder, name, options));
    nodes_.back()->start();
  }
  std::vector<std::unique_ptr<NodeProcess>> nodes_;
};

struct Delays {
  double p50 = 0, p99 = 0, max = 0;  // In ms.
};

Delays delays_of(std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) {
    return ms[static_cast<std::size_t>(std::ceil(share * static_cast<double>(ms.size()))) - 1];
  };
  return {at(0.5), at(0.99), ms.back()};
}

double seconds_since_1970(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

Delays delays(const std::vector<double>& sent, const std::vector<double>& came) {
  if (came.size() != sent.size())
    throw std::runtime_error(std::to_string(sent.size()) + " messages were sent, " +
                             std::to_string(came.size()) + " came");
  std::vector<double> ms;
  for (std::size_t i = kFirstMessages; i < sent.size(); ++i) ms.push_back((came[i] - sent[i]) * 1e3);
  return delays_of(std::move(ms));
}

std::vector<double> seconds_since_1970(const std::vector<WallTime>& times) {
  std::vector<double> out;
  for (const WallTime time : times) out.push_back(seconds_since_1970(time));
  return out;
}

struct Run {
  Delays node, subscriber;
};

Run measure(const Plan& plan, std::uint64_t relays) {
  const testing::TempDir dir;
  const Mosquitto broker(testing::BrokerSaves::kNever,
                         "set_tcp_nodelay true\nlog_type notice\nlog_type subscribe\n");
  const Chain chain(dir.path(), broker, relays);
  NodeConfig config = bench::growth_config();
  config.commit_interval = std::chrono::milliseconds(5);
  const bench::ArrivingNode remote(dir.path() / "remote.db", config, chain.last().tcp());
  Subscriber subscriber(broker, dir.path());
  if (!testing::wait_until([&] { return chain.last().live_sessions() == (relays == 0 ? 1 : 2); }))
    throw std::runtime_error("the remote node has no session:\n" + chain.logs());
  bench::PacedPublisher publisher(broker.port());
  const std::uint64_t messages = kFirstMessages + plan.rate * plan.seconds;
  const auto sent = publisher.publish(topics(), messages, std::chrono::microseconds(1'000'000 / plan.rate));
  if (!testing::wait_until([&] { return remote.arrivals().size() >= messages; }))
    throw std::runtime_error("messages are missing:\n" + chain.logs());
  const auto sent_at = seconds_since_1970(sent);
  return {delays(sent_at, seconds_since_1970(remote.arrivals())), delays(sent_at, subscriber.stop())};
}

void add(bench::Report& report, const std::vector<Run>& runs, const std::string& name,
         double Delays::*which) {
  std::vector<double> node, subscriber, ratio;
  for (const Run& run : runs) {
    node.push_back(run.node.*which);
    subscriber.push_back(run.subscriber.*which);
    ratio.push_back(run.node.*which / (run.subscriber.*which));
  }
  report.add({"arrival_ms_" + name, bench::median(node), "ms",
              bench::Peer{"mosquitto_sub", bench::median(subscriber)}});
  report.add({"arrival_ms_" + name + "_ratio", bench::median(ratio), "", {}});
}

int measure_all(const Plan& plan) {
  std::vector<std::vector<Run>> runs(kRelaysMax + 1);
  for (unsigned run = 0; run < plan.options.runs; ++run) {
    for (std::uint64_t relays = 0; relays <= kRelaysMax; ++relays)
      runs[relays].push_back(measure(plan, relays));
  }
  bench::Report report("latency");
  for (std::uint64_t relays = 0; relays <= kRelaysMax; ++relays) {
    report.begin_case();
    report.param("relays", static_cast<double>(relays));
    report.param("messages_per_second", static_cast<double>(plan.rate));
    report.param("seconds", static_cast<double>(plan.seconds));
    report.param("commit_interval_ms", 5.0);
    report.param("runs", static_cast<double>(plan.options.runs));
    add(report, runs[relays], "p50", &Delays::p50);
    add(report, runs[relays], "p99", &Delays::p99);
    add(report, runs[relays], "max", &Delays::max);
  }
  return report.finish(plan.options.json_file) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  Plan plan;
  const auto options = bench::parse_options(
      argc, argv, "How long does a sample take from the broker to a remote node?", status,
      {{"--rate", &plan.rate, "Messages a second, 1 to 100000 (1000)"},
       {"--seconds", &plan.seconds, "Of each run, 1 or more (10; 3 with --quick)"}});
  if (!options) return status;
  plan.options = *options;
  if (plan.options.quick) plan.seconds = std::min<std::uint64_t>(plan.seconds, 3);
  try {
    if (plan.rate < 1 || plan.rate > 100'000 || plan.seconds < 1)
      throw std::runtime_error("--rate is 1 to 100000, --seconds 1 or more");
    return measure_all(plan);
  } catch (const std::exception& error) {
    std::cerr << "bench_latency: " << error.what() << "\n";
    return 1;
  }
}
