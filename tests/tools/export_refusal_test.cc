// tests/tools/export_refusal_test.cc - texts that are cut, changed, made up or of tomorrow: refused, with the
// line and the reason, and no store is left.
#include "tests/crdt/random.h"
#include "tests/tools/export_fixture.h"

namespace deltamesh::testing {
namespace {

using Catch::Contains;

std::string golden() {
  return slurp(DELTAMESH_SOURCE_DIR "/tests/formats/export_v0.jsonl");
}

// Why no store is made of it. There is nothing at its place then, nor beside it.
std::string refusal(const std::string& text) {
  const TempFolder folder;
  const auto report = import_text(text, folder.file("store"));
  if (report) return {};
  CHECK(std::filesystem::is_empty(folder.path()));
  return report.error().text;
}

// The index of the first line of that kind, or of the next one.
std::size_t line_of_kind(const std::vector<std::string>& lines, const std::string& kind,
                         std::size_t from = 0) {
  for (std::size_t i = from; i < lines.size(); ++i)
    if (lines[i].starts_with("{\"record\":\"" + kind + "\"")) return i;
  FAIL("no line of kind " << kind);
  return 0;
}

TEST_CASE("a text that ends at any line before its last is refused", "[export][refusal]") {
  const auto lines = lines_of(golden());
  for (std::size_t left = 0; left < lines.size(); ++left) {
    CAPTURE(left);
    const std::string why =
        refusal(joined({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(left)}));
    CHECK_THAT(why, Contains("cut short"));
    CHECK_THAT(why, Contains("line " + std::to_string(left) + ": "));
  }
}

TEST_CASE("a text that ends at any byte is refused", "[export][refusal]") {
  const std::string text = golden();
  REQUIRE(refusal_of_text(text).empty());
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(refusal_of_text(text.substr(0, size)).empty());
  }
}

TEST_CASE("a text with one byte changed, lost or added anywhere is refused", "[export][refusal]") {
  const std::string text = golden();
  Random random(20'261'130);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int turn = 0; turn < 4; ++turn) {
      std::string changed = text;
      const auto byte = static_cast<char>(turn == 0 ? text[at] ^ 1 : "09af\",]} \n\r"[random.below(11)]);
      if (turn < 3) changed[at] = byte;
      if (turn == 3 && random.chance(50)) changed.erase(at, 1);
      if (turn == 3 && changed.size() == text.size()) changed.insert(at, 1, byte);
      // What mail and editors do to line ends is passed over.
      if (changed == text || (byte == '\r' && text[at] == '\n' && changed.size() > text.size())) continue;
      // So is space before and between the parts of the last line, which has no sum of its own.
      const bool is_space = byte == ' ' || byte == '\r';
      if (is_space && changed.size() > text.size() && at >= text.rfind("{\"record\":\"end\"")) continue;
      CAPTURE(at, static_cast<int>(byte), turn, text.substr(at, 20));
      CHECK_FALSE(refusal_of_text(changed).empty());
    }
  }
}

TEST_CASE("line ends of other systems and a byte order mark change nothing", "[export][refusal]") {
  std::string text = "\xef\xbb\xbf";
  for (const std::string& line : lines_of(golden())) text += line + "\r\n";
  CHECK(refusal_of_text(text).empty());
}

struct Change {
  const char* kind;      // Of the line,
  const char* from;      // in which this
  const char* to;        // becomes that.
  const char* expected;  // Part of the reason.
};

