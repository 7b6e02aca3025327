// api/problem.h - what went wrong, as an answer: {"error":{"code":"not_found","message":"..."}}.
#pragma once

#include <string_view>

#include "api/http_message.h"
#include "crdt/result.h"

namespace deltamesh {

// The status that fits the code; where trying again later can help, the answer says when (Retry-After).
HttpResponse problem(const Error& error);

// One that only HTTP knows, such as 405.
HttpResponse problem(unsigned status, std::string_view code, std::string_view message);

}  // namespace deltamesh
