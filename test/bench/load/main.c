// The benchmark's load: a core to be asked, and the clients that ask it. One JSON line of figures on
// standard output; any error ends the program with a message and status 1.
#include "bulk.h"
#include "exchange.h"
#include "file.h"
#include "net.h"
#include "pattern.h"
#include "server.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] = "usage: load serve ADDRESS ANSWER...\n"
                            "       load down HOST PORT MEBIBYTES\n"
                            "       load up HOST PORT MEBIBYTES\n"
                            "       load stream down|up HOST PORT WARM SECONDS\n"
                            "       load exchange HOST PORT CONNECTIONS SECONDS INTERVAL keep|new REQUEST ANSWER\n"
                            "REQUEST and ANSWER are files\n";

int main(int count, char **words) {
  const char *mode = count > 1 ? words[1] : "";
  pattern_init();
  if (!strcmp(mode, "serve") && count > 3) serve(words[2], words + 3, count - 3);
  else if (!strcmp(mode, "down") && count == 5) bulk_down(words[2], atoi(words[3]), atoi(words[4]));
  else if (!strcmp(mode, "up") && count == 5) bulk_up(words[2], atoi(words[3]), atoi(words[4]));
  else if (!strcmp(mode, "stream") && count == 7 && !strcmp(words[2], "down"))
    stream_down(words[3], atoi(words[4]), atof(words[5]), atof(words[6]));
  else if (!strcmp(mode, "stream") && count == 7 && !strcmp(words[2], "up"))
    stream_up(words[3], atoi(words[4]), atof(words[5]), atof(words[6]));
  else if (!strcmp(mode, "exchange") && count == 10)
    exchange(&(struct exchange){.host = words[2],
                                .port = atoi(words[3]),
                                .connections = atoi(words[4]),
                                .seconds = atof(words[5]),
                                .interval = atof(words[6]),
                                .keep = !strcmp(words[7], "keep"),
                                .request = file_read(words[8]),
                                .answer = file_read(words[9])});
  else {
    fputs(USAGE, stderr);
    return 2;
  }
  return 0;
}
