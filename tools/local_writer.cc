// tools/local_writer.cc - hands batches to the store and its answers to the node.
#include "tools/local_writer.h"

namespace deltamesh {

SqliteOptions store_options(const Settings& settings, std::function<void(std::string)> log) {
  SqliteOptions options;
  options.path = settings.store;
  options.cache_kib = static_cast<std::uint32_t>(settings.cache_bytes >> 10);
  options.log = std::move(log);
  if (settings.size_max > 0) bound_size(options, settings.size_max);
  return options;
}

Result<std::unique_ptr<LocalWriter>> LocalWriter::open(const Settings& settings,
                                                       std::function<void(std::string)> log) {
  std::unique_ptr<LocalWriter> writer(new LocalWriter);
  auto store = SqliteStore::open(store_options(settings, std::move(log)));
  if (!store) return store.error();
  writer->store_ = *std::move(store);
  if (const auto started = writer->start(settings.node); !started) return started.error();
  return writer;
}

Status LocalWriter::start(NodeConfig config) {
  auto reader = store_->make_reader();
  if (!reader) return reader.error();
  reader_ = *std::move(reader);
  auto image = reader_->image();
  if (!image) return image.error();
  config.commit_interval = limits::kCommitIntervalMax;  // Commits follow size alone, and blocks get large.
  node_ = std::make_unique<Node>(std::move(config), *std::move(image), *reader_);
  carry_out();
  return Done{};
}

// Readers go first: the last connection to close takes the log's files away.
LocalWriter::~LocalWriter() {
  reader_.reset();
  if (store_) store_->close();
}

Status LocalWriter::write(DatasetId dataset, std::span<const NamedEvent> events) {
  while (true) {
    const auto written = node_->write(dataset, events, clock_.now());
    carry_out();
    hear(false);
    if (written) return Done{};
    if (written.error().code != ErrorCode::kFull || in_flight_ == 0) return written.error();
    hear(true);
  }
}

Status LocalWriter::finish() {
  node_->flush(clock_.now());
  carry_out();
  while (in_flight_ > 0) hear(true);
  return outcome_;
}

void LocalWriter::carry_out() {
  Effects effects = node_->take_effects();
  for (Batch& batch : effects.persist) {
    ++in_flight_;
    store_->commit(std::move(batch), [inbox = inbox_](BatchId id, Status status) {
      const std::lock_guard lock(inbox->mutex);
      inbox->answers.push_back({id, std::move(status)});
      inbox->arrived.notify_one();
    });
  }
}

void LocalWriter::hear(bool patiently) {
  std::unique_lock lock(inbox_->mutex);
  if (patiently) inbox_->arrived.wait(lock, [this] { return !inbox_->answers.empty(); });
  const auto answers = std::exchange(inbox_->answers, {});
  lock.unlock();
  for (const auto& [batch, status] : answers) {
    --in_flight_;
    if (!status.ok() && outcome_.ok()) outcome_ = status;
    status ? node_->durable(batch, clock_.now()) : node_->failed(batch, status.error(), clock_.now());
    carry_out();
  }
}

}  // namespace deltamesh
