// tests/transport/hostile_scene.h - a node with a healthy peer, and doors for strangers.
#pragma once

#include <catch2/catch.hpp>

#include "tests/transport/network.h"
#include "tests/transport/raw_peer.h"

namespace deltamesh::testing {

struct Scene {
  boost::asio::io_context io;
  TestNode node, friend_node{io, 2};
  Endpoint tcp, web;

  explicit Scene(ListenerSettings settings = {}, NodeConfig config = test_config()) : node{io, 1, config} {
    friend_node.dial(node.listen("tcp://127.0.0.1:0"));
    tcp = node.listen("tcp://127.0.0.1:0", settings);
    web = node.listen("ws://127.0.0.1:0", settings);
    REQUIRE(run_until(io, [&] { return node.live_sessions() == 1; }));
  }

  TransportCounters& counted() { return node.driver().counters(); }

  bool ends(RawPeer& stranger) {
    return run_until(io, [&] { return stranger.ended(); });
  }

  void check_unharmed() {
    const auto before = friend_node.events();
    node.write(1);
    CHECK(run_until(io, [&] { return friend_node.events() == before + 1; }));
    CHECK(friend_node.driver().counters().links_closed == 0);
  }
};

}  // namespace deltamesh::testing
