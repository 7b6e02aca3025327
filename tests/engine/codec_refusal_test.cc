// tests/engine/codec_refusal_test.cc - frames that nobody honest sends: refused with a reason, never worse.
#include <catch2/catch.hpp>
#include <random>

#include "crdt/varint.h"
#include "engine/codec.h"
#include "tests/engine/golden_messages.h"

using namespace deltamesh;
using Catch::Contains;

namespace {

Bytes frame_of(FrameType type, ByteView control, ByteView raw = {}, bool optional = true) {
  Bytes front;
  if (!control.empty()) put_varint(front, control.size());
  return make_frame({type, optional, !control.empty()}, {front, control, raw});
}

// Words of an unpacked Cap'n Proto message in the plainest packing: each a tag, eight bytes, no run.
Bytes packed(const std::vector<std::uint64_t>& words) {
  Bytes out;
  for (const std::uint64_t word : words) {
    out.push_back(std::byte{0xff});
    put_fixed64(out, word);
    out.push_back(std::byte{0});
  }
  return out;
}

// A Goodbye in words: segment table, root, data, pointers, then the letters of its text.
std::vector<std::uint64_t> goodbye_words(std::uint64_t code, std::size_t letters, unsigned later_words = 0) {
  const std::uint64_t data = 1 + later_words, pointers = 1 + later_words;
  const std::uint64_t text_words = letters / 8 + 1;
  std::vector<std::uint64_t> words{(1 + data + pointers + text_words) << 32, data << 32 | pointers << 48,
                                   code};
  words.insert(words.end(), later_words, ~std::uint64_t{0});                              // Later fields.
  words.push_back(std::uint64_t{letters + 1} << 35 | 2ull << 32 | later_words << 2 | 1);  // A list of bytes.
  words.insert(words.end(), later_words, 0);
  for (std::size_t i = 0; i < text_words; ++i) {
    const std::size_t here = std::min<std::size_t>(8, letters - 8 * i);
    words.push_back(here == 8 ? 0x6161616161616161 : 0x6161616161616161 & ((1ull << 8 * here) - 1));
  }
  return words;
}

std::string refusal(ByteView frame) {
  const auto decoded = decode(frame);
  return decoded ? "accepted" : decoded.error().text;
}

message::Delta delta_with(void (*spoil)(message::Delta&)) {
  message::Delta delta = golden::delta();
  spoil(delta);
  return delta;
}

message::Hello hello_with(void (*spoil)(message::Hello&)) {
  message::Hello hello = golden::hello();
  spoil(hello);
  return hello;
}

message::Ack ack_with(void (*spoil)(message::Ack&)) {
  message::Ack ack = golden::ack();
  spoil(ack);
  return ack;
}

IntervalSet comb(std::size_t intervals) {
  IntervalSet set;
  for (Seq i = 0; i < intervals; ++i) set.add({2 * i + 1, 2 * i + 1});
  return set;
}

message::MapDelta::Entry map_entry(std::size_t key_bytes, std::size_t value_bytes) {
  message::MapDelta::Entry item = golden::map_delta().entries[0];
  item.entry.key = std::string(key_bytes, 'k');
  item.entry.value = std::string(value_bytes, 'v');
  return item;
}

message::MapDelta map_with(message::MapDelta::Entry item) {
  message::MapDelta delta = golden::map_delta();
  delta.entries = {std::move(item)};
  return delta;
}

}  // namespace

