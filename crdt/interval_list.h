// crdt/interval_list.h - a vector of intervals that holds one of them without memory of its own.
//
// Nearly all sets of numbers are one long run, and a node keeps several of them for each session and stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <type_traits>
#include <utility>

#include "crdt/dot.h"

namespace deltamesh {

// Both ends belong to it; first <= last; first >= 1.
struct Interval {
  Seq first = 1;
  Seq last = 1;
  [[nodiscard]] Seq size() const { return last - first + 1; }
  friend auto operator<=>(const Interval&, const Interval&) = default;
};

class IntervalList {
 public:
  using value_type = Interval;
  using iterator = Interval*;
  using const_iterator = const Interval*;

  IntervalList() : place_(Interval{}) {}
  explicit IntervalList(Interval one) : size_(1), place_(one) {}
  IntervalList(const IntervalList& other) : place_(Interval{}) { append(other.begin(), other.end()); }
  IntervalList(IntervalList&& other) noexcept : place_(Interval{}) { swap(other); }
  IntervalList& operator=(IntervalList other) noexcept {
    swap(other);
    return *this;
  }
  ~IntervalList() {
    if (capacity_ > 0) delete[] place_.many;
  }

  [[nodiscard]] iterator begin() { return capacity_ > 0 ? place_.many : &place_.one; }
  [[nodiscard]] iterator end() { return begin() + size_; }
  [[nodiscard]] const_iterator begin() const { return capacity_ > 0 ? place_.many : &place_.one; }
  [[nodiscard]] const_iterator end() const { return begin() + size_; }
  [[nodiscard]] std::reverse_iterator<const_iterator> rbegin() const {
    return std::make_reverse_iterator(end());
  }
  [[nodiscard]] std::reverse_iterator<const_iterator> rend() const {
    return std::make_reverse_iterator(begin());
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // Of a list that is not empty.
  [[nodiscard]] const Interval& front() const { return *begin(); }
  [[nodiscard]] const Interval& back() const { return *(end() - 1); }
  [[nodiscard]] Interval& back() { return *(end() - 1); }
  [[nodiscard]] const Interval& operator[](std::size_t i) const { return begin()[i]; }

  void reserve(std::size_t wanted) {
    if (wanted <= room()) return;
    auto* const wider = new Interval[wanted];
    std::copy(begin(), end(), wider);
    if (capacity_ > 0) delete[] place_.many;
    place_.many = wider;
    capacity_ = static_cast<std::uint32_t>(wanted);
  }
  void push_back(Interval one) {
    if (size_ == room()) reserve(std::max<std::size_t>(4, 2 * std::size_t{size_}));
    begin()[size_++] = one;
  }
  void append(const_iterator first, const_iterator last) {
    reserve(size_ + static_cast<std::size_t>(last - first));
    for (; first != last; ++first) push_back(*first);
  }
  void insert(const_iterator before, Interval one) {
    const auto at = before - begin();
    push_back(one);
    std::rotate(begin() + at, end() - 1, end());
  }
  void erase(const_iterator first, const_iterator last) {
    std::copy(last, const_iterator(end()), begin() + (first - begin()));
    size_ -= static_cast<std::uint32_t>(last - first);
  }

  friend bool operator==(const IntervalList& a, const IntervalList& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  static_assert(std::is_trivially_copyable_v<Interval>);

  [[nodiscard]] std::size_t room() const { return capacity_ > 0 ? capacity_ : 1; }
  void swap(IntervalList& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(place_, other.place_);
  }

  // Trivially copyable, so that it can be swapped whichever of the two is in use.
  union Place {
    Interval one;
    Interval* many;
    explicit Place(Interval interval) : one(interval) {}
  };
  static_assert(std::is_trivially_copyable_v<Place>);

  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;  // 0: the one interval is in its place.
  Place place_;
};

}  // namespace deltamesh