// Sums are right in all of these: they are made by someone who knows how.
TEST_CASE("a line that breaks a rule is refused with its number and the rule", "[export][refusal]") {
  const std::string big(70, 'u');
  const std::string text_of_unit = "\"unit\":\"" + big + "\"";
  const Change changes[] = {
      {"header", "\"version\":0", "\"version\":1", "version 1 of the format, this build knows up to 0"},
      {"header", "deltamesh export", "deltamesh", "it is of another format"},
      {"header", "\"header\"", "\"head\"", "it does not begin as an exported store does"},
      {"header", "}", ",\"more\":1}", "a field that is not known"},
      {"store", "\"opens\":3", "\"opens\":-3", "\"opens\" is no number from 0 to"},
      {"store", "\"opens\":3", "\"opens\":3.0", "\"opens\" is no number"},
      {"store", "\"opens\":3", "\"opens\":\"03\"", "\"opens\" is no number"},
      {"store", "\"opens\":3", "\"opens\":18446744073709551616", "\"opens\" is no number"},
      {"store", "\"opens\":3", "\"open\":3", "\"opens\" is missing"},
      {"store", "\"opens\":3", "\"opens\":3,\"opens\":3", "stands twice in one object"},
      {"store", "\"node\":\"1", "\"node\":\"", "\"node\" is not 32 digits of lower-case hex"},
      {"store", "\"node\":\"1", "\"node\":\"A", "\"node\" is not 32 digits of lower-case hex"},
      {"store", "\"obeyed\":\"", "\"obeyed\":\"0", "\"obeyed\" is not 32 digits of lower-case hex"},
      {"store", "\"store\"", "\"shop\"", "no known kind of record: shop"},
      {"stream", "\"number\":1", "\"number\":2", "streams are not numbered"},
      {"stream", "\"alarm\"", "\"siren\"", "\"class\" is no class of streams"},
      {"stream", "0000000000000007", "7", "\"dataset\" is not 16 digits"},
      {"knowledge", "\"stream\":1", "\"stream\":7", "\"stream\" is the number of no stream above"},
      {"knowledge", "\"stream\":1", "\"stream\":0", "\"stream\" is the number of no stream above"},
      {"knowledge", "[[11,16]]", "[[11,13],[14,16]]", "\"held\" is no list of ascending runs"},
      {"knowledge", "[[11,16]]", "[[16,11]]", "\"held\" is no list of ascending runs"},
      {"knowledge", "[[11,16]]", "[[0,16]]", "\"held\" is no list of ascending runs"},
      {"knowledge", "[[11,16]]", "[[11,16,17]]", "\"held\" is no list of ascending runs"},
      {"knowledge", "[[11,16]]", "{\"11\":16}", "\"held\" is no list"},
      {"knowledge", "[[1,4]]", "[[1,4],[11,11]]", "contradicts itself"},
      {"knowledge", "[[7,8]]", "[[7,9]]", "contradicts itself"},
      {"knowledge", "\"9223372036854775807\"", "10", "contradicts itself"},
      {"knowledge", "\"9223372036854775807\"", "\"9223372036854775808\"", "a dot beyond the largest number"},
      {"series", "\"double\"", "\"float\"", "\"type\" is no type of values"},
      {"series", "\"name\":\"room", "\"name\":\"\\u0000room", "a series name that is not valid"},
      {"series", "\"unit\":\"Cel\"", text_of_unit.c_str(), "a unit of more bytes than allowed"},
      {"series", "\"number\":1", "\"number\":3", "it stands twice, or not in its order"},
      {"series", "\"number\":1", "\"number\":4294967296", "\"number\" is no number from 0 to 4294967295"},
      {"entry", "\"place\":0", "\"place\":1", "a conflict without a later write of key limit above it"},
      {"entry", "\"place\":0", "\"place\":5", "more than 4 conflicts of key limit"},
      {"entry", "\"untrusted\":true", "\"untrusted\":false", "a trusted clock with a stamp in its past"},
      {"entry", "\"key\":\"limit\"", "\"key\":\"\"", "empty key"},
      {"entry", "\"key\":\"limit\"", "\"key\":{\"base64\":\"/w==\"}", "key is not UTF-8"},
      {"entry", "\"seq\":4", "\"seq\":0", "a map entry without a number"},
      {"entry", "\"others\":[", "\"others\":[[\"fedcba9876543210\",3],", "names a stream twice"},
      {"entry", "\"trusted\":3", "\"trusted\":\"3\",\"more\":1",
       "in \"past\": it has a field that is not known"},
      {"floor", "\"streams\":1", "\"streams\":2", "a floor has fewer streams than it says"},
      {"floor", "\"streams\":1", "\"streams\":0", "no known kind of record: collected"},
      {"collected", "[[1,4]]", "[]", "it has no dots, or stands twice"},
      {"surfaced", "\"value\":\"back again\"", "\"value\":{\"base64\":\"AAA\"}", "neither text nor"},
      {"surfaced", "\"value\":\"back again\"", "\"value\":{\"base64\":\"AAB=\"}", "neither text nor"},
      {"surfaced", "\"value\":\"back again\"", "\"value\":7", "neither text nor"},
      {"boot", "\"boot\":4", "\"boot\":0", "the offset of a boot that may have none"},
      {"boot", "\"boot\":4", "\"boot\":1001", "the offset of a boot that may have none"},
      {"boot", "\"boot\":4", "\"boot\":4294967296", "\"boot\" is no number from 0 to 4294967295"},
      {"boot", "\"uncertain\"", "\"bad\"", "the offset of a boot that may have none"},
      {"boot", "\"uncertain\"", "\"unsure\"", "\"quality\" is no quality"},
      {"boot", "\"ticks\":-500", "\"ticks\":\"9223372036854775808\"", "\"ticks\" is no integer of 64 bits"},
      {"boot", "\"writer\":1", "\"writer\":7", "\"writer\" is the number of no stream above"},
      {"boot", "\"seq\":4", "\"seq\":0", "a record of a boot without a dot"},
      {"boot", "\"seq\":4", "\"seq\":\"9223372036854775808\"", "a dot beyond the largest number"},
      {"boot", "\"stream\":1", "\"stream\":5", "it stands twice, or not in its order"},
      {"own_boot", "\"place\":7", "\"place\":0", "a boot without a number"},
      {"own_boot", "\"place\":7", "\"place\":8", "it stands twice, or not in its order"},
      {"own_boot", "\"place\":7", "\"place\":\"9223372036854775808\"", "a boot without a number"},
      {"own_boot", "\"number\":1", "\"number\":0", "a boot without a number"},
      {"own_boot", "\"number\":1", "\"number\":1001", "more boots than can have an offset"},
      {"own_boot", "\"boot\":\"b", "\"boot\":\"", "\"boot\" is not 32 digits of lower-case hex"},
      {"own_boot", "\"up\":61250000", "\"up\":-1", "up for less than no time, or for ever"},
      {"own_boot", "\"up\":61250000", "\"up\":\"31536000000000001\"",
       "up for less than no time, or for ever"},
      {"arrival", "\"alive\":600", "\"alive\":-1", "alive for less than no time"},
      {"arrival", "\"first\":5", "\"first\":0", "an arrival out of bounds"},
      {"block", "\"number\":6", "\"number\":\"9223372036854775808\"", "an arrival out of bounds"},
      {"block", "\"number\":6", "\"number\":4", "it stands twice, or not in its order"},
      {"block", "\"codec\":0", "\"codec\":1", "codec"},
      {"block", "\"codec\":0", "\"codec\":256", "\"codec\" is no number from 0 to 255"},
      {"block", "\"first\":14", "\"first\":15", "is not known to be held"},
      {"block", "\"events\":3", "\"events\":2", "dots 14 to 15"},
      {"block", "\"events\":3", "\"events\":0", "a block without events"},
      {"block", "\"from\":1594598400000", "\"from\":1594598400001", "dots 14 to 16"},
      {"block", "\"from\":1594598400000", "\"from\":null", "one of \"from\" and \"to\" is null"},
      {"block", "\"bytes\":\"", "\"bytes\":\"AAAA", "dots 14 to 16"},
      {"block", "\"bytes\":\"", "\"bytes\":\"*", "\"bytes\" is not base64"},
      {"end", "\"blocks\":3", "\"blocks\":2", "\"blocks\" is not what stands above: 3"},
      {"end", "\"events\":9", "\"events\":7", "\"events\" is not what stands above: 9"},
      {"end", "\"entries\":4", "\"entries\":2", "\"entries\" is not what stands above: 4"},
  };
  const auto lines = lines_of(golden());
  for (const Change& change : changes) {
    CAPTURE(change.kind, change.from, change.to);
    auto changed = lines;
    const std::size_t at = line_of_kind(lines, change.kind);
    changed[at] = with(changed[at], change.from, change.to);
    const std::string why = refusal(sealed(changed));
    CHECK_THAT(why, Contains(change.expected));
    CHECK_THAT(why, Catch::StartsWith("text line "));
  }
}

