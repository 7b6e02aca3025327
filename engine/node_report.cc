// engine/node_report.cc - what a peer is told of what became durable here, and of what is wanted from it:
// when, and in how many frames.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

// Moves the first runs out of `dots`, so many as a frame may hold.
IntervalSet take_runs(IntervalSet& dots, std::size_t runs_max) {
  if (dots.intervals().size() <= runs_max) return std::exchange(dots, {});
  IntervalSet taken;
  for (std::size_t i = 0; i < runs_max; ++i) taken.add(dots.intervals()[i]);
  dots = dots.minus(taken);
  return taken;
}

std::uint32_t index_of(const message::Ack::Stream& stream) {
  return stream.index;
}
std::uint32_t index_of(const message::Ack::Have& have) {
  return have.ref.index;
}
std::uint32_t index_of(std::uint32_t index) {
  return index;
}

// Neighbours in a table are told in fewer bytes (engine/raw_live.cc).
template <class Item>
std::vector<Item> by_index(std::vector<Item> items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return index_of(a) < index_of(b); });
  return items;
}

void move_news(News::Dots& from, News::Dots& to) {
  for (auto& [ix, dots] : std::exchange(from, {})) to[ix].join(dots);
}

// One acknowledgement in as many frames as it takes.
template <class Send>
class Pages {
 public:
  Pages(message::Ack head, Send send) : ack_(std::move(head)), send_(std::move(send)) {}

  // Where one more item goes, with so many intervals.
  message::Ack& room_for(const IntervalSet& dots) {
    intervals_ += dots.intervals().size();
    if (++items_ <= limits::kStreamsPerFrame && intervals_ <= limits::kIntervalsMax) return ack_;
    send_(std::exchange(ack_, {}));
    items_ = 1;
    intervals_ = dots.intervals().size();
    return ack_;
  }
  void finish() {
    if (ack_ != message::Ack{}) send_(ack_);
  }

 private:
  message::Ack ack_;
  Send send_;
  std::size_t items_ = 0, intervals_ = 0;
};

}  // namespace

// Says what has become durable since the last Ack.
void Node::send_acks(Session& session, Instant now) {
  const bool news = news_are_due(session, now);
  if (!must_report(session) && !report_is_due(session, now) && !news) return;
  Pages pages(head_of_report(session), [&](const message::Ack& ack) { send(session, ack); });
  if (news) {
    for (auto& have : take_haves_due(session)) pages.room_for(have.dots).haves.push_back(have);
  }
  for (auto& stream : take_subscribed_due(session)) pages.room_for(stream.dots).subscribed.push_back(stream);
  for (const std::uint32_t index : take_unsubscribed_due(session))
    pages.room_for({}).unsubscribed.push_back(index);
  pages.finish();
}

// Credit, and what became durable; so many map deltas that they fill frames go ahead.
message::Ack Node::head_of_report(Session& session) {
  session.report_now = false;
  reporting_.erase(session.peer);
  message::Ack ack;
  ack.leads = std::exchange(session.leads_due, false);
  ack.deltas = std::exchange(session.deltas_due, 0);
  ack.credit = overfull() ? 0 : take_credit(session);
  for (const std::uint32_t delta : std::exchange(session.map_acks_due, {})) {
    ack.map_deltas.push_back(delta);
    if (ack.map_deltas.size() == limits::kMapDeltasPerAck) send(session, std::exchange(ack, {}));
  }
  return ack;
}

// What the peer has told us itself by now, it need not hear.
std::vector<message::Ack::Have> Node::take_haves_due(Session& session) {
  std::vector<message::Ack::Have> haves;
  for (const auto& [ix, dots] : std::exchange(session.news.due, {})) {
    IntervalSet news = dots.minus(session.at(ix).remote);
    while (!news.empty()) haves.push_back({refer(session, ix), take_runs(news, limits::kIntervalsMax)});
  }
  return by_index(std::move(haves));
}

std::vector<message::Ack::Stream> Node::take_subscribed_due(Session& session) {
  std::vector<message::Ack::Stream> subscribed;
  for (const StreamIx ix : std::exchange(session.subscribed_due, {})) {
    const StreamKnowledge* const known = this->known(ix);
    subscribed.push_back({session.at(ix).in_index, known == nullptr ? IntervalSet() : known->held()});
  }
  return by_index(std::move(subscribed));
}

std::vector<std::uint32_t> Node::take_unsubscribed_due(Session& session) {
  std::vector<std::uint32_t> unsubscribed;
  for (const StreamIx ix : std::exchange(session.unsubscribed_due, {}))
    unsubscribed.push_back(session.at(ix).in_index);
  return by_index(std::move(unsubscribed));
}

// A peer without credit, or one that sends what we have, must hear from us now.
bool Node::must_report(const Session& session) const {
  const std::uint32_t worth_a_frame = std::min(limits::kCreditReturnBytes, session.share / 4);
  const bool credit = session.credit_due >= worth_a_frame && !overfull();
  return credit || session.leads_due || !session.subscribed_due.empty() || !session.unsubscribed_due.empty();
}

// Other acknowledgements wait for company, in all sessions together.
bool Node::report_is_due(Session& session, Instant now) {
  if (session.deltas_due == 0 && session.map_acks_due.empty()) return false;
  if (session.report_now || config_.report_interval == Micros::zero()) return true;
  reporting_.insert(session.peer);
  if (!report_at_) report_at_ = now.steady + config_.report_interval;
  return false;
}

void Node::end_report_wait(Instant now) {
  if (!report_at_ || *report_at_ > now.steady) return;
  report_at_.reset();
  for (const PeerId peer : std::exchange(reporting_, {})) {
    Session* const reporting = session(peer);
    if (reporting == nullptr) continue;
    reporting->report_now = true;
    wake(*reporting);
  }
}

// So do news. Of two sides that both got an event from elsewhere one tells the other: the lesser. The greater
// waits for one interval more, and then need not tell what it has heard.
bool Node::news_are_due(Session& session, Instant now) {
  News& news = session.news;
  if (config_.news_interval == Micros::zero()) move_news(news.fresh, news.due);
  if (!news.fresh.empty()) {
    telling_.insert(session.peer);
    if (!tell_at_) tell_at_ = now.steady + config_.news_interval;
  }
  return !news.due.empty();
}

void Node::end_news_wait(Instant now) {
  if (!tell_at_ || *tell_at_ > now.steady) return;
  tell_at_.reset();
  for (const PeerId peer : std::exchange(telling_, {})) {
    Session* const telling = session(peer);
    if (telling == nullptr) continue;
    News& news = telling->news;
    const bool lesser = identity_ < telling->remote;
    move_news(lesser ? news.fresh : news.ripe, news.due);
    move_news(news.fresh, news.ripe);
    if (!news.ripe.empty()) telling_.insert(peer);
    wake(*telling);
  }
  if (!telling_.empty()) tell_at_ = now.steady + config_.news_interval;
}

}  // namespace deltamesh
