// transport/queued_link.h - what TCP and WebSocket links share: a bounded queue, deadlines, one end.
//
// A link connects (a WebSocket agrees on the upgrade first), is open, closes (what is queued is still
// written, and the peer's last bytes are read and dropped, so that it sees our reason and no reset), and is
// gone. Each step that waits for the peer has a deadline, after which the socket is destroyed. A link is kept
// alive by its own pending operations. Everything runs on the driver's executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transport/driver.h"
#include "transport/write_queue.h"

namespace deltamesh {

struct LinkEnd {
  std::string reason;
  std::optional<std::chrono::milliseconds> open_for;  // nullopt: it never opened.
};

struct LinkSetup {
  std::weak_ptr<Driver> driver;
  std::string name;
  std::function<void(const LinkEnd&)> gone;  // Called exactly once, never from within a call of the link.
};

class QueuedLink : public Link, public std::enable_shared_from_this<QueuedLink> {
 public:
  QueuedLink(boost::asio::any_io_executor executor, LinkSetup setup);

  void send(std::shared_ptr<const Bytes> frame) final;
  // Before the link is open, this destroys it.
  void close(const std::string& reason) final;
  [[nodiscard]] std::string name() const final { return setup_.name; }
  [[nodiscard]] bool is_open() const { return phase_ == Phase::kOpen; }

 protected:
  // What a kind of link does: each ends in the call named.
  virtual void read() = 0;                                         // received() or gone()
  virtual void write(const std::vector<SharedFrame>& frames) = 0;  // written(); `frames` stays until then.
  virtual void end_writing(const std::string& reason) = 0;         // Nothing; read() will see the peer's end.
  virtual void destroy() = 0;  // Pending operations end soon, with errors.

  // The link is made: from here on the driver knows it, and reads begin.
  void open();
  // Ends the link after `wait` with `reason`, unless it opens or is gone before.
  void connect_within(std::chrono::milliseconds wait, std::string reason);
  // Hands the driver one frame, if the link is open; it may not be afterwards.
  void deliver(ByteView frame);
  void written(boost::system::error_code error);
  // Reads on, unless the link is gone.
  void read_on();
  void gone(const std::string& reason);

  [[nodiscard]] bool is_gone() const { return phase_ == Phase::kGone; }
  // Of the driver; of nobody once that is gone.
  void count(std::uint64_t TransportCounters::*counter);

 private:
  enum class Phase : std::uint8_t { kConnecting, kOpen, kClosing, kGone };

  void write_on();
  void write_soon();
  void end_within(std::chrono::milliseconds wait, std::string reason);
  void report(const LinkEnd& end);

  boost::asio::any_io_executor executor_;
  LinkSetup setup_;
  Phase phase_ = Phase::kConnecting;
  std::optional<PeerId> peer_;
  std::optional<std::chrono::steady_clock::time_point> opened_at_;
  WriteQueue queue_{limits::kLinkQueueBytesMax};
  bool writing_ = false;
  std::string close_reason_;
  boost::asio::steady_timer deadline_;
};

}  // namespace deltamesh
