// transport/boost_asio.cc - the one place where Asio is compiled (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
