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

HttpReply ask(const HttpAddress& address, const std::string& method, const std::string& target) {
  asio::io_context io(1);
  asio::ip::tcp::resolver resolver(io);
  beast::tcp_stream stream(io);
  const auto found = resolver.resolve(address.host, address.port);
  run(io, stream, [&](auto done) { stream.async_connect(found, done); });
  http::request<http::string_body> request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, address.host + ":" + address.port);
  request.set(http::field::connection, "close");
  request.prepare_payload();
  run(io, stream, [&](auto done) { http::async_write(stream, request, done); });
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kReplyBytesMax);
  run(io, stream, [&](auto done) { http::async_read(stream, buffer, parser, done); });
  return {parser.get().result_int(), std::move(parser.get().body())};
}

}  // namespace

Result<HttpAddress> parse_http_address(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const Error wrong{ErrorCode::kInvalid, std::string(url) + " is not of the form http://HOST:PORT"};
  if (!url.starts_with(kScheme)) return wrong;
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || url.find('/') != std::string_view::npos) return wrong;
  const std::string_view port = url.substr(colon + 1);
  if (port.empty() || port.find_first_not_of("0123456789") != std::string_view::npos) return wrong;
  return HttpAddress{std::string(url.substr(0, colon)), std::string(port)};
}

Result<HttpReply> ask_http(const HttpAddress& address, const std::string& method, const std::string& target) {
  try {
    return ask(address, method, target);
  } catch (const boost::system::system_error& error) {
    return Error{ErrorCode::kIo,
                 "http://" + address.host + ":" + address.port + ": " + error.code().message()};
  }
}

}  // namespace deltamesh
