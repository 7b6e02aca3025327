CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  node BLOB NOT NULL,
  incarnation BLOB NOT NULL,
  opens INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  obeyed BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE incarnations (
  number INTEGER PRIMARY KEY,
  incarnation BLOB NOT NULL UNIQUE,
  reason TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  dataset INTEGER NOT NULL,
  class INTEGER NOT NULL,
  node BLOB NOT NULL,
  incarnation BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  UNIQUE (dataset, class, node, incarnation)
) STRICT;
CREATE TABLE knowledge (
  stream INTEGER PRIMARY KEY REFERENCES streams,
  head INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  held BLOB NOT NULL,
  dropped BLOB NOT NULL,
  voided BLOB NOT NULL,
  lost BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE series (
  stream INTEGER NOT NULL REFERENCES streams,
  number INTEGER NOT NULL,
  dataset INTEGER NOT NULL,
  name TEXT NOT NULL,
  unit TEXT NOT NULL,
  type INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (stream, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX series_by_name ON series (dataset, name);
CREATE TABLE blocks (
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL REFERENCES streams,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  codec INTEGER NOT NULL,
  quality INTEGER NOT NULL,
  time_min INTEGER,
  time_max INTEGER,
  boot_min INTEGER,
  boot_max INTEGER,
  ticks_min INTEGER,
  ticks_max INTEGER,
  checksum INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blocks_by_dot ON blocks (stream, first, last, time_min, time_max, boot_min);
CREATE INDEX blocks_by_boot ON blocks
  (stream, first, time_min, time_max, boot_min, boot_max, ticks_min, ticks_max) WHERE boot_min IS NOT NULL;
CREATE TABLE arrivals (
  first INTEGER PRIMARY KEY,
  alive INTEGER NOT NULL,
  wall INTEGER,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE map_entries (
  id INTEGER PRIMARY KEY,
  dataset INTEGER NOT NULL,
  key BLOB NOT NULL,
  place INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  stream INTEGER NOT NULL REFERENCES streams,
  seq INTEGER NOT NULL,
  tombstone INTEGER NOT NULL,
  untrusted INTEGER NOT NULL,
  past BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (dataset, key, place)
) STRICT;
CREATE INDEX map_conflicts ON map_entries (dataset, key, place) WHERE place > 0;
CREATE TABLE map_floors (
  dataset INTEGER PRIMARY KEY,
  floor BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE surfaced (
  id INTEGER PRIMARY KEY,
  dataset INTEGER NOT NULL,
  key BLOB NOT NULL,
  stream INTEGER NOT NULL REFERENCES streams,
  seq INTEGER NOT NULL,
  entry BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  UNIQUE (dataset, key, stream, seq)
) STRICT;
CREATE TABLE boots (
  stream INTEGER NOT NULL REFERENCES streams,
  boot INTEGER NOT NULL,
  ticks INTEGER NOT NULL,
  quality INTEGER NOT NULL,
  writer INTEGER NOT NULL REFERENCES streams,
  seq INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (stream, boot)
) STRICT, WITHOUT ROWID;
CREATE TABLE own_boots (
  place INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL REFERENCES streams,
  number INTEGER NOT NULL,
  boot BLOB NOT NULL,
  up INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE tier_acks (
  acker BLOB NOT NULL,
  acker_incarnation BLOB NOT NULL,
  stream INTEGER NOT NULL REFERENCES streams,
  dots BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (stream, acker, acker_incarnation)
) STRICT, WITHOUT ROWID;
CREATE TABLE ended_ackers (
  acker BLOB NOT NULL,
  acker_incarnation BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (acker, acker_incarnation)
) STRICT, WITHOUT ROWID;