TEST_CASE("a message beyond a limit is refused with the number that bounds it", "[engine][codec][limits]") {
  struct Row {
    Message message;
    const char* text;
  };
  const std::vector<Row> rows{
      {hello_with([](message::Hello& h) { h.version_min = 3; }), "versions from 3 to 0"},
      {hello_with([](message::Hello& h) { h.datasets.assign(65, h.datasets[0]); }),
       "65 datasets, at most 64"},
      {hello_with([](message::Hello& h) { h.datasets[0].name = std::string(65, 'n'); }),
       "65 bytes, at most 64"},
      {hello_with([](message::Hello& h) { h.datasets[1].name = "telemetry"; }), "named twice"},
      {hello_with([](message::Hello& h) { h.datasets[0].kind = DatasetKind{2}; }), "dataset kind 2"},
      {hello_with([](message::Hello& h) { h.datasets[0].resolution = Resolution{3}; }), "resolution 3"},
      {hello_with([](message::Hello& h) { h.datasets[0].cls = StreamClass{3}; }), "stream class 3"},
      {hello_with([](message::Hello& h) { h.datasets[0].scope = Scope{4}; }), "scope 4"},
      {hello_with([](message::Hello& h) { h.own.assign(66, h.own[0]); }), "66 own streams, at most 65"},
      {hello_with([](message::Hello& h) { h.rules = Bytes(15); }), "digest of rules of 15 bytes"},
      {hello_with([](message::Hello& h) { h.own[0].stream.cls = StreamClass{9}; }), "stream class 9"},
      {hello_with([](message::Hello& h) { h.own[0].last_cell = Bytes(15); }), "15 bytes, must be 16 or 0"},
      {hello_with([](message::Hello& h) { h.knowledge = Bytes(17); }), "17 bytes, must be 16 or 0"},
      {hello_with([](message::Hello& h) { h.resume_token = Bytes(257); }),
       "257 bytes of resume token, at most 256"},
      {hello_with([](message::Hello& h) { h.codecs.assign(257, 1); }), "257 codecs, at most 256"},
      {message::Frontier{std::vector<message::Frontier::Entry>(513), true, {}},
       "513 streams in a frontier, at most 512"},
      {message::Frontier{{}, true, Bytes(15)}, "base of 15 bytes, must be 16 or 0"},
      {message::Frontier{{{{}, comb(16'385), {}, 0, 0}}, true, {}}, "at most 16384"},
      {message::Frontier{{{{65'536, {}}, {}, {}, 0, 0}}, true, {}}, "stream index"},
      {message::Frontier{{{{}, {}, {}, 4, 6}}, true, {}}, "settled up to 6, beyond the head 4"},
      {message::Frontier{{{{}, {}, {}, 0, 1}}, true, {}}, "settled up to 1, beyond the head 0"},
      {delta_with([](message::Delta& d) { d.ref.index = 65'536; }), "stream index"},
      {delta_with([](message::Delta& d) { d.first = 0; }), "no events"},
      {delta_with([](message::Delta& d) { d.events = 0; }), "no events"},
      {delta_with([](message::Delta& d) { d.events = 8193; }), "events in a block 8193, at most 8192"},
      {delta_with([](message::Delta& d) { d.first = ~Seq{0}, d.events = 2; }), "9223372036854775807"},
      {delta_with([](message::Delta& d) {
         d.first = limits::kSeqMax, d.events = 3, d.head = d.settled = 0;  // The sum begins anew at 0.
       }),
       "beyond the largest number"},
      {delta_with([](message::Delta& d) { d.first = limits::kSeqMax, d.events = 1; }),
       "beyond the largest number"},
      {delta_with([](message::Delta& d) { d.head = d.first - 1; }), "9223372036854775807"},
      {delta_with([](message::Delta& d) { d.block.clear(); }), "no block"},
      {delta_with([](message::Delta& d) { d.block.resize((768u << 10) + 1); }),
       "786433 bytes of block, at most 786432"},
      {delta_with([](message::Delta& d) { d.declarations[0].number = 0; }), "series 0"},
      {delta_with([](message::Delta& d) { d.declarations[0].name = ""; }), "1 to 255 bytes"},
      {delta_with([](message::Delta& d) { d.declarations[0].name = std::string(256, 'n'); }),
       "1 to 255 bytes"},
      {delta_with([](message::Delta& d) { d.declarations[0].name = "\xc0\x80"; }), "UTF-8"},
      {delta_with([](message::Delta& d) { d.declarations[0].unit = std::string(65, 'u'); }),
       "65 bytes, at most 64"},
      {delta_with([](message::Delta& d) { d.declarations[0].type = ValueType{5}; }), "value type 5"},
      {map_with(map_entry(513, 1)), "key at most 512 bytes"},
      {map_with(map_entry(1, (256u << 10) + 1)), "value at most 262144"},
      {map_with([] {
         auto e = map_entry(1, 1);
         e.stream = 65'536;
         return e;
       }()),
       "stream index 65536, at most 65535"},
      {[] {
         auto d = golden::map_delta();
         d.streams.resize(513);
         return d;
       }(),
       "streams in a map page 513, at most 512"},
      {[] {
         auto d = golden::map_delta();
         d.knowledge.resize(513);
         return d;
       }(),
       "known streams in a map page 513, at most 512"},
      {[] {
         auto d = golden::map_delta();
         d.knowledge.resize(2, d.knowledge[0]);
         return d;
       }(),
       "a known stream stands there twice"},
      {[] {
         auto d = golden::map_delta();
         d.entries.resize(4097, d.entries[0]);
         return d;
       }(),
       "entries in a map page 4097, at most 4096"},
      {[] {
         auto d = golden::map_delta();
         d.knowledge[0].rewritten.add({6, 6});
         return d;
       }(),
       "dots are rewritten and not held"},
      {ack_with([](message::Ack& a) { a.haves.resize(513); }),
       "streams in an acknowledgement 513, at most 512"},
      {ack_with([](message::Ack& a) { a.subscribed.resize(513); }),
       "streams in an acknowledgement 513, at most 512"},
      {ack_with([](message::Ack& a) { a.unsubscribed.resize(513); }),
       "streams in an acknowledgement 513, at most 512"},
      {ack_with([](message::Ack& a) { a.unsubscribed = {65'536}; }), "stream index 65536, at most 65535"},
      {ack_with([](message::Ack& a) { a.map_deltas.resize(513); }),
       "map deltas in an acknowledgement 513, at most 512"},
      {ack_with([](message::Ack& a) {
         a.subscribed = {{65'536, {}}};
       }),
       "stream index 65536, at most 65535"},
      {message::SeriesWanted{{}, std::vector<SeriesNo>(65'537)}, "65537 series wanted, at most 65536"},
      {message::SeriesWanted{{}, {7, 7}}, "not ascending"},
      {message::SeriesGiven{{}, std::vector<SeriesDecl>(65'537)}, "65537 declarations, at most 65536"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text, row.message.index());
    CHECK_THAT(refusal(encode(row.message)), Contains(row.text));
  }
}

TEST_CASE("a frame of another length than its head says is refused", "[engine][codec]") {
  Bytes frame = encode(golden::ack());
  frame.push_back(std::byte{0});
  CHECK_THAT(refusal(frame), Contains("its head says"));
  CHECK_THAT(refusal(ByteView(frame).first(1)), Contains("frame of 1 bytes ends in its head"));
}

TEST_CASE("bytes of a delta or acknowledgement that nobody encodes are refused", "[engine][codec][hostile]") {
  struct Row {
    FrameType type;
    std::vector<int> raw;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {FrameType::kAck, {}, "cut short"},
      {FrameType::kAck, {0x80}, "unknown parts 128"},
      {FrameType::kDelta, {0x40, 0, 1, 1, 9}, "unknown parts 64"},
      {FrameType::kDelta, {0x24, 0, 1, 1, 1, 9}, "closed, and not complete"},
      {FrameType::kAck, {32, 1, 0, 0, 0}, "there is no dot 0"},
      {FrameType::kAck,
       {32, 1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
       "at most 9223372036854775807"},
      {FrameType::kAck, {32, 2, 0, 1, 0, 6, 1, 0}, "stream index -"},
      {FrameType::kAck, {64, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, "stream index"},
  }));
  CAPTURE(row.raw);
  Bytes raw;
  for (const int byte : row.raw) raw.push_back(static_cast<std::byte>(byte));
  CHECK_THAT(refusal(frame_of(row.type, {}, raw)), Contains(row.text));
}

TEST_CASE("bytes of a floor that nobody encodes are refused", "[engine][codec][hostile]") {
  const Bytes whole = encode(golden::map_floor());
  const auto spoiled = [&](std::size_t at, int byte) {
    Bytes frame = whole;
    frame[at] = static_cast<std::byte>(byte);
    return refusal(frame);
  };
  CHECK_THAT(refusal(frame_of(FrameType::kMapFloor, {}, {})), Contains("cut short"));
  CHECK_THAT(spoiled(18, 2), Contains("not canonical"));  // Neither rejoining nor not.
  CHECK_THAT(spoiled(19, 3), Contains("of no class"));
  Bytes raw(whole.begin() + 2, whole.end());
  raw.insert(raw.end(), raw.begin() + 17, raw.end());
  CHECK_THAT(refusal(frame_of(FrameType::kMapFloor, {}, raw)), Contains("not ascending"));
  message::Floor none = golden::map_floor();
  none.floor.stamp = {};
  CHECK_THAT(refusal(encode(none)), Contains("no stamp"));
}

TEST_CASE("a control part of another length than it says is refused", "[engine][codec][hostile]") {
  const auto refused = [](std::vector<int> payload) {
    Bytes bytes;
    for (const int byte : payload) bytes.push_back(static_cast<std::byte>(byte));
    return refusal(make_frame({FrameType::kGoodbye, false, true}, {bytes}));
  };
  CHECK_THAT(refused({}), Contains("cut short"));
  CHECK_THAT(refused({0x80}), Contains("cut short"));
  CHECK_THAT(refused({5, 1, 2}), Contains("control part of 5 bytes where 2 are left"));
  CHECK_THAT(refused({0x80, 0x80, 0x04}), Contains("65536 bytes of control part, at most 65535"));
}

TEST_CASE("an unknown frame type is skipped if its sender says that it may be", "[engine][codec]") {
  const Bytes raw(5, std::byte{9});
  const auto skipped = decode(frame_of(FrameType{31}, {}, raw));
  REQUIRE(skipped.ok());
  CHECK_FALSE((*skipped).has_value());
  CHECK_THAT(refusal(frame_of(FrameType{31}, {}, raw, false)), Contains("unknown type 31"));
}

TEST_CASE("fields that a later version adds to a control part are skipped", "[engine][codec]") {
  const auto decoded = decode(frame_of(FrameType::kGoodbye, packed(goodbye_words(4, 9, 3))));
  REQUIRE(decoded.ok());
  CHECK(*decoded == Message{message::Goodbye{ErrorCode::kMismatch, "aaaaaaaaa"}});
  const Bytes later_ping = packed({std::uint64_t{2} << 32, std::uint64_t{1} << 32, 77});
  CHECK(*decode(frame_of(FrameType::kPing, later_ping)) == Message{message::Ping{}});
}

TEST_CASE("the code of a later version in a goodbye does not hide its reason", "[engine][codec]") {
  const auto decoded = decode(frame_of(FrameType::kGoodbye, packed(goodbye_words(999, 9))));
  REQUIRE(decoded.ok());
  CHECK(*decoded == Message{message::Goodbye{ErrorCode::kUnsupported, "aaaaaaaaa"}});
}

TEST_CASE("a text longer than its limit is refused", "[engine][codec][limits]") {
  CHECK(refusal(frame_of(FrameType::kGoodbye, packed(goodbye_words(0, 512)))) == "accepted");
  CHECK_THAT(refusal(frame_of(FrameType::kGoodbye, packed(goodbye_words(0, 513)))),
             Contains("513 bytes, at most 512"));
}

TEST_CASE("bytes left over are refused in either part", "[engine][codec]") {
  const Bytes extra(3, std::byte{0});
  CHECK_THAT(refusal(frame_of(FrameType::kPing, {}, extra)), Contains("3 bytes are left over"));
  Bytes control = packed(goodbye_words(0, 9));
  control.insert(control.end(), 10, std::byte{0});
  CHECK_THAT(refusal(frame_of(FrameType::kGoodbye, control)),
             Contains("10 bytes are left over in the control"));
}

TEST_CASE("a control part that would unpack to far more than it weighs is refused",
          "[engine][codec][limits]") {
  // Two bytes of packing stand for 256 words of zeros.
  Bytes bomb = packed({std::uint64_t{0xffff} << 32});
  for (int i = 0; i < 256; ++i) bomb.insert(bomb.end(), {std::byte{0x00}, std::byte{0xff}});
  CHECK_THAT(refusal(frame_of(FrameType::kGoodbye, bomb)), Contains("too large"));
  const Bytes claim = packed({0xffffffff00000000, 0});
  CHECK_THAT(refusal(frame_of(FrameType::kGoodbye, claim)), Contains("too large"));
}

TEST_CASE("a control part that points outside itself is refused", "[engine][codec]") {
  auto words = goodbye_words(0, 9);
  words[3] += 0x1000 << 2;  // The text begins beyond the end.
  CHECK(refusal(frame_of(FrameType::kGoodbye, packed(words))) != "accepted");
}

TEST_CASE("a control part without the second segment that it promises is refused", "[engine][codec]") {
  auto words = goodbye_words(0, 400);
  words[0] |= 1;                       // Two segments: all that is there, and
  words.insert(words.begin() + 1, 5);  // five words that are not.
  CHECK(refusal(frame_of(FrameType::kGoodbye, packed(words))) != "accepted");
}

TEST_CASE("damaged frames are refused or are messages within limits", "[engine][codec][hostile]") {
  std::mt19937_64 random(20'24);
  std::size_t accepted = 0, refused = 0;
  for (const golden::Case& each : golden::messages()) {
    const Bytes sound = encode(each.message);
    for (int round = 0; round < 3000; ++round) {
      Bytes frame = sound;
      for (std::uint64_t flips = random() % 4; flips > 0; --flips) {
        frame[random() % frame.size()] ^= static_cast<std::byte>(1u << random() % 8);
      }
      if (random() % 4 == 0) frame.resize(random() % (frame.size() + 1));
      const auto decoded = decode(frame);
      ++(decoded ? accepted : refused);
      if (!decoded || !*decoded) continue;
      const auto again = decode(encode(**decoded));  // What was accepted can be said again.
      REQUIRE(again.ok());
      REQUIRE(*again == *decoded);
    }
  }
  CAPTURE(accepted, refused);
  CHECK(accepted > 1000);
  CHECK(refused > 1000);
}

std::size_t golden_entry_bytes() {
  Bytes bytes;
  encode_map_entry(bytes, golden::map_delta().entries[0].entry, std::nullopt);
  return bytes.size();
}

TEST_CASE("every prefix of a frame is refused", "[engine][codec][hostile]") {
  for (const golden::Case& each : golden::messages()) {
    const Bytes sound = encode(each.message);
    for (std::size_t size = 0; size < sound.size(); ++size) {
      REQUIRE_FALSE(decode(ByteView(sound).first(size)).ok());
      ByteView payload = ByteView(sound).first(size);
      const auto head = take_head(payload);
      if (!*head) continue;
      const Bytes shorter = make_frame(**head, {payload});  // With a head that agrees.
      // What ends in the middle of a block, or has an entry of a map or a stream of a floor less, is another
      // sound frame.
      const bool part_of_block = each.message.index() == 2 && size > sound.size() - 4;
      const bool without_entry = each.message.index() == 3 && size == sound.size() - golden_entry_bytes();
      const bool without_stream = std::holds_alternative<message::Floor>(each.message) && size == 19;
      CHECK(decode(shorter).ok() == (part_of_block || without_entry || without_stream));
    }
  }
}

TEST_CASE("random payloads of every type are refused or are messages within limits",
          "[engine][codec][hostile]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 30'000; ++round) {
    Bytes control(random() % 40), raw(random() % 60);
    for (Bytes* part : {&control, &raw}) {
      for (std::byte& byte : *part) byte = static_cast<std::byte>(random() % 3 == 0 ? 0 : random());
    }
    const auto decoded = decode(frame_of(FrameType(random() % 20), control, raw));
    if (decoded && *decoded) REQUIRE(decode(encode(**decoded)).ok());
  }
}
