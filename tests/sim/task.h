// tests/sim/task.h - something to be done later, kept without memory of its own if it is small.
//
// As std::function<void()>, but it moves only, and holds what an event of the simulator captures in place.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace deltamesh::sim {

class Task {
 public:
  Task() = default;
  template <class What>
  requires(!std::is_same_v<What, Task>) explicit Task(What what) {
    if constexpr (sizeof(What) <= kRoom) {
      new (place_) What(std::move(what));
      calls_ = &kCalls<What>;
    } else {
      auto boxed = [box = std::make_unique<What>(std::move(what))] { (*box)(); };
      new (place_) decltype(boxed)(std::move(boxed));
      calls_ = &kCalls<decltype(boxed)>;
    }
  }
  Task(Task&& other) noexcept { take(other); }
  Task& operator=(Task&& other) noexcept {
    if (this == &other) return *this;
    drop();
    take(other);
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { drop(); }

  void operator()() { calls_->run(place_); }

 private:
  static constexpr std::size_t kRoom = 72;
  struct Calls {
    void (*run)(void*);
    void (*move)(void* from, void* to);  // Leaves nothing behind.
    void (*drop)(void*);
  };
  template <class What>
  static constexpr Calls kCalls{[](void* at) { (*static_cast<What*>(at))(); },
                                [](void* from, void* to) {
                                  auto* const what = static_cast<What*>(from);
                                  new (to) What(std::move(*what));
                                  what->~What();
                                },
                                [](void* at) { static_cast<What*>(at)->~What(); }};

  void take(Task& other) {
    calls_ = std::exchange(other.calls_, nullptr);
    if (calls_ != nullptr) calls_->move(other.place_, place_);
  }
  void drop() {
    if (calls_ != nullptr) std::exchange(calls_, nullptr)->drop(place_);
  }

  const Calls* calls_ = nullptr;
  alignas(std::max_align_t) std::byte place_[kRoom];
};

}  // namespace deltamesh::sim
