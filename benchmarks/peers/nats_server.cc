// benchmarks/peers/nats_server.cc - settings, the process, and the few words of the protocol that are needed.
#include "benchmarks/peers/nats_server.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <fstream>
#include <stdexcept>

#include "benchmarks/peers/system.h"
#include "tests/support/free_port.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {
namespace {

namespace json = boost::json;
using boost::asio::ip::tcp;

// Debian keeps it out of the ordinary user's path.
std::string program() {
  const char* usual = "/usr/sbin/nats-server";
  return access(usual, X_OK) == 0 ? usual : "nats-server";
}

std::string storage(const std::string& folder, const std::string& domain, bool fsync) {
  return fmt::format("jetstream {{\n  store_dir: \"{}\"\n  domain: \"{}\"\n{}}}\n", folder, domain,
                     fsync ? "  sync_interval: always\n" : "");
}

}  // namespace

std::optional<std::string> nats_version() {
  const testing::Output output = testing::run({program(), "--version"});
  if (output.status != 0) return std::nullopt;
  return output.text.substr(0, output.text.find('\n'));
}

bool nats_knows_fsync() {
  const testing::TempDir dir;
  const std::string settings = dir.path() / "settings";
  std::ofstream(settings) << storage(dir.path() / "store", "hub", true);
  return testing::run({program(), "-t", "-c", settings}).status == 0;
}

NatsServer::NatsServer(std::string name, std::filesystem::path folder)
    : name_(std::move(name)),
      folder_(std::move(folder)),
      port_(testing::free_port()),
      leaf_port_(testing::free_port()) {
  std::filesystem::create_directories(folder_);
}

void NatsServer::start(bool fsync, std::optional<std::uint16_t> hub_port) {
  const std::string settings = folder_.string() + ".conf";
  std::ofstream(settings) << fmt::format("listen: \"127.0.0.1:{}\"\nserver_name: {}\n", port_, name_)
                          << storage(folder_, name_, fsync)
                          << (hub_port ? fmt::format("leafnodes {{\n  remotes: [{{ url: "
                                                     "\"nats-leaf://127.0.0.1:{}\" }}]\n}}\n",
                                                     *hub_port)
                                       : fmt::format("leafnodes {{\n  listen: \"127.0.0.1:{}\"\n}}\n",
                                                     leaf_port_));
  process_ = std::make_unique<testing::ChildProcess>(std::vector<std::string>{program(), "-c", settings},
                                                     folder_.string() + ".log");
  testing::wait_until([this] { return !process_->running() || testing::accepts_connections(port_); });
  if (!process_->running()) throw std::runtime_error("nats-server does not start:\n" + log());
  connect();
}

void NatsServer::connect() {
  client_.expires_after(std::chrono::hours(1));
  client_.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port_));
  client_ << "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nSUB answers 1\r\n";
}

void NatsServer::stop() {
  client_.close();
  process_->signal(SIGTERM);
  if (!process_->wait()) throw std::runtime_error("nats-server does not stop:\n" + log());
}

void NatsServer::publish(std::string_view subject, std::string_view payload) {
  client_ << "PUB " << subject << ' ' << payload.size() << "\r\n" << payload << "\r\n";
}

// The payload of the next message, whose first line ends in its size; empty if nobody is there to answer.
std::string NatsServer::answer() {
  for (std::string line; std::getline(client_, line);) {
    if (line.starts_with("PING")) client_ << "PONG\r\n" << std::flush;
    if (line.starts_with("-ERR")) throw std::runtime_error("nats-server says " + line);
    if (!line.starts_with("MSG ") && !line.starts_with("HMSG ")) continue;
    std::string payload(std::stoull(line.substr(line.rfind(' '))) + 2, '\0');
    client_.read(payload.data(), static_cast<std::streamsize>(payload.size()));
    return line.starts_with("HMSG ") ? "" : payload.substr(0, payload.size() - 2);
  }
  throw std::runtime_error("nats-server closes the connection:\n" + log());
}

json::value NatsServer::ask(const std::string& subject, const json::value& question) {
  const std::string text = question.is_null() ? "" : json::serialize(question);
  client_ << "PUB " << subject << " answers " << text.size() << "\r\n" << text << "\r\n" << std::flush;
  const std::string said = answer();
  if (said.empty()) return nullptr;
  json::value value = json::parse(said);
  if (value.as_object().contains("error"))
    throw std::runtime_error("nats-server does not do " + subject + ": " + said);
  return value;
}

std::uint64_t NatsServer::messages(const std::string& stream) {
  const json::value info = ask("$JS.API.STREAM.INFO." + stream);
  return info.is_null() ? 0 : info.at("state").at("messages").to_number<std::uint64_t>();
}

std::string NatsServer::log() const {
  return testing::read_text(folder_.string() + ".log");
}

}  // namespace deltamesh::bench
