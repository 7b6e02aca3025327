// tests/support/tcp_proxy.cc - pairs of sockets, and bytes carried from one to the other.
#include "tests/support/tcp_proxy.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace deltamesh::testing {

using boost::asio::ip::tcp;
using boost::system::error_code;

struct TcpProxy::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& io, tcp::endpoint to, std::function<Hearer()> hearers)
      : acceptor(io, {boost::asio::ip::address_v4::loopback(), 0}),
        target(std::move(to)),
        make_hearer(std::move(hearers)) {}

  void accept();
  void accepted(tcp::socket guest);
  void drop_dead();

  tcp::acceptor acceptor;
  tcp::endpoint target;
  std::function<Hearer()> make_hearer;  // None: nobody hears.
  bool there_held = false;              // From guests to the target.
  bool back_held = false;
  bool is_cut = false;
  std::uint64_t bytes = 0;
  std::vector<std::shared_ptr<Pair>> pairs;
};

// A guest and its connection to the target.
class TcpProxy::Pair : public std::enable_shared_from_this<Pair> {
 public:
  Pair(std::shared_ptr<State> state, tcp::socket guest)
      : state_(std::move(state)), guest_(std::move(guest)), target_(guest_.get_executor()) {
    if (state_->make_hearer) back_.hearer = state_->make_hearer();
  }

  void connect() {
    target_.async_connect(state_->target, [self = shared_from_this()](error_code error) {
      error ? self->close() : self->resume();
    });
  }

  void resume() {
    there_.resume(*this);
    back_.resume(*this);
  }

  void close() {
    error_code ignored;
    guest_.close(ignored);
    target_.close(ignored);
  }

  [[nodiscard]] bool is_closed() const { return !guest_.is_open(); }

 private:
  // One direction: reads a piece, then writes it. Held between the two.
  struct Flow {
    tcp::socket& from;
    tcp::socket& to;
    const bool& held;
    Hearer hearer{};
    std::array<char, 16384> buffer{};
    std::size_t filled = 0;
    bool busy = false;

    void resume(Pair& pair) {
      if (busy || held) return;
      filled > 0 ? write(pair) : read(pair);
    }
    void read(Pair& pair) {
      busy = true;
      from.async_read_some(boost::asio::buffer(buffer),
                           [this, self = pair.shared_from_this()](error_code error, std::size_t bytes) {
                             busy = false;
                             if (error) return self->close();
                             filled = bytes;
                             if (hearer) hearer({buffer.data(), bytes});
                             resume(*self);
                           });
    }
    void write(Pair& pair) {
      busy = true;
      boost::asio::async_write(to, boost::asio::buffer(buffer.data(), filled),
                               [this, self = pair.shared_from_this()](error_code error, std::size_t bytes) {
                                 busy = false;
                                 filled = 0;
                                 if (error) return self->close();
                                 self->state_->bytes += bytes;
                                 resume(*self);
                               });
    }
  };

  std::shared_ptr<State> state_;
  tcp::socket guest_;
  tcp::socket target_;
  Flow there_{guest_, target_, state_->there_held};
  Flow back_{target_, guest_, state_->back_held};
};

void TcpProxy::State::accept() {
  acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket guest) {
    if (error) return;
    self->accepted(std::move(guest));
    self->accept();
  });
}

void TcpProxy::State::accepted(tcp::socket guest) {
  drop_dead();
  if (is_cut) return;
  const auto pair = std::make_shared<Pair>(shared_from_this(), std::move(guest));
  pairs.push_back(pair);
  pair->connect();
}

void TcpProxy::State::drop_dead() {
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(), [](const auto& pair) { return pair->is_closed(); }),
              pairs.end());
}

TcpProxy::TcpProxy(boost::asio::io_context& io, tcp::endpoint target, std::function<Hearer()> make_hearer)
    : state_(std::make_shared<State>(io, std::move(target), std::move(make_hearer))),
      port_(state_->acceptor.local_endpoint().port()) {
  state_->accept();
}

TcpProxy::~TcpProxy() {
  cut();
  error_code ignored;
  state_->acceptor.close(ignored);
}

std::uint64_t TcpProxy::bytes() const {
  return state_->bytes;
}

std::size_t TcpProxy::connections() const {
  state_->drop_dead();
  return state_->pairs.size();
}

void TcpProxy::hold() {
  state_->there_held = state_->back_held = true;
}

void TcpProxy::hold_answers() {
  state_->back_held = true;
}

void TcpProxy::cut() {
  state_->is_cut = true;
  for (const auto& pair : std::exchange(state_->pairs, {})) pair->close();
}

void TcpProxy::mend() {
  state_->is_cut = false;
  state_->there_held = state_->back_held = false;
  for (const auto& pair : state_->pairs) pair->resume();
}

}  // namespace deltamesh::testing
