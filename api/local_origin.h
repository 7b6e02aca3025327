// api/local_origin.h - whether a request was meant for this machine by somebody on this machine.
//
// A page of any site can make a browser send requests to 127.0.0.1, either openly (it then says which site in
// Origin) or under a host name of that site which resolves to 127.0.0.1 (it then stands in Host). Neither may
// read or write here.
#pragma once

#include <string_view>

namespace deltamesh {

// "localhost", "127.0.0.1:8480", "[::1]:8480".
bool is_local_host(std::string_view host);

// "http://localhost:3000"; "null" is nobody's.
bool is_local_origin(std::string_view origin);

}  // namespace deltamesh
