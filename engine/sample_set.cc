// engine/sample_set.cc - gathers, drops copies, and cuts at the limits.
#include "engine/sample_set.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "engine/iso_time.h"
#include "engine/limits.h"

namespace deltamesh {
namespace {

Ticks minus(Ticks t, Ticks d) {
  return t < std::numeric_limits<Ticks>::min() + d ? std::numeric_limits<Ticks>::min() : t - d;
}
Ticks plus(Ticks t, Ticks d) {
  return t > std::numeric_limits<Ticks>::max() - d ? std::numeric_limits<Ticks>::max() : t + d;
}

std::size_t text_bytes(const Sample& sample) {
  if (const auto* const text = std::get_if<std::string>(&sample.value)) return text->size();
  if (const auto* const bytes = std::get_if<Bytes>(&sample.value)) return bytes->size();
  return 0;
}

// Whether `a` stands for one message at its source rather than `b`.
bool better_copy(const Sample& a, const Sample& b) {
  return std::tie(a.quality, a.time, a.dot) < std::tie(b.quality, b.time, b.dot);
}

// Samples of one time stay together: those of the first time left out go too, unless nothing else is there.
void cut_at(SampleAnswer& answer, Ticks next) {
  answer.more = true;
  answer.next = next;
  if (answer.samples.empty() || answer.samples.front().time == next) return;
  while (answer.samples.back().time == next) answer.samples.pop_back();
}

}  // namespace

Ticks source_window(Resolution resolution) {
  return std::chrono::seconds(kSourceWindow).count() * ticks_per_second(resolution);
}

bool sample_before(const Sample& a, const Sample& b) {
  if (a.time != b.time) return a.time < b.time;
  if (!same_value(a.value, b.value)) return value_less(a.value, b.value);
  return std::tie(a.quality, a.dot) < std::tie(b.quality, b.dot);
}

bool AnswerSize::take(const Sample& sample) {
  text_bytes_ += text_bytes(sample);
  return ++count_ <= limit_ && (count_ == 1 || text_bytes_ <= text_bytes_max_);
}

bool same_sample(const Sample& a, const Sample& b) {
  return a.time == b.time && same_value(a.value, b.value);
}

void place(Sample& sample, const BootOffsets& offsets) {
  const BootOffset* const offset = offsets.find(sample.boot);
  const auto time = offset == nullptr ? std::nullopt : placed(*offset, sample.time);
  if (!time) return;
  sample.time = *time;
  sample.boot = 0;
  sample.quality = std::max(sample.quality, offset->quality);
}

Result<BlockSamples> BlockSamples::open(const StoredBlock& block, const BootOffsets& offsets) {
  auto times = block_times(*block.bytes, limits::kBlock);
  if (!times.ok()) return times.error();
  return BlockSamples(block, *std::move(times), offsets);
}

Sample BlockSamples::sample(const SeriesColumn& column, std::size_t i) const {
  const std::uint32_t event = column.events[i];
  Sample out;
  out.time = times_.times[event];
  out.value = std::visit([&](const auto& values) { return Value(values[i]); }, column.values);
  out.quality = times_.qualities[event];
  if (!times_.sources.empty()) out.source = times_.sources[event];
  out.dot = {block_->stream, block_->first + event};
  out.boot = times_.boots[event];
  if (out.boot != 0) place(out, *offsets_);
  return out;
}

SampleSet::SampleSet(const SampleQuery& query, const SeriesRules* rules)
    : range_(query.range),
      rules_(rules),
      window_(source_window(query.resolution)),
      limit_(query.limit),
      text_bytes_max_(query.text_bytes_max),
      prune_at_size_(2 * query.limit + 4096),
      prune_at_bytes_(2 * query.text_bytes_max) {}

TimeRange SampleSet::reach() const {
  return {minus(range_.from, window_), plus(range_.to, window_)};
}

Status SampleSet::add(const StoredBlock& block, SeriesNo series, const BootOffsets& offsets) {
  const TimeRange wide = reach();
  if (!may_hold(block, offsets, wide.from, wide.to) || !latest_in(block, offsets)) return Done{};
  const auto samples = BlockSamples::open(block, offsets);
  if (!samples.ok()) return samples.error();
  return samples->each(series, BlockSamples::Which::kPlaced,
                       [this](Sample sample) { insert(std::move(sample)); });
}

// Beyond the edges only what may be a copy of something within.
bool SampleSet::wants(const Sample& sample) const {
  if (in_range(sample.time)) return true;
  const TimeRange wide = reach();
  return sample.source && sample.time >= wide.from && sample.time <= wide.to;
}

void SampleSet::insert(Sample sample) {
  if (!wants(sample) || is_hidden(rules_, sample)) return;
  text_bytes_ += text_bytes(sample);
  samples_.push_back(std::move(sample));
  if (samples_.size() > prune_at_size_ || text_bytes_ > prune_at_bytes_) prune();
}

void SampleSet::sort_unique() {
  std::sort(samples_.begin(), samples_.end(), sample_before);
  samples_.erase(std::unique(samples_.begin(), samples_.end(), same_sample), samples_.end());
}

// Of samples that carry one message's (session, counter) within the window, all but the best are copies.
std::vector<bool> SampleSet::copies() const {
  struct Message {
    Ticks begin;
    std::size_t best;
  };
  std::map<Source, Message> open;
  std::vector<bool> copies(samples_.size());
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const Sample& sample = samples_[i];
    if (!sample.source) continue;
    const auto [it, first] = open.try_emplace(*sample.source, Message{sample.time, i});
    if (first) continue;
    Message& message = it->second;
    if (sample.time > plus(message.begin, window_)) {
      message = {sample.time, i};
      continue;
    }
    const bool better = better_copy(sample, samples_[message.best]);
    copies[better ? std::exchange(message.best, i) : i] = true;
  }
  return copies;
}

// Brings the end of the range down to the first sample that the answer has no room for. The next look comes
// when the set has doubled, so that all looks together cost no more than a few.
void SampleSet::prune() {
  sort_unique();
  const std::vector<bool> drop = copies();
  AnswerSize size(limit_, text_bytes_max_);
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    if (drop[i] || !in_range(samples_[i].time) || size.take(samples_[i])) continue;
    cut_ = true;
    range_.to = samples_[i].time;
    break;
  }
  std::erase_if(samples_, [this](const Sample& sample) { return !wants(sample); });
  text_bytes_ = 0;
  for (const Sample& sample : samples_) text_bytes_ += text_bytes(sample);
  prune_at_size_ = std::max(prune_at_size_, 2 * samples_.size());
  prune_at_bytes_ = std::max(prune_at_bytes_, 2 * text_bytes_);
}

SampleAnswer SampleSet::take() {
  sort_unique();
  const std::vector<bool> drop = copies();
  SampleAnswer answer;
  AnswerSize size(limit_, text_bytes_max_);
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    if (drop[i] || !in_range(samples_[i].time)) continue;
    if (!size.take(samples_[i])) {
      cut_at(answer, samples_[i].time);
      return answer;
    }
    answer.samples.push_back(std::move(samples_[i]));
  }
  answer.more = cut_;  // All up to the new end fit after all: better copies of some lie outside.
  answer.next = cut_ ? plus(range_.to, 1) : 0;
  return answer;
}

}  // namespace deltamesh
