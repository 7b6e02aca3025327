// benchmarks/latency/paced_publisher.h - publishes at a steady rate and says when each message was sent.
//
// MQTT 3.1.1 with QoS 0 on a socket of its own: a client library's queue and thread would be part of the
// time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace deltamesh::bench {

using WallTime = std::chrono::system_clock::time_point;

class PacedPublisher {
 public:
  // Of a broker on this machine; throws if it does not take the connection.
  explicit PacedPublisher(std::uint16_t port);

  // `count` objects with a time `ts` (ms) and a `value`, in turn to `topics`; the moment before each was
  // handed to the socket.
  std::vector<WallTime> publish(const std::vector<std::string>& topics, std::uint64_t count,
                                std::chrono::microseconds pause);

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_{io_};
};

}  // namespace deltamesh::bench
