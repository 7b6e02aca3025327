// tests/versions/next_codec_test.cc - the next schema is ours and more, and each side reads what the other
// says.
#include <catch2/catch.hpp>

#include <capnp/schema.h>
#include <rapidcheck/catch.h>

#include "engine/protocol.capnp.h"
#include "next_protocol.capnp.h"
#include "tests/engine/node_fixture.h"
#include "tests/engine/random_message.h"
#include "tests/versions/next_codec.h"
#include "tests/versions/next_fields.h"

namespace deltamesh::versions {
namespace {

bool same_type(const capnp::Type& a, const capnp::Type& b) {
  if (a.which() != b.which()) return false;
  if (a.isList()) return same_type(a.asList().getElementType(), b.asList().getElementType());
  return true;  // Structs: both schemas have only namesakes.
}

// Every field of ours is there, in the same place.
void check_superset(capnp::StructSchema ours, capnp::StructSchema next) {
  CAPTURE(ours.getProto().getDisplayName().cStr());
  for (const auto field : ours.getFields()) {
    const auto name = field.getProto().getName();
    CAPTURE(name.cStr());
    const auto same = next.getFieldByName(name);
    CHECK(same.getIndex() == field.getIndex());
    CHECK(same.getProto().getSlot().getOffset() == field.getProto().getSlot().getOffset());
    CHECK(same_type(same.getType(), field.getType()));
  }
  CHECK(next.getFields().size() == ours.getFields().size() + 4);
}

template <class Ours, class Next>
void check_superset() {
  check_superset(capnp::Schema::from<Ours>(), capnp::Schema::from<Next>());
}

// By one byte at its end.
Bytes lengthened(const Bytes& frame) {
  ByteView payload = frame;
  const FrameHead head = **take_head(payload);
  return make_frame(head, {payload, Bytes{std::byte{0}}});
}

Message decoded(ByteView frame) {
  auto message = decode(frame);
  if (!message) FAIL(message.error().text);
  return **std::move(message);
}

}  // namespace

TEST_CASE("the next schema has every field of ours in its place, and more in each struct", "[versions]") {
  check_superset<wire::Hello, next_wire::Hello>();
  check_superset<wire::Dataset, next_wire::Dataset>();
  check_superset<wire::OwnStream, next_wire::OwnStream>();
  check_superset<wire::Frontier, next_wire::Frontier>();
  check_superset<wire::Delta, next_wire::Delta>();
  check_superset<wire::MapDelta, next_wire::MapDelta>();
  check_superset<wire::Ack, next_wire::Ack>();
  check_superset<wire::SeriesWanted, next_wire::SeriesWanted>();
  check_superset<wire::SeriesGiven, next_wire::SeriesGiven>();
  check_superset<wire::RangeQuestion, next_wire::RangeQuestion>();
  check_superset<wire::RangeAnswer, next_wire::RangeAnswer>();
  check_superset<wire::MapQuestion, next_wire::MapQuestion>();
  check_superset<wire::MapAnswer, next_wire::MapAnswer>();
  check_superset<wire::ClockAhead, next_wire::ClockAhead>();
  check_superset<wire::TierAck, next_wire::TierAck>();
  check_superset<wire::MapFloor, next_wire::MapFloor>();
  check_superset<wire::Ping, next_wire::Ping>();
  check_superset<wire::Pong, next_wire::Pong>();
  check_superset<wire::Goodbye, next_wire::Goodbye>();
}

TEST_CASE("the next version says more than ours, also where ours says nothing", "[versions]") {
  NextCodec next(7);
  const Bytes said = next.said(encode(message::Ping{}));
  CHECK(said.size() > 2);
  REQUIRE(next.heard(said).ok());
  CHECK(next.heard_filled() == 1);
}

TEST_CASE("what the next version adds to any message, ours skips", "[versions]") {
  rc::prop("the same message", [] {
    Message message = random::any_message();
    NextCodec next(*rc::gen::arbitrary<std::uint64_t>());
    const Bytes said = next.said(encode(message));
    if (auto* const hello = std::get_if<message::Hello>(&message))
      hello->version_min = 0, hello->version_max = 1;
    const auto read = decode(said);
    RC_ASSERT(read.ok());
    RC_ASSERT(**read == message);
  });
}

TEST_CASE("the next version reads what ours says, and what its own says", "[versions]") {
  rc::prop("the same message", [] {
    Message message = random::any_message();
    NextCodec next(*rc::gen::arbitrary<std::uint64_t>());
    const auto from_ours = next.heard(encode(message));
    RC_ASSERT(from_ours.ok());
    RC_ASSERT(next.heard_filled() == 0u);
    RC_ASSERT(decoded(*from_ours) == message);
    if (auto* const hello = std::get_if<message::Hello>(&message))
      hello->version_min = 0, hello->version_max = 1;
    const auto from_next = next.heard(next.said(encode(message)));
    RC_ASSERT(from_next.ok());
    RC_ASSERT(decoded(*from_next) == message);
  });
}

// Where the protocol page says that nothing may be left over: of a DELTA, it would be taken for its block.
TEST_CASE("a raw part cannot grow, not even that of a DELTA", "[versions]") {
  CHECK_FALSE(decode(lengthened(encode(message::Ack{}))).ok());
  test::TestNode node(1);
  test::ScriptedPeer peer(node);
  peer.agree();
  peer.say_bytes(lengthened(encode(peer.delta(1, 3))));
  CHECK_THAT(peer.end(), Catch::Contains("block"));
}

TEST_CASE("a HELLO of versions that ours does not speak is refused with both ranges named", "[versions]") {
  test::TestNode node(1);
  test::ScriptedPeer peer(node);
  NextCodec next(7, {.min = 1});
  peer.say_bytes(next.said(encode(peer.hello())));
  const auto goodbye = test::only<message::Goodbye>(peer.hear()).at(0);
  CHECK(goodbye.code == ErrorCode::kMismatch);
  CHECK_THAT(goodbye.text, Catch::Contains("1 to 1 on one side, 0 on the other"));
  CHECK(node.counters().handshakes_refused == 1);
}

TEST_CASE("a HELLO of versions 0 to 1 is welcome", "[versions]") {
  test::TestNode node(1);
  test::ScriptedPeer peer(node);
  NextCodec next(7);
  peer.say_bytes(next.said(encode(peer.hello())));
  CHECK(peer.end() == "");
  CHECK(node.counters().handshakes_refused == 0);
}

}  // namespace deltamesh::versions