TEST_CASE("the reason names the very line", "[export][refusal]") {
  auto lines = lines_of(golden());
  const std::size_t at = line_of_kind(lines, "block");
  lines[at] = with(lines[at], "\"codec\":0", "\"codec\":300");
  CHECK_THAT(refusal(sealed(lines)), Catch::StartsWith("text line " + std::to_string(at + 1) + ": "));
}

TEST_CASE("no line may stand twice, be missing where others need it, or change places", "[export][refusal]") {
  const auto lines = lines_of(golden());
  for (std::size_t at = 0; at + 1 < lines.size(); ++at) {
    CAPTURE(lines[at]);
    auto twice = lines;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(at), lines[at]);
    CHECK_FALSE(refusal(sealed(twice)).empty());
    auto swapped = lines;
    if (at + 2 < lines.size()) std::swap(swapped[at], swapped[at + 1]);
    // Lives are in the order in which the text has them.
    if (swapped != lines && !lines[at + 1].starts_with(R"({"record":"incarnation")")) {
      CHECK_FALSE(refusal(sealed(swapped)).empty());
    }
  }
  for (const char* kind : {"header", "store", "stream", "knowledge", "entry", "collected", "block"}) {
    CAPTURE(kind);
    auto without = lines;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(line_of_kind(lines, kind)));
    CHECK_FALSE(refusal(sealed(without)).empty());
  }
}

