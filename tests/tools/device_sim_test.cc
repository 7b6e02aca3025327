// tests/tools/device_sim_test.cc - device-sim refuses what makes no sense, and ends in order when it is told
// to.
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <regex>

#include "tests/support/mosquitto.h"
#include "tests/support/temp_dir.h"

namespace deltamesh {
namespace {

using testing::ChildProcess;
using testing::Mosquitto;
using testing::Output;
using testing::run;

const std::string kDeviceSim = DELTAMESH_BIN_DIR "/device-sim";

TEST_CASE("device-sim refuses arguments that make no sense, and exits with 2", "[device-sim]") {
  const std::string argument =
      GENERATE("--duration=-5s", "--duration=nan", "--duration=1e300", "--rate=0", "--rate=inf",
               "--devices=0", "--speed=-1", "--topic=plant/{metric}", "--topic=a/#/b", "--no-such-option");
  CAPTURE(argument);
  const Output output = run({kDeviceSim, argument, "--broker", "mqtt://127.0.0.1:1"});
  CHECK(output.status == 2);
  CHECK_FALSE(output.text.empty());
}

TEST_CASE("device-sim that is told to end has all acknowledged and leaves the broker in order",
          "[device-sim]") {
  const Mosquitto broker;
  const testing::TempDir dir;
  const int signal = GENERATE(SIGTERM, SIGINT);
  ChildProcess devices(
      {kDeviceSim, "--broker", broker.uri(), "--devices", "10", "--duration", "24h", "--json"},
      dir.path() / "output");
  const Output heard =
      run({"mosquitto_sub", "-p", std::to_string(broker.port()), "-t", "plant/#", "-C", "5"});
  REQUIRE(heard.status == 0);
  devices.signal(signal);
  CHECK(devices.wait() == 0);
  const std::string said = testing::read_text(dir.path() / "output");
  const auto number = [&](const std::string& name) {
    const auto at = said.find("\"" + name + "\":");
    return at == std::string::npos ? 0ul : std::stoul(said.substr(at + name.size() + 3));
  };
  CHECK(number("messages") >= 5);
  CHECK(number("acknowledged") == number("messages"));
  CHECK_FALSE(std::regex_search(broker.log(), std::regex("Client deltamesh-[^ ]+ closed its connection")));
}

TEST_CASE("device-sim that waits for its broker can be told to end", "[device-sim]") {
  using boost::asio::ip::tcp;
  boost::asio::io_context io;
  tcp::acceptor silent(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const testing::TempDir dir;
  ChildProcess devices(
      {kDeviceSim, "--broker", "mqtt://127.0.0.1:" + std::to_string(silent.local_endpoint().port())},
      dir.path() / "output");
  const tcp::socket guest = silent.accept();  // By now it minds signals.
  devices.signal(SIGTERM);
  CHECK(devices.wait(std::chrono::seconds(30)) == 2);  // It would wait for a minute.
}

}  // namespace
}  // namespace deltamesh
