// tests/engine/codec_test.cc - messages to frames and back: equal, frozen, and small.
#include "engine/codec.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/engine/golden_messages.h"
#include "tests/engine/random_message.h"

using namespace deltamesh;

namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(std::string(DELTAMESH_SOURCE_DIR) + "/" + path);
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>(file), {}};
}

// Hex digits of a golden file, without its '#' lines and its white space.
std::string hex_digits(const std::string& text) {
  std::string digits;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::copy_if(line.begin(), line.end(), std::back_inserter(digits), [](char c) { return c != ' '; });
  }
  return digits;
}

std::string to_hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::byte byte : bytes) {
    out += kDigits[std::to_integer<unsigned>(byte >> 4)];
    out += kDigits[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return out;
}

Message round_trip(const Message& message) {
  auto decoded = decode(encode(message));
  if (!decoded) throw std::runtime_error(decoded.error().text);
  return (*decoded).value();
}

message::Delta live_event(Seq first) {
  message::Delta delta;
  delta.ref.index = 12;
  delta.first = first;
  delta.events = 1;
  delta.head = first;
  delta.settled = first;
  delta.block = Bytes(20, std::byte{1});
  return delta;
}

}  // namespace

TEST_CASE("every message comes back as it was sent", "[engine][codec]") {
  rc::prop("round trip", [] {
    for (int i = 0; i < 10; ++i) {
      const Message message = random::any_message();
      RC_ASSERT(round_trip(message) == message);
    }
  });
}

TEST_CASE("frames of version 0 keep their bytes", "[engine][codec][golden]") {
  for (const golden::Case& each : golden::messages()) {
    CAPTURE(each.name);
    const std::string golden =
        hex_digits(read_text(std::string("tests/formats/frame_") + each.name + "_v0.hex"));
    CHECK(to_hex(encode(each.message)) == golden);
    CHECK(round_trip(each.message) == each.message);
  }
}

TEST_CASE("the conversation in the protocol page is the golden one", "[engine][codec][golden]") {
  std::string page = read_text("docs/protocol.md");
  page.erase(std::remove_if(page.begin(), page.end(), [](char c) { return c == ' ' || c == '\n'; }),
             page.end());
  for (const golden::Case& each : golden::messages()) {
    CAPTURE(each.name);
    CHECK(page.find(to_hex(encode(each.message))) != std::string::npos);
  }
}

TEST_CASE("a delta of one event costs at most 10 bytes beyond its block", "[engine][codec]") {
  const Seq first = GENERATE(values<Seq>({1, 1000, 1'000'000, 0xffff'ffff}));
  const message::Delta delta = live_event(first);
  const std::size_t overhead = encode(delta).size() - delta.block.size();
  CAPTURE(first, overhead);
  CHECK(overhead <= 10);
}

TEST_CASE("an acknowledgement costs at most 10 bytes, however many streams it is about", "[engine][codec]") {
  message::Ack ack;
  ack.deltas = GENERATE(values<std::uint32_t>({1, 300, 16'000}));
  ack.credit = 200'000;
  CAPTURE(ack.deltas);
  CHECK(encode(ack).size() <= 10);
}

TEST_CASE("the last writes of a burst to a map cost at most 10 bytes beyond their entries",
          "[engine][codec]") {
  message::MapDelta page = golden::map_delta();
  page.knowledge = {{{900, {}}, IntervalSet({1, 100}), 100, IntervalSet({1, 96})}};
  page.entries.resize(4, page.entries[0]);
  std::size_t entries = 0;
  for (Seq i = 0; i < 4; ++i) {
    page.entries[i].stream = 900;
    page.entries[i].entry.version.dot.seq = 97 + i;
    entries += map_entry_bytes(page.entries[i].entry);
  }
  const Bytes frame = encode(page);
  CHECK(frame.size() <= entries + 10);
  CHECK(**decode(frame) == Message{page});
  page.knowledge[0].rewritten = IntervalSet({2, 96});
  CHECK(**decode(encode(page)) == Message{page});
}

TEST_CASE("a ping is a head and nothing else", "[engine][codec]") {
  CHECK(encode(message::Ping{}).size() == 2);
}

TEST_CASE("a delta with its block beside it has the same bytes as with its block inside", "[engine][codec]") {
  rc::prop("equal frames", [] {
    message::Delta delta = random::delta();
    const Bytes whole = encode(delta);
    const Bytes block = std::exchange(delta.block, {});
    RC_ASSERT(encode_delta(delta, block) == whole);
  });
}

TEST_CASE("items are never larger than their bound", "[engine][codec]") {
  rc::prop("frontier entries", [] {
    const auto entry = random::frontier_entry();
    RC_ASSERT(encode(message::Frontier{{entry}, true, {}}).size() <= 64 + item_bytes_max(entry));
  });
  rc::prop("map entries", [] {
    message::MapDelta delta;
    delta.entries = {random::map_entry()};
    RC_ASSERT(encode(delta).size() <= 64 + item_bytes_max(delta.entries[0]));
  });
  rc::prop("declarations", [] {
    const auto decl = random::declaration();
    RC_ASSERT(encode(message::SeriesGiven{{}, {decl}}).size() <= 128 + item_bytes_max(decl));
  });
}

TEST_CASE("the largest HELLO within limits fits its control part", "[engine][codec]") {
  message::Hello hello = golden::hello();
  hello.software = std::string(limits::kTextBytesMax, 's');
  hello.codecs = std::vector<std::uint8_t>(256, 0xff);
  hello.resume_token = Bytes(limits::kResumeTokenBytesMax, std::byte{0xff});
  hello.knowledge = Bytes(16, std::byte{0xff});
  hello.datasets.clear();
  for (std::size_t i = 0; i < limits::kDatasetsMax; ++i) {
    hello.datasets.push_back({std::to_string(100 + i) + std::string(limits::kDatasetNameBytesMax - 3, 'n')});
  }
  message::Hello::OwnStream own{golden::gateway_stream(), ~Seq{0}, Bytes(16, std::byte{0xff})};
  own.stream.dataset = DatasetId{~std::uint64_t{0}};
  own.stream.cls = StreamClass::kLog;
  hello.own.assign(limits::kOwnStreamsMax, own);
  hello.rules = Bytes(16, std::byte{0xff});
  CHECK(round_trip(hello) == Message{hello});
}

TEST_CASE("a reason for people is cut and made readable instead of being refused", "[engine][codec]") {
  const Message sent = message::Goodbye{ErrorCode::kInvalid, "line\n" + std::string(600, 'x')};
  CHECK(round_trip(sent) == Message{message::Goodbye{ErrorCode::kInvalid, "line?" + std::string(507, 'x')}});
}
