// transport/queued_link.cc - the life of a link, whatever carries its bytes.
#include "transport/queued_link.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace deltamesh {

QueuedLink::QueuedLink(boost::asio::any_io_executor executor, LinkSetup setup)
    : executor_(std::move(executor)), setup_(std::move(setup)), deadline_(executor_) {}

// --- Beginning -------------------------------------------------------------------------------------------

void QueuedLink::connect_within(std::chrono::milliseconds wait, std::string reason) {
  end_within(wait, std::move(reason));
}

void QueuedLink::open() {
  if (phase_ != Phase::kConnecting) return;
  deadline_.cancel();
  const auto driver = setup_.driver.lock();
  if (!driver) return gone("the node has stopped");
  phase_ = Phase::kOpen;
  opened_at_ = std::chrono::steady_clock::now();
  peer_ = driver->opened(shared_from_this());
  read_on();
}

// --- Frames in -------------------------------------------------------------------------------------------

void QueuedLink::deliver(ByteView frame) {
  const auto driver = setup_.driver.lock();
  if (phase_ == Phase::kOpen && driver) driver->received(*peer_, frame);
}

void QueuedLink::read_on() {
  if (phase_ != Phase::kGone) read();
}

// --- Frames out ------------------------------------------------------------------------------------------

void QueuedLink::send(std::shared_ptr<const Bytes> frame) {
  if (phase_ != Phase::kOpen) return;
  if (queue_.push(std::move(frame))) return write_soon();
  count(&TransportCounters::queues_overflowed);
  gone("its peer does not read: over " + std::to_string(limits::kLinkQueueBytesMax) + " bytes wait for it");
}

// Not at once: frames that are sent in one go leave in one write.
void QueuedLink::write_soon() {
  if (std::exchange(writing_, true)) return;
  boost::asio::post(executor_, [self = shared_from_this()] { self->write_on(); });
}

void QueuedLink::write_on() {
  if (phase_ == Phase::kGone) return;
  if (!queue_.empty()) return write(queue_.take(limits::kLinkGatherBytes, limits::kLinkGatherFrames));
  if (phase_ == Phase::kClosing) return end_writing(close_reason_);
  writing_ = false;
}

void QueuedLink::written(boost::system::error_code error) {
  queue_.done();
  if (error && phase_ != Phase::kGone) {
    return gone(phase_ == Phase::kClosing ? close_reason_ : "write: " + error.message());
  }
  write_on();
}

// --- End -------------------------------------------------------------------------------------------------

void QueuedLink::close(const std::string& reason) {
  if (phase_ == Phase::kConnecting) return gone(reason);
  if (phase_ != Phase::kOpen) return;
  phase_ = Phase::kClosing;
  close_reason_ = reason;
  end_within(limits::kLinkCloseLinger, reason);
  write_soon();
}

void QueuedLink::end_within(std::chrono::milliseconds wait, std::string reason) {
  deadline_.expires_after(wait);
  deadline_.async_wait([self = shared_from_this(), phase = phase_,
                        reason = std::move(reason)](boost::system::error_code error) {
    if (error || self->phase_ != phase) return;
    if (phase == Phase::kConnecting) self->count(&TransportCounters::upgrades_refused);
    self->gone(reason);
  });
}

void QueuedLink::gone(const std::string& reason) {
  if (phase_ == Phase::kGone) return;
  LinkEnd end{phase_ == Phase::kClosing ? close_reason_ : reason, std::nullopt};
  if (opened_at_) {
    const auto up = std::chrono::steady_clock::now() - *opened_at_;
    end.open_for = std::chrono::duration_cast<std::chrono::milliseconds>(up);
  }
  phase_ = Phase::kGone;
  deadline_.cancel();
  destroy();
  // Posted, because the driver may be in the middle of carrying out effects.
  boost::asio::post(executor_, [self = shared_from_this(), end = std::move(end)] { self->report(end); });
}

void QueuedLink::report(const LinkEnd& end) {
  const auto driver = setup_.driver.lock();
  if (driver && peer_) driver->closed(*peer_, end.reason);
  if (const auto gone = std::exchange(setup_.gone, nullptr)) gone(end);
}

void QueuedLink::count(std::uint64_t TransportCounters::*counter) {
  if (const auto driver = setup_.driver.lock()) ++((*driver).counters().*counter);
}

}  // namespace deltamesh
