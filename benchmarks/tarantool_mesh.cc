// benchmarks/tarantool_mesh.cc - starts Tarantools and tells them what to do, one command a line.
#include "benchmarks/tarantool_mesh.h"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

#include "benchmarks/iproto_rows.h"
#include "tests/support/free_port.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {

using boost::asio::ip::tcp;

std::optional<std::string> tarantool_version() {
  const testing::Output output = testing::run({"tarantool", "--version"});
  if (output.status != 0) return std::nullopt;
  return output.text.substr(0, output.text.find('\n'));
}

TarantoolMesh::TarantoolMesh() : instances_(kMeshNodes) {
  std::vector<std::string> ways;
  for (Instance& instance : instances_) {
    instance.listen = testing::free_port();
    instance.control = testing::free_port();
    const auto make_hearer = [this] {
      return [this, rows = IprotoRows()](std::string_view said) mutable { crossings_ += rows.feed(said); };
    };
    ways.push_back(fmt::format("127.0.0.1:{}", links_.way_to(instance.listen, make_hearer)));
  }
  for (std::size_t node = 0; node < kMeshNodes; ++node) start(node, ways);
  for (Instance& instance : instances_) connect(instance);
  wait_for("upstreams", kMeshNodes - 1);
  ask(instances_.front(), "create");
  wait_for("rows", 0);
}

void TarantoolMesh::start(std::size_t node, const std::vector<std::string>& ways) {
  Instance& instance = instances_[node];
  const auto folder = dir_.path() / fmt::format("tarantool-{}", node);
  std::filesystem::create_directory(folder);
  instance.log = folder / "log";
  std::vector<std::string> command{"tarantool",
                                   DELTAMESH_SOURCE_DIR "/benchmarks/tarantool_mesh.lua",
                                   std::to_string(node),
                                   std::to_string(instance.listen),
                                   std::to_string(instance.control),
                                   folder.string()};
  command.insert(command.end(), ways.begin(), ways.end());
  instance.process = std::make_unique<testing::ChildProcess>(std::move(command), instance.log);
}

// It takes commands only once all instances have found each other.
void TarantoolMesh::connect(Instance& instance) {
  const auto ready = [&] {
    return !instance.process->running() || testing::accepts_connections(instance.control);
  };
  if (!testing::wait_until(ready) || !instance.process->running())
    throw std::runtime_error("tarantool does not start:\n" + testing::read_text(instance.log));
  instance.commands.expires_after(std::chrono::hours(1));
  instance.commands.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), instance.control));
}

void TarantoolMesh::wait_for(const std::string& question, std::int64_t answer) {
  for (Instance& instance : instances_) {
    if (!testing::wait_until([&] { return ask(instance, question) == answer; }))
      throw std::runtime_error("the mesh of Tarantools does not come together:\n" +
                               testing::read_text(instance.log));
  }
}

std::int64_t TarantoolMesh::ask(Instance& instance, const std::string& command) {
  instance.commands << command << '\n' << std::flush;
  std::string answer;
  std::getline(instance.commands, answer);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), number);
  if (error != std::errc() || end != answer.data() + answer.size())
    throw std::runtime_error("tarantool does not do \"" + command.substr(0, 40) + "\": " + answer);
  return number;
}

void TarantoolMesh::write(std::size_t node, std::span<const MeshRow> rows) {
  std::string command = "insert";
  for (const MeshRow& row : rows) command += fmt::format(" {} {}", row.time, row.value);
  ask(instances_[node], command);
}

std::uint64_t TarantoolMesh::rows(std::size_t node) {
  return static_cast<std::uint64_t>(ask(instances_[node], "rows"));
}

MeshTraffic TarantoolMesh::traffic() {
  return {links_.bytes(), crossings_.load()};
}

}  // namespace deltamesh::bench