TEST_CASE("a block that overlaps another, or held dots without one, are refused", "[export][refusal]") {
  auto lines = lines_of(golden());
  const std::size_t first = line_of_kind(lines, "block"), second = line_of_kind(lines, "block", first + 1);
  auto overlapping = lines;
  overlapping[second] = with(lines[first], "\"number\":6", "\"number\":7");
  CHECK_THAT(refusal(sealed(overlapping)), Contains("dots 14 to 16 overlaps another"));

  // Only once all is there can it be told that something is not.
  auto lacking = lines;
  lacking.erase(lacking.begin() + static_cast<std::ptrdiff_t>(second));
  lacking.back() = with(with(lacking.back(), "\"blocks\":3", "\"blocks\":2"), "\"events\":9", "\"events\":6");
  CHECK_THAT(refusal(sealed(lacking)),
             Contains("known to be held, and not there") && Contains("dots 11 to 13"));
}

// What a block says of its times is in its bytes, too.
TEST_CASE("a block with other boots than its events have is refused", "[export][refusal]") {
  struct Row {
    const char *from, *to, *expected;
  };
  const auto [from, to, expected] = GENERATE(values<Row>({
      {"\"first\":4,", "\"first\":3,", "dots 11 to 13"},
      {"\"last\":4,", "\"last\":5,", "dots 11 to 13"},
      {"\"last\":4,", "\"last\":3,", "a block of boots that are none"},
      {"{\"first\":4,\"last\":4,", "{\"first\":0,\"last\":0,", "a block of boots that are none"},
      {"\"from\":1594598400000", "\"from\":1594598400001", "dots 11 to 13"},
      {"\"to\":1594598520000", "\"to\":1594598520001", "dots 11 to 13"},
      {"\"to\":1594598520000", "\"to\":0", "a block of boots that are none"},
      {"\"to\":1594598520000", "\"to\":1594598520000,\"more\":1",
       "in \"boots\": it has a field that is not known"},
      {"\"first\":4,\"last\":4", "\"first\":4", "\"last\" is missing"},
      {"\"last\":4,", "\"last\":4294967296,", "\"last\" is no number from 0 to 4294967295"},
      {"\"boots\":{\"first\":4,\"last\":4,\"from\":1594598400000,\"to\":1594598520000},", "",
       "dots 11 to 13"},
      {"\"boots\":{\"first\":4,\"last\":4,\"from\":1594598400000,\"to\":1594598520000}", "\"boots\":null",
       "\"boots\" is no object"},
  }));
  CAPTURE(from, to);
  auto lines = lines_of(golden());
  const std::size_t at = line_of_kind(lines, "block", line_of_kind(lines, "block") + 1);
  lines[at] = with(lines[at], from, to);
  CHECK_THAT(refusal(sealed(lines)), Contains(expected));
}

