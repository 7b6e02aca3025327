// api/problem.cc - error codes to HTTP statuses, and their JSON.
#include "api/problem.h"

#include "api/json_writer.h"

namespace deltamesh {
namespace {

unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kUnsupported: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kMismatch:
    case ErrorCode::kForked: return 409;
    case ErrorCode::kLimit: return 413;
    case ErrorCode::kFull:
    case ErrorCode::kClosed: return 503;
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo: return 500;
  }
  return 500;
}

}  // namespace

HttpResponse problem(const Error& error) {
  return problem(status_of(error.code), to_string(error.code), error.text);
}

HttpResponse problem(unsigned status, std::string_view code, std::string_view message) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.key("code").text(code).key("message").text(message);
  json.end_object().end_object();
  HttpResponse response;
  response.status = status;
  response.body = json.take();
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace deltamesh
