// tests/sqlite/emptied_store.h - stores that retention has made mostly free pages, and all their rows.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/engine/diff_fixture.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {

// Event `seq` of the store's own stream, as a block of somewhat more than `bytes` that decodes.
inline Batch large_event(const Identity& identity, Seq seq, std::size_t bytes) {
  Random random(seq);
  Event event;
  event.time = static_cast<Ticks>(seq);
  constexpr std::size_t kPiece = 12'000;
  for (std::size_t done = 0; done < bytes; done += kPiece) {
    const Bytes piece = random_bytes(random, std::min(kPiece, bytes - done));
    event.readings.push_back({static_cast<SeriesNo>(event.readings.size() + 1), piece});
  }
  Batch batch;
  batch.id = BatchId{seq};
  const StreamId stream{DatasetId{7}, StreamClass::kMetric, identity.node, identity.incarnation};
  batch.blocks.push_back(testing::block_of(stream, seq, std::span(&event, 1)));
  return batch;
}

inline StreamId own_stream_of(const Identity& identity) {
  return {DatasetId{7}, StreamClass::kMetric, identity.node, identity.incarnation};
}

struct Emptied {
  Seq events = 60;  // Were there,
  Seq kept = 4;     // and these last ones still are; beside a telemetry stream and a map of another node.
  std::size_t bytes = 96'000;
};

inline Batch give_up(const StreamId& stream, Interval dots) {
  Batch batch;
  batch.id = BatchId{10'000};
  batch.given_up.push_back({stream, dots, false});
  return batch;
}

// Each batch by itself, so that it does not depend on the machine how large the file becomes. The store stays
// open.
inline void fill_and_empty(SqliteStore& store, const Emptied& plan) {
  REQUIRE(commit_to(store, testing::some_contents(200, 50)));
  for (Seq seq = 1; seq <= plan.events; ++seq)
    REQUIRE(commit_to(store, large_event(store.identity(), seq, plan.bytes)));
  REQUIRE(commit_to(store, give_up(own_stream_of(store.identity()), {1, plan.events - plan.kept})));
}

inline std::uint64_t size_of(const std::string& path) {
  return std::filesystem::file_size(path);
}

inline bool exists(const std::string& path) {
  return std::filesystem::exists(path);
}

// The answers to `sql`, a line a row.
inline std::string ask_raw(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  sqlite3_stmt* query = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_prepare_v2(database, sql.c_str(), -1, &query, nullptr) == SQLITE_OK);
  std::string answers;
  while (sqlite3_step(query) == SQLITE_ROW) {
    for (int column = 0; column < sqlite3_column_count(query); ++column) {
      const void* bytes = sqlite3_column_blob(query, column);
      answers += std::to_string(sqlite3_column_type(query, column)) + ':';
      answers.append(static_cast<const char*>(bytes != nullptr ? bytes : ""),
                     static_cast<std::size_t>(sqlite3_column_bytes(query, column)));
      answers += '|';
    }
    answers += '\n';
  }
  sqlite3_finalize(query);
  sqlite3_close(database);
  return answers;
}

inline std::vector<std::string> tables_of(const std::string& path) {
  const std::string names =
      ask_raw(path, "SELECT group_concat(name, ' ') FROM sqlite_schema WHERE type = 'table'");
  std::vector<std::string> tables;
  std::string rest = names.substr(2, names.size() - 4) + ' ';
  for (std::size_t end = rest.find(' '); end != std::string::npos; end = rest.find(' ')) {
    tables.push_back(rest.substr(0, end));
    rest.erase(0, end + 1);
  }
  return tables;
}

// Every row of every table but meta, where each opening counts itself.
inline std::string all_rows(const std::string& path) {
  std::string rows;
  for (const std::string& table : tables_of(path))
    rows += table == "meta" ? std::string() : table + '\n' + ask_raw(path, "SELECT * FROM " + table);
  return rows;
}

}  // namespace deltamesh
