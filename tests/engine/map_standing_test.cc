// tests/engine/map_standing_test.cc - what two sides may say of a map, and that both come to the same.
#include "engine/map_standing.h"

#include <catch2/catch.hpp>

#include "tests/crdt/generators.h"

using namespace deltamesh;

namespace {

struct Side {
  std::vector<Seq> forgotten;  // Of one stream, as the next.
  std::vector<Seq> held;
  bool rejoining = false;
};

struct Party {
  explicit Party(const Side& side) {
    for (const Seq seq : side.forgotten) floor.collected.hold({test_stream(1), seq});
    for (const Seq seq : side.held) knows.hold({test_stream(1), seq});
    floor.rejoining = side.rejoining;
  }
  operator MapParty() const { return {floor, knows}; }
  MapFloor floor;
  Knowledge knows;
};

// What the other side comes to.
MapStanding seen_from_there(MapStanding ours) {
  switch (ours) {
    case MapStanding::kGives: return MapStanding::kTakes;
    case MapStanding::kTakes: return MapStanding::kGives;
    default: return ours;
  }
}

}  // namespace

TEST_CASE("who may say what of a map follows from floors and from what is held", "[engine][floor]") {
  using enum MapStanding;
  struct Row {
    const char* what;
    Side ours, theirs;
    MapStanding stands;
  };
  const auto row = GENERATE(values<Row>({
      {"nothing is forgotten", {{}, {1}}, {{}, {2}}, kFlows},
      {"both know what is forgotten", {{1}, {1, 2}}, {{1, 2}, {1, 2, 3}}, kFlows},
      {"they lack nothing that we have forgotten", {{1}, {1}}, {{}, {1, 5}}, kFlows},
      {"we lack some", {{}, {1}}, {{2}, {1, 2}}, kForgets},
      {"we are new", {{}, {}}, {{2}, {1, 2}}, kTakes},
      {"we are in the middle of it", {{2}, {1}, true}, {{2}, {1, 2}}, kTakes},
      {"it may go on from who has not forgotten it yet", {{2}, {1}, true}, {{}, {1, 2}}, kTakes},
      {"they do not know what we must get past", {{2}, {1}, true}, {{}, {1}}, kApart},
      {"they have forgotten more meanwhile", {{2}, {1}, true}, {{2, 3}, {1, 2, 3}}, kForgets},
      {"they have, and we know it", {{2}, {1, 3}, true}, {{3}, {1, 2, 3}}, kTakes},
      {"both are in the middle of it", {{2}, {1}, true}, {{2}, {1}, true}, kApart},
      {"we are new, and they are in the middle of it", {{}, {}}, {{2}, {1}, true}, kApart},
  }));
  CAPTURE(row.what);
  const Party ours(row.ours), theirs(row.theirs);
  CHECK(standing(ours, theirs, false) == row.stands);
  const MapStanding there = standing(theirs, ours, true);
  const bool waits = row.stands == kForgets && there == kApart;
  CHECK((waits || there == seen_from_there(row.stands)));
}

TEST_CASE("if neither knows what the other has forgotten, one of them takes the map anew",
          "[engine][floor]") {
  const Party ours({{1}, {1}}), theirs({{2}, {2}});
  CHECK(standing(ours, theirs, true) == MapStanding::kApart);
  CHECK(standing(theirs, ours, false) == MapStanding::kForgets);
}
