// benchmarks/latency/paced_publisher.cc - packets of MQTT 3.1.1, sections 3.1 to 3.3.
#include "benchmarks/latency/paced_publisher.h"

#include <array>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <stdexcept>
#include <thread>

namespace deltamesh::bench {
namespace {

namespace asio = boost::asio;

// Of at most 127 bytes, so that the length is one.
std::string packet(char kind, const std::string& rest) {
  if (rest.size() > 127) throw std::logic_error("a packet of a benchmark is too long");
  return std::string{kind, static_cast<char>(rest.size())} + rest;
}

std::string text(const std::string& of) {
  return std::string{'\0', static_cast<char>(of.size())} + of;
}

// An object with its time in milliseconds.
std::string reading(WallTime time, std::uint64_t number) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  return "{\"ts\":" + std::to_string(ms.count()) + ",\"value\":" + std::to_string(20 + number % 7) + ".5}";
}

}  // namespace

PacedPublisher::PacedPublisher(std::uint16_t port) {
  socket_.connect({asio::ip::address_v4::loopback(), port});
  socket_.set_option(asio::ip::tcp::no_delay(true));
  const std::string clean_session_no_keepalive{'\4', '\2', '\0', '\0'};
  asio::write(socket_,
              asio::buffer(packet('\x10', text("MQTT") + clean_session_no_keepalive + text("paced"))));
  std::array<char, 4> answer{};
  asio::read(socket_, asio::buffer(answer));
  if (answer != std::array<char, 4>{'\x20', '\2', '\0', '\0'})
    throw std::runtime_error("the broker refuses the publisher");
}

std::vector<WallTime> PacedPublisher::publish(const std::vector<std::string>& topics, std::uint64_t count,
                                              std::chrono::microseconds pause) {
  std::vector<WallTime> sent;
  sent.reserve(count);
  const auto begun = std::chrono::system_clock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    const WallTime due = begun + i * pause;
    const std::string message = packet('\x30', text(topics[i % topics.size()]) + reading(due, i));
    std::this_thread::sleep_until(due);
    sent.push_back(std::chrono::system_clock::now());
    asio::write(socket_, asio::buffer(message));
  }
  return sent;
}

}  // namespace deltamesh::bench