TEST_CASE("more boots of the machine than a node could keep are refused", "[export][refusal]") {
  auto lines = lines_of(golden());
  const std::size_t at = line_of_kind(lines, "own_boot");
  std::vector<std::string> many;
  for (std::size_t i = 1; i <= 4 * limits::kOwnBootsMax; ++i)
    many.push_back(with(lines[at], "\"place\":7", "\"place\":" + std::to_string(100 + i)));
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at + 2), many.begin(), many.end());
  const std::string why = refusal(sealed(lines));
  CHECK_THAT(why, Contains("more than 16384 boots of this machine"));
}

TEST_CASE("lines and lists that are too long are refused before they are taken apart", "[export][refusal]") {
  auto lines = lines_of(golden());
  const std::size_t at = line_of_kind(lines, "surfaced");
  auto longer = lines;
  longer[at] = with(lines[at], "back again", std::string(5u << 20, 'x'));
  CHECK_THAT(refusal(sealed(longer)), Contains("longer than 4194304 bytes"));
  std::string runs = "[[1,4]";
  for (Seq seq = 10; seq < 10 + 2 * limits::kIntervalsMax; seq += 2)
    runs += ",[" + std::to_string(seq) + "," + std::to_string(seq) + "]";
  auto many = lines;
  const std::size_t map = line_of_kind(lines, "knowledge", line_of_kind(lines, "knowledge") + 1);
  many[map] = with(with(lines[map], "[[1,4]]", runs + "]"), "\"head\":4", "\"head\":100000");
  CHECK_THAT(refusal(sealed(many)), Contains("\"held\" has more than 16384 runs"));
  auto deep = lines;
  deep[at] = std::string(100'000, '[');
  CHECK_THAT(refusal(sealed(deep)), Contains("the line is refused: nested deeper than"));
}

// Whatever someone makes up, there is either no store or a sound one, of which the same text comes out.
TEST_CASE("made-up lines with right sums give a refusal or a sound store", "[export][refusal]") {
  const auto lines = lines_of(golden());
  const char* const pieces[] = {
      "0",  "1",    "18446744073709551615",    "\"\"",    "null",     "[]",  "{}",
      "-1", "true", "\"9223372036854775807\"", "[[1,1]]", "\"AAAA\"", "1e3", "\"limit\""};
  Random random(7);
  int made = 0;
  for (int turn = 0; turn < 400; ++turn) {
    auto changed = lines;
    for (std::uint64_t i = random.between(1, 2); i > 0; --i) {
      std::string& line = changed[random.below(changed.size() - 1)];
      // A value in the place of another.
      const std::size_t colon = line.find(':', random.below(line.size()));
      if (colon == std::string::npos) continue;
      const std::size_t end = std::min(line.find_first_of(",}", colon), line.size());
      line.replace(colon + 1, end - colon - 1, pieces[random.below(std::size(pieces))]);
    }
    const TempFolder folder;
    const std::string path = folder.file("store");
    const std::string text = sealed(changed);
    CAPTURE(text);
    if (!import_text(text, path)) {
      CHECK(std::filesystem::is_empty(folder.path()));
      continue;
    }
    ++made;
    CHECK(refusal_of_text(exported(path)).empty());
    open_store_at(path);
  }
  CHECK(made > 0);
}

}  // namespace
}  // namespace deltamesh::testing
