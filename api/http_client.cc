// api/http_client.cc - one request on a connection of its own.
#include "api/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "api/limits.h"

namespace deltamesh {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::uint64_t kReplyBytesMax = 64u << 20;  // More than a node answers.

// Runs one step on the stream to its end: with a deadline, which calls that block do not have.
template <class Begin>
void run(asio::io_context& io, beast::tcp_stream& stream, Begin begin) {
  boost::system::error_code failed;
  stream.expires_after(limits::kHttpAnswerTimeout + limits::kHttpLinger);
  begin([&failed](boost::system::error_code error, auto&&...) { failed = error; });
  io.restart();
  io.run();
  if (failed) throw boost::system::system_error(failed);
}

HttpReply ask(const HttpAddress& address, const std::string& method, const std::string& target,
              const std::string& content) {
  asio::io_context io(1);
  asio::ip::tcp::resolver resolver(io);
  beast::tcp_stream stream(io);
  const auto found = resolver.resolve(address.host, std::to_string(address.port));
  run(io, stream, [&](auto done) { stream.async_connect(found, done); });
  http::request<http::string_body> request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, host_and_port(address));
  request.set(http::field::connection, "close");
  request.body() = content;
  request.prepare_payload();
  run(io, stream, [&](auto done) { http::async_write(stream, request, done); });
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kReplyBytesMax);
  run(io, stream, [&](auto done) { http::async_read(stream, buffer, parser, done); });
  return {parser.get().result_int(), std::move(parser.get().body())};
}

}  // namespace

Result<HttpReply> ask_http(const HttpAddress& address, const std::string& method, const std::string& target,
                           const std::string& content) {
  try {
    return ask(address, method, target, content);
  } catch (const boost::system::system_error& error) {
    return Error{ErrorCode::kIo, "http://" + host_and_port(address) + ": " + error.code().message()};
  }
}

Result<JsonValue> ask_json(const HttpAddress& address, const std::string& method, const std::string& target,
                           std::string* body, const std::string& content) {
  const auto reply = ask_http(address, method, target, content);
  if (!reply) return reply.error();
  if (body != nullptr) *body = reply->body;
  auto json = parse_json(reply->body);
  if (reply->status < 300) return json;
  const JsonValue* const error = json ? json->find("error") : nullptr;
  const JsonValue* const message = error == nullptr ? nullptr : error->find("message");
  return Error{ErrorCode::kIo, message == nullptr
                                   ? "the node answers with status " + std::to_string(reply->status)
                                   : message->text};
}

}  // namespace deltamesh
