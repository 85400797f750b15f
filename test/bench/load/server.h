// The core: answers Livestatus-like requests, one thread per connection, until it is killed.
#pragma once

// Each file is a whole answer, asked for as "GET" and its name. Prints the port on standard output once it
// listens on this IPv4 address.
_Noreturn void serve(const char *host, char **files, int count);
