// engine/sqlite/store_maker.h - a new store of rows that are given one by one, as another store had them.
//
// Nothing is joined and nothing decided: what comes in is what will be there. So all of it is looked at
// first, alone and beside what came before.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/sqlite/batch_writer.h"
#include "engine/sqlite/check.h"
#include "engine/sqlite/store_rows.h"

namespace deltamesh::sqlite {

class StoreMaker {
 public:
  // At `path` there is no database.
  explicit StoreMaker(std::string path) : path_(std::move(path)) {}
  StoreMaker(const StoreMaker&) = delete;
  StoreMaker& operator=(const StoreMaker&) = delete;

  // Rows come in the order of RowPlace and are about streams that came before; the first is the Meta. Refuses
  // what check_row() does, blocks that do not decode, that overlap or are not known to be held, and writes of
  // a key in another order than theirs. After an error there is nothing to go on with.
  Status put(const StoreRow& row);
  // All of it is in the file, which is closed and not yet synced.
  Status finish();

 private:
  Status begin(const Meta& meta);
  Status put_behind(const StoreRow& row);
  Status put_stream(const StreamId& stream);
  Status put_knowledge(const Knowledge::Entry& entry);
  Status put_series(const StreamSeries& series);
  Status put_entry(const PlacedEntry& entry);
  Status put_own_boot(const OwnBoot& boot);
  Status put_block(const NumberedBlock& numbered);
  Status commit();
  Result<BatchWriter*> writer();

  std::string path_;
  std::unique_ptr<Database> database_;
  std::optional<BatchWriter> writer_;  // Once all streams are there.
  RowPlace last_;
  std::size_t streams_ = 0;
  std::size_t own_boots_ = 0;
  Knowledge known_;
  std::map<StreamId, IntervalSet> there_;  // Dots of blocks.
  MapEntry above_;                         // The entry that came last,
  std::uint32_t place_above_ = 0;          // and its place.
  std::size_t open_bytes_ = 0;             // Since the last commit.
};

// Makes a store at `path`, where there must be none nor anything of one, of the rows that `fill` puts;
// whatever happens, it is there whole, checked (check.h) and on the disk, or not at all (if its folder cannot
// be synced, it is there and that is an error). Whoever opens it begins a new incarnation: what memory
// (`memory_folder`: SqliteOptions) says of a store that was there before is forgotten. Returns what the check
// has read. Needs as much room as the store takes, and some more for its log.
Result<CheckReport> make_store(const std::string& path, const std::optional<std::string>& memory_folder,
                               const std::function<Status(StoreMaker&)>& fill);

}  // namespace deltamesh::sqlite
