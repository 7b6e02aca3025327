# engine/protocol.capnp - the control part of each frame, packed; docs/protocol.md says what the fields mean.
#
# Long lists are not here: a count stands in the control part and the items in the raw part behind it
# (engine/raw_part.h); of the frames that are said most, all is there. Fields are only ever added, at the end
# and with a default that keeps the old meaning.
@0xfaa143abb7ea4c8d;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("deltamesh::wire");

struct Hello {
  versionMin @0 :UInt16;
  versionMax @1 :UInt16;
  credit @2 :UInt32;
  fleet @3 :Data;        # 16 bytes, as are the next two.
  node @4 :Data;
  incarnation @5 :Data;
  software @6 :Text;
  codecs @7 :Data;       # One byte each.
  datasets @8 :List(Dataset);
  own @9 :List(OwnStream);
  resumeToken @10 :Data; # 16 bytes each.
  knowledge @11 :Data;   # 16 bytes or none.
  quiet @12 :Bool;
  rules @13 :Data;       # 16 bytes or none.
}

struct Dataset {
  kind @0 :UInt8;
  resolution @1 :UInt8;
  streamClass @2 :UInt8;
  scope @3 :UInt8;
  name @4 :Text;
}

# The node is the one of the Hello.
struct OwnStream {
  dataset @0 :UInt64;
  head @1 :UInt64;
  streamClass @2 :UInt8;
  incarnation @3 :Data;        # None: the one of the Hello.
  lastCell @4 :Data;  # Fingerprint of the events in the aligned 1,024 that the head lies in, high first; or none.
}

# Raw: the entries.
struct Frontier {
  entries @0 :UInt32;
  last @1 :Bool;
  base @2 :Data;  # 16 bytes or none.
  given @3 :UInt16;  # Of so many entries it stands behind them all what was given up.
  pasts @4 :UInt8;   # So many sums stand behind that.
  remembers @5 :Bool;  # A digest of 16 bytes stands at the end.
}

# Raw: all of it. Most deltas of a live stream are one small event, and packed fields would weigh as much.
struct Delta {}

# Raw: all of it, for the same reason.
struct MapDelta {}

# Raw: all of it, too.
struct Ack {}

# Raw: the stream's id, the numbers.
struct SeriesWanted {
  numbers @0 :UInt32;
}

# Raw: the stream's id, the declarations.
struct SeriesGiven {
  declarations @0 :UInt32;
}

# Raw: the stream, the settled number, the ranges.
struct RangeQuestion {
  number @0 :UInt32;
  ranges @1 :UInt16;
  rules @2 :Data;  # 16 bytes or none.
}

# Raw: the stream's index, the settled number, the parts.
struct RangeAnswer {
  number @0 :UInt32;
  parts @1 :UInt16;
  otherRules @2 :Bool;
}

# Raw: the dataset, the ranges.
struct MapQuestion {
  number @0 :UInt32;
  ranges @1 :UInt16;
  knowledge @2 :Data;  # 16 bytes or none.
  after @3 :Data;      # 41 bytes or none.
}

# Raw: the dataset, what is known, the streams, the parts.
struct MapAnswer {
  number @0 :UInt32;
  kind @1 :UInt8;
  knowing @2 :UInt8;
  known @3 :UInt16;
  streams @4 :UInt16;
  parts @5 :UInt16;
}

# Raw: the dataset, the floor.
struct MapFloor {}

# Raw: the time.
struct ClockAhead {}

# Raw: all of it.
struct TierAck {}

struct Ping {}
struct Pong {}

struct Goodbye {
  code @0 :UInt16;
  text @1 :Text;
}
